"""Docker's command line, of three Debian releases, finds a Docker behind the socket."""
import json
import re
import signal
import subprocess
import time

import pytest
from harness.docker_cli import SUITES, Docker, program
from harness.machine import Process, wait_until

IMAGE = "shoal/busybox"


@pytest.fixture(params=SUITES)
def docker(request, daemon, images, tmp_path):
    """The client of one suite, and a daemon that has the image."""
    path = program(request.param)
    if not path:
        pytest.skip(f"the docker client of {request.param} could not be had: tools/docker-clients fetch")
    client = Docker(path, daemon, tmp_path)
    assert client("load", "-q", "-i", images("busybox")) == f"Loaded image: {IMAGE}:latest"
    return client


# --- the system

def test_version_and_info(docker):
    server = json.loads(docker("version", "--format", "{{json .Server}}"))
    assert server["ApiVersion"] == "1.44" and server["MinAPIVersion"] == "1.24" and server["Os"] == "linux"
    info = json.loads(docker("info", "--format", "{{json .}}"))
    assert info["Images"] == 1 and info["Containers"] == 0 and info["NCPU"] > 0
    assert info["DockerRootDir"] == str(docker.daemon.data_dir) and not info.get("ServerErrors")
    assert "Swarm: inactive" in docker("info")


@pytest.mark.parametrize("words, name", [
    (["cp", "{c}:/etc/passwd", "-"], "/archive"),
    (["stats", "--no-stream", "{c}"], "/stats"),
    (["commit", "{c}"], "/commit"),
    (["export", "{c}"], "/export"),
])
def test_what_is_not_offered_is_named(docker, words, name):
    docker("create", "--name", "cc", IMAGE)
    _, said = docker.both(*[word.format(c="cc") for word in words], status=1)
    assert name in said and "not offered" in said


# --- run

def test_run_gives_output_and_status(docker):
    out, err = docker.both("run", "--rm", IMAGE, "sh", "-c", "echo out; echo err >&2; exit 7", status=7)
    assert (out, err) == ("out\n", "err\n")
    assert docker("ps", "-aq") == ""


def test_run_carries_much_output(docker):
    out = docker("run", "--rm", IMAGE, "seq", "1", "200000")
    assert out.split("\n") == [str(i) for i in range(1, 200001)]


def test_run_interactive_pipe(docker):
    text = "".join(f"line {i}\n" for i in range(20000))
    assert docker("run", "-i", "--rm", IMAGE, "cat", stdin=text) + "\n" == text
    assert docker("run", "-i", "--rm", IMAGE, "wc", "-c", stdin="12345") == "5"


@pytest.mark.parametrize("command, status, said", [
    (["/nowhere"], 127, "no such file or directory|executable file not found"),
    (["nowhere"], 127, "executable file not found"),
    (["/etc/passwd"], 126, "permission denied"),
])
def test_run_what_cannot_run(docker, command, status, said):
    _, err = docker.both("run", "--rm", IMAGE, *command, status=status)
    assert re.search(said, err, re.IGNORECASE)


def test_run_on_a_terminal(docker):
    with docker.terminal("run", "-it", "--rm", "--name", "shell", IMAGE, "sh") as terminal:
        terminal.expect("# ")
        terminal.type("stty size; tty\n")
        terminal.expect(r"24 80\r\n/dev/(pts/\d+|console)")
        terminal.resize(50, 132)
        terminal.process.send_signal(28)  # SIGWINCH: the ioctl by this process does not tell the client's group
        terminal.expect("# ")
        wait_until(lambda: docker("exec", "shell", "stty", "-F", "/dev/console", "size") == "50 132", "the size arrives")
        terminal.type("exit 3\n")
        assert terminal.wait() == 3


def test_run_detached_keys_and_attach(docker):
    with docker.terminal("run", "-it", "--name", "shell", IMAGE, "sh") as terminal:
        terminal.expect("# ")
        terminal.type("\x10\x11")
        assert terminal.wait() == 0
    assert docker("inspect", "-f", "{{.State.Status}}", "shell") == "running"
    with docker.terminal("attach", "shell") as terminal:
        terminal.type("echo $((6 * 7))\n")
        terminal.expect("42")
        terminal.type("exit 5\n")
        assert terminal.wait() == 5


def test_run_options_arrive(docker):
    out = docker("run", "--rm", "-e", "A=b c", "-w", "/tmp", "-u", "65534:65534", "-h", "fish", "--entrypoint", "sh",
                 IMAGE, "-c", "echo $A; pwd; id -u; hostname")
    assert out.split("\n") == ["b c", "/tmp", "65534", "fish"]


def test_unknown_image(docker):
    _, err = docker.both("run", "--pull", "never", "nothing/here", status=125)
    assert "No such image: nothing/here:latest" in err


# --- a container's life

def test_life(docker):
    first = docker("create", "--name", "one", "--label", "kind=test", IMAGE, "sleep", "1000")
    assert len(first) == 64
    assert docker("ps", "-a", "--format", "{{.Names}} {{.Status}} {{.Image}}") == f"one Created {IMAGE}"
    assert docker("start", "one") == "one"
    assert docker("ps", "--no-trunc", "--format", "{{.ID}} {{.Command}}") == f'{first} "sleep 1000"'
    assert re.fullmatch(r"Up .*second.*", docker("ps", "--format", "{{.Status}}"))
    docker("rename", "one", "two")
    docker("pause", "two")
    assert docker("ps", "--format", "{{.Names}} {{.Status}}").endswith("(Paused)")
    docker("unpause", "two")
    assert docker("top", "two").split("\n")[1].endswith("sleep 1000")
    docker("restart", "-t", "0", "two")
    docker("kill", "-s", "KILL", "two")
    assert docker("wait", "two") == "137"
    assert docker("ps", "-a", "--filter", "exited=137", "--format", "{{.Names}}") == "two"
    docker("rm", "two")
    _, err = docker.both("inspect", "two", status=1)
    assert "No such object: two" in err


def test_stop_asks_first(docker):
    docker("run", "-d", "--name", "polite", IMAGE, "sh", "-c", "trap 'exit 9' TERM; while :; do sleep 0.1; done")
    pid = int(docker("inspect", "-f", "{{.State.Pid}}", "polite"))
    wait_until(lambda: Process(pid).catches(signal.SIGTERM), "it is ready for the signal")
    assert docker("stop", "polite") == "polite"
    assert docker("inspect", "-f", "{{.State.ExitCode}} {{.State.Running}}", "polite") == "9 false"


def test_wait_is_told(docker):
    docker("run", "-d", "--name", "short", IMAGE, "sh", "-c", "sleep 0.3; exit 4")
    assert docker("wait", "short") == "4"


def test_running_containers_need_force(docker):
    docker("run", "-d", "--name", "busy", IMAGE, "sleep", "1000")
    docker.both("rm", "busy", status=1)
    docker("rm", "-f", "busy")
    assert docker("ps", "-aq") == ""


def test_ps_filters(docker):
    for name, label in (("web-1", "tier=front"), ("web-2", "tier=front"), ("db", "tier=back")):
        docker("create", "--name", name, "--label", label, IMAGE)

    def names(*filters):
        words = [word for text in filters for word in ("--filter", text)]
        return sorted(docker("ps", "-a", "--format", "{{.Names}}", *words).split())

    assert names("name=web") == ["web-1", "web-2"]
    assert names("name=^db$") == names("name=^/db$") == names("label=tier=back") == ["db"]
    assert names("label=tier") == names("status=created") == names(f"ancestor={IMAGE}") == ["db", "web-1", "web-2"]
    assert names("label=tier=front", "name=2") == names("since=web-1", "before=db") == ["web-2"]
    assert names("status=running") == []
    _, err = docker.both("ps", "--filter", "colour=red", status=1)
    assert "invalid filter 'colour'" in err


def test_inspect(docker, tmp_path):
    docker("run", "-d", "--name", "cc", "-v", "data:/data", "-v", f"{tmp_path}:/host:ro", "--env", "A=1", "--restart",
           "on-failure:3", "--memory-swappiness", "-1", IMAGE, "sleep", "1000")
    told = json.loads(docker("inspect", "cc"))[0]
    assert told["Name"] == "/cc" and told["Path"] == "sleep" and told["Args"] == ["1000"]
    assert told["State"]["Status"] == "running" and told["State"]["Pid"] > 0 and told["State"]["ExitCode"] == 0
    assert told["Config"]["Image"] == IMAGE and "A=1" in told["Config"]["Env"] and told["Config"]["Cmd"] == ["sleep", "1000"]
    assert told["HostConfig"]["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 3}
    assert sorted(told["HostConfig"]["Binds"]) == sorted(["data:/data", f"{tmp_path}:/host:ro"])  # 20.10 orders them by chance
    mounts = {mount["Destination"]: mount for mount in told["Mounts"]}
    assert mounts["/data"]["Type"] == "volume" and mounts["/data"]["Name"] == "data" and mounts["/data"]["RW"]
    assert mounts["/host"]["Type"] == "bind" and mounts["/host"]["Source"] == str(tmp_path) and not mounts["/host"]["RW"]
    assert told["Image"].startswith("sha256:") and told["LogPath"].endswith(f"{told['Id']}-json.log")
    assert docker("inspect", "-f", "{{.State.StartedAt}}", "cc").startswith("20")


# --- exec

@pytest.fixture
def sleeper(docker):
    docker("run", "-d", "--name", "cc", IMAGE, "sleep", "1000")
    return docker


def test_exec(sleeper):
    out, err = sleeper.both("exec", "cc", "sh", "-c", "echo out; echo err >&2; exit 6", status=6)
    assert (out, err) == ("out\n", "err\n")
    assert sleeper("exec", "-i", "cc", "cat", stdin="hello\n") == "hello"
    assert sleeper("exec", "-e", "A=1", "-w", "/tmp", "-u", "nobody", "cc", "sh", "-c", "echo $A $(pwd) $(id -u)") == "1 /tmp 65534"
    sleeper("exec", "-d", "cc", "touch", "/made")
    wait_until(lambda: sleeper("exec", "cc", "ls", "/made", status=None) == "/made", "the detached command ran")


def test_exec_on_a_terminal(sleeper):
    with sleeper.terminal("exec", "-it", "cc", "sh") as terminal:
        terminal.expect("# ")
        terminal.type("stty size\n")
        terminal.expect("24 80")
        terminal.type("exit 8\n")
        assert terminal.wait() == 8


def test_exec_what_cannot_run(sleeper):
    sleeper.both("exec", "cc", "nowhere", status=127)
    sleeper.both("exec", "cc", "/etc/passwd", status=126)
    sleeper("kill", "cc")
    sleeper("wait", "cc")
    _, err = sleeper.both("exec", "cc", "true", status=1)
    assert "is not running" in err


# --- logs

def test_logs(docker):
    docker("run", "--name", "cc", IMAGE, "sh", "-c", "for i in 1 2 3; do echo out $i; done; echo err >&2")
    out, err = docker.both("logs", "cc")
    assert (out, err) == ("out 1\nout 2\nout 3\n", "err\n")
    out, err = docker.both("logs", "--tail", "2", "cc")
    assert (out + err).split("\n")[:2] == ["out 3", "err"]
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z out 1\n", docker("logs", "-t", "cc") + "\n")
    assert docker("logs", "--until", "2000-01-01T00:00:00Z", "cc") == ""
    assert docker("logs", "--since", "1m", "cc").startswith("out 1")


def test_logs_follow(docker):
    docker("run", "-d", "--name", "cc", IMAGE, "sh", "-c", "echo first; sleep 1; echo second; sleep 1; exit 0")
    with docker.start("logs", "-f", "cc") as follower:
        assert follower.stdout.readline() == "first\n"
        assert follower.stdout.readline() == "second\n"
        assert follower.stdout.read() == ""
        assert follower.wait(60) == 0


def test_logs_of_a_terminal(docker):
    docker("run", "-t", "--name", "cc", IMAGE, "echo", "hello")
    assert docker("logs", "cc").strip() == "hello"


# --- images

def test_images(docker):
    listed = docker("images", "--format", "{{.Repository}} {{.Tag}} {{.ID}}").split("\n")
    identity = docker("inspect", "-f", "{{.Id}}", IMAGE)
    assert listed == [f"{IMAGE} latest {identity.removeprefix('sha256:')[:12]}"]
    docker("tag", IMAGE, "other/name:v1")
    assert docker("images", "-q", "--filter", "reference=other/*") == identity.removeprefix("sha256:")[:12]
    assert docker("history", "--format", "{{.ID}}", "-q", IMAGE).split("\n")[0] in (identity.removeprefix("sha256:")[:12], "<missing>")
    assert docker("rmi", "other/name:v1") == "Untagged: other/name:v1"
    docker("create", "--name", "user", IMAGE)
    _, err = docker.both("rmi", IMAGE, status=1)
    assert "is using its referenced image" in err
    docker("rm", "user")
    gone = docker("rmi", IMAGE).split("\n")
    assert gone[0] == f"Untagged: {IMAGE}:latest" and f"Deleted: {identity}" in gone
    assert docker("images", "-q") == ""


def test_save_and_load(docker, tmp_path):
    identity = docker("inspect", "-f", "{{.Id}}", IMAGE)
    docker("save", "-o", tmp_path / "image.tar", IMAGE)
    docker("rmi", IMAGE)
    assert f"Loaded image: {IMAGE}:latest" in docker("load", "-i", tmp_path / "image.tar")
    assert docker("inspect", "-f", "{{.Id}}", IMAGE) == identity
    assert docker("run", "--rm", IMAGE, "echo", "works") == "works"


def test_import(docker, tmp_path):
    docker("run", "--name", "cc", IMAGE, "true")
    root = tmp_path / "root"
    (root / "bin").mkdir(parents=True)
    subprocess.run(["cp", "/bin/busybox", root / "bin" / "sh"], check=True)
    subprocess.run(["tar", "-C", root, "-cf", tmp_path / "root.tar", "."], check=True)
    assert docker("import", "-c", 'CMD ["/bin/sh", "-c", "echo made"]', tmp_path / "root.tar", "made:v1").startswith("sha256:")
    assert docker("run", "--rm", "made:v1") == "made"


def test_pull(docker, registry):
    name = registry.reference("hello")
    said = docker("pull", name)
    assert f"Status: Downloaded newer image for {name}" in said and "Digest: sha256:" in said
    assert f"Status: Image is up to date for {name}" in docker("pull", name)
    assert docker("inspect", "-f", "{{index .RepoDigests 0}}", name).startswith(registry.reference("hello").removesuffix(":latest"))
    _, err = docker.both("pull", registry.reference("absent"), status=1)
    assert "absent" in err


def test_run_pulls(docker, registry):
    name = registry.reference("busybox")
    docker("rmi", IMAGE)
    out, err = docker.both("run", "--rm", name, "echo", "pulled")
    assert out == "pulled\n" and "Unable to find image" in err


# --- networks and volumes

def test_networks(docker):
    assert sorted(docker("network", "ls", "--format", "{{.Name}} {{.Driver}}").split("\n")) == ["bridge bridge", "host host", "none null"]
    docker("network", "create", "--subnet", "10.77.0.0/24", "--label", "a=b", "sea")
    told = json.loads(docker("network", "inspect", "sea"))[0]
    assert told["IPAM"]["Config"][0]["Subnet"] == "10.77.0.0/24" and told["Labels"] == {"a": "b"}
    docker("run", "-d", "--name", "cc", "--network", "sea", IMAGE, "sleep", "1000")
    member, = json.loads(docker("network", "inspect", "sea"))[0]["Containers"].values()
    assert member["Name"] == "cc" and member["IPv4Address"].startswith("10.77.0.")
    assert docker("inspect", "-f", "{{.NetworkSettings.Networks.sea.IPAddress}}", "cc").startswith("10.77.0.")
    docker.both("network", "rm", "sea", status=1)
    docker("rm", "-f", "cc")
    assert docker("network", "rm", "sea") == "sea"
    docker("network", "create", "unused")
    assert "unused" in docker("network", "prune", "-f")


def test_published_ports(docker):
    docker("run", "-d", "--name", "cc", "-p", "127.0.0.1:8080:80", IMAGE, "sh", "-c", "mkdir w; echo hi >w/index.html; httpd -f -h w")
    assert docker("port", "cc", "80/tcp") == "127.0.0.1:8080"
    assert docker("ps", "--format", "{{.Ports}}") == "127.0.0.1:8080->80/tcp"
    fetch = docker.daemon.netns.command("curl", "-sS", "--retry", "20", "--retry-connrefused", "--retry-delay", "1",
                                        "http://127.0.0.1:8080/")
    assert subprocess.run(fetch, capture_output=True, text=True, check=True).stdout == "hi\n"


def test_volumes(docker):
    assert docker("volume", "create", "--label", "a=b", "data") == "data"
    docker("run", "--rm", "-v", "data:/d", IMAGE, "sh", "-c", "echo kept >/d/file")
    assert docker("run", "--rm", "-v", "data:/d", IMAGE, "cat", "/d/file") == "kept"
    assert docker("volume", "ls", "--format", "{{.Driver}} {{.Name}}") == "local data"
    assert json.loads(docker("volume", "inspect", "data"))[0]["Labels"] == {"a": "b"}
    docker("create", "--name", "user", "-v", "data:/d", IMAGE)
    docker.both("volume", "rm", "data", status=1)
    docker("rm", "user")
    assert docker("volume", "rm", "data") == "data"
    docker("create", "--name", "user", "-v", "/anonymous", IMAGE)
    assert len(docker("volume", "ls", "-q")) == 64
    docker("rm", "-v", "user")
    assert docker("volume", "ls", "-q") == ""


# --- events and prunes

def test_events(docker):
    since = str(time.time() - 1)
    with docker.start("events", "--format", "{{.Type}} {{.Action}} {{.Actor.Attributes.name}}", "--filter", "type=container",
                      "--since", since) as watcher:
        docker("run", "--name", "cc", IMAGE, "true")
        docker("rm", "cc")
        wanted = ["create", "start", "die", "destroy"]
        seen = []
        while wanted:
            line = watcher.stdout.readline()
            assert line, f"the events ended; seen: {seen}"
            seen.append(line)
            if line == f"container {wanted[0]} cc\n":
                wanted.pop(0)
        watcher.terminate()
    again = docker("events", "--since", since, "--until", str(time.time()), "--filter", "container=cc", "--format", "{{.Action}}").split("\n")
    assert [action for action in again if action in ("create", "start", "die", "destroy")] == ["create", "start", "die", "destroy"]


def test_prunes(docker):
    docker("create", "--name", "old", "--label", "keep", IMAGE)
    docker("create", "--name", "older", IMAGE)
    docker("run", "-d", "--name", "runs", IMAGE, "sleep", "1000")
    docker("container", "prune", "-f", "--filter", "label!=keep")
    assert sorted(docker("ps", "-a", "--format", "{{.Names}}").split()) == ["old", "runs"]
    docker("container", "prune", "-f")
    assert docker("ps", "-a", "--format", "{{.Names}}") == "runs"
