"""The command line against a real daemon: plain containers, images, stacks; exit codes and terminals."""
import json
import os
import pty
import select
import signal
import subprocess
import time

import pytest
from harness.daemon import Daemon
from harness.machine import Netns, wait_until

COMPOSE = """
name: demo
services:
  web:
    image: shoal/hello
    deploy: {replicas: 2}
    depends_on: [talker]
  talker:
    image: shoal/busybox
    command: [sh, -c, 'echo to stdout; echo to stderr >&2; echo $$GREETING; exec sleep 1000']
    environment: {GREETING: "hello ${WHO:-world}"}
    stop_grace_period: 0s
  tool:
    image: shoal/busybox
    profiles: [tools]
    network_mode: none
    command: [echo, as the file says]
"""


@pytest.fixture(scope="module")
def daemon(build, images, tmp_path_factory):
    """One daemon for all of these tests, with busybox and hello loaded."""
    netns = Netns()
    daemon = Daemon(build, netns, tmp_path_factory.mktemp("cli") / "shoal")
    try:
        daemon.start()
        for name in ("busybox", "hello"):
            daemon.cli("load", "-q", "-i", images(name))
        yield daemon
    finally:
        left = daemon.close()
        netns.close()
    assert not left, "left on the machine:\n" + "\n".join(left) + "\n\nthe daemon said:\n" + daemon.said()


@pytest.fixture
def shoal(daemon):
    yield daemon
    daemon.remove_containers()


@pytest.fixture
def stack(shoal, tmp_path):
    """stack("up", "-d"): a command for the project of COMPOSE."""
    (tmp_path / "compose.yaml").write_text(COMPOSE)

    def command(*words, **options):
        return shoal.cli("-f", tmp_path / "compose.yaml", *words, **options)

    command.file = tmp_path / "compose.yaml"
    yield command
    command("down", "-v", "-t", "0", check=False)


def fails(done, code, *words):
    assert done.returncode == code, done.stdout + done.stderr
    for word in words:
        assert word in done.stderr


class Terminal:
    """A command with a terminal of its own."""

    def __init__(self, words):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm"
            os.execvp(words[0], words)
        self.text = ""

    def expect(self, word, seconds=60):
        deadline = time.monotonic() + seconds
        while word not in self.text:
            assert time.monotonic() < deadline, f"no {word!r} in {self.text!r}"
            if select.select([self.fd], [], [], 0.1)[0]:
                try:
                    self.text += os.read(self.fd, 4096).decode(errors="replace")
                except OSError:
                    break
        assert word in self.text, self.text

    def type(self, text):
        self.text = ""
        os.write(self.fd, text.encode())

    def wait(self):
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.fd)
        return status


def terminal(daemon, *words):
    return Terminal([str(word) for word in daemon.netns.command(daemon.build / "shoal", "--host", daemon.host, *words)])


# --- Images


def test_images(shoal, images):
    listed = {name for image in shoal.json("images") for name in image["RepoTags"]}
    assert {"shoal/busybox:latest", "shoal/hello:latest"} <= listed
    table = shoal.cli("images", "shoal/hello").stdout.splitlines()
    assert table[0].split()[:2] == ["REPOSITORY", "TAG"] and table[1].split()[:2] == ["shoal/hello", "latest"]
    with open(images("hello"), "rb") as archive:
        done = shoal.cli("load", stdin=archive)
    assert "Loaded image: shoal/hello:latest" in done.stdout + done.stderr
    fails(shoal.cli("load", "-i", "/nonexistent", check=False), 4, "/nonexistent")


def test_import(shoal, tmp_path):
    subprocess.run(["tar", "-C", tmp_path, "-cf", tmp_path / "root.tar", "--exclude=root.tar", "."], check=True)
    done = shoal.cli("import", "-c", 'CMD ["/x"]', tmp_path / "root.tar", "mine:1")
    assert done.stdout.startswith("sha256:")
    assert "mine:1" in shoal.cli("images", "--json").stdout


# --- Containers


def test_run_exits_with_the_status_and_keeps_the_streams_apart(shoal):
    script = "echo out; echo err >&2; exit 7"
    done = shoal.cli("container", "run", "--rm", "shoal/busybox", "sh", "-c", script, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (7, "out\n", "err\n")
    assert shoal.json("container", "ls", "-a") == []


def test_run_passes_input_on(shoal):
    process = subprocess.run(shoal.netns.command(shoal.build / "shoal", "--host", shoal.host, "container", "run", "-i", "--rm",
                                                 "shoal/busybox", "wc", "-c"),
                             input=bytes(3_000_000), capture_output=True, timeout=180, check=False)
    assert (process.returncode, process.stdout.strip()) == (0, b"3000000")


def test_run_options_arrive(shoal):
    text = shoal.cli("container", "run", "--rm", "-e", "A=b c", "-w", "/tmp", "--hostname", "box", "-u", "12:34",
                     "shoal/busybox", "sh", "-c", "echo $A; pwd; hostname; id -u").stdout
    assert text.split("\n") == ["b c", "/tmp", "box", "12", ""]


def test_life(shoal):
    identity = shoal.cli("container", "run", "-d", "--name", "cc", "shoal/busybox", "sh", "-c",
                         "echo one; echo two >&2; exec sleep 1000").stdout.strip()
    wait_until(lambda: (done := shoal.cli("container", "logs", "cc")).stdout == "one\n" and done.stderr == "two\n", "both lines are logged")
    lines = [json.loads(line) for line in shoal.cli("container", "logs", "--json", "cc").stdout.splitlines()]
    assert sorted((line["stream"], line["line"]) for line in lines) == [("stderr", "two"), ("stdout", "one")]
    assert all(line["time"].startswith("20") for line in lines)
    listed = shoal.cli("container", "ls").stdout.splitlines()
    assert len(listed) == 2 and identity[:12] in listed[1] and listed[1].endswith(" cc")
    assert shoal.json("container", "inspect", "cc")[0]["Id"] == identity
    done = shoal.cli("container", "exec", "-e", "X=y", "cc", "sh", "-c", "echo $X; exit 5", check=False)
    assert (done.returncode, done.stdout) == (5, "y\n")
    fails(shoal.cli("container", "rm", "cc", check=False), 1)
    assert shoal.cli("container", "stop", "-t", "0", "cc").stdout == "cc\n"
    assert shoal.cli("container", "ls", "-q").stdout == ""
    assert shoal.cli("container", "rm", "--json", "cc").stdout == '{"container":"cc","done":"removed"}\n'


def test_exit_codes(shoal):
    fails(shoal.cli("container", "run", check=False), 2)
    fails(shoal.cli("container", "run", "--nonsense", "x", check=False), 2, "--nonsense")
    fails(shoal.cli("container", "run", "-m", "much", "shoal/busybox", check=False), 3, "--memory much")
    fails(shoal.cli("container", "inspect", "nobody", check=False), 4, "nobody")
    fails(shoal.cli("container", "run", "--rm", "shoal/busybox", "/no/such", check=False), 127, "/no/such")
    fails(shoal.cli("container", "run", "--rm", "shoal/busybox", "/etc", check=False), 126)
    fails(shoal.netns.run(shoal.build / "shoal", "-H", "unix:///nowhere", "images", check=False), 5, "systemctl start shoal")
    fails(shoal.cli("container", "run", "--pull", "never", "nobody/has-this", check=False), 4, "nobody/has-this")
    wait_until(lambda: shoal.json("container", "ls", "-a") == [], "--rm removes what could not be run")


def test_a_signal_reaches_the_process(shoal):
    process = subprocess.Popen(shoal.netns.command(shoal.build / "shoal", "--host", shoal.host, "container", "run", "--rm",
                                                   "shoal/busybox", "sh", "-c",
                                                   "trap 'echo caught; exit 3' INT; echo ready; while :; do sleep 0.1; done"),
                               stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "caught\n"
    assert process.wait(60) == 3


def test_a_terminal(shoal):
    shell = terminal(shoal, "container", "run", "-it", "--name", "tt", "shoal/busybox", "sh")
    shell.expect("#")
    shell.type("echo $((6 * 7))\n")
    shell.expect("42")
    shell.type("\x10\x11")  # ctrl-p ctrl-q: it runs on
    assert shell.wait() == 0
    assert shoal.json("container", "inspect", "tt")[0]["State"]["Running"]
    shell = terminal(shoal, "container", "exec", "-it", "tt", "sh")
    shell.expect("#")
    shell.type("tty; exit 4\n")
    shell.expect("/dev/pts/")
    assert shell.wait() == 4


# --- Stacks


def test_up_and_down(shoal, stack):
    planned = json.loads(stack("plan", "--json").stdout)
    assert {step["kind"] for step in planned} >= {"create network", "create", "start"}
    assert "Started" in stack("up", "-d", "--wait").stderr
    names = {line.split()[0] for line in stack("ps").stdout.splitlines()[1:]}
    assert names == {"demo-web-1", "demo-web-2", "demo-talker-1"}
    assert stack("plan").stdout == "nothing to do\n"
    assert json.loads(stack("up", "-d", "--json").stdout.splitlines()[-1])["status"] == "done"
    assert stack("ps", "--services").stdout.split() == ["talker", "web"]
    stack("scale", "web=3")
    assert len(stack("ps", "-q", "web").stdout.split()) == 3
    stack("down", "-t", "0")
    assert stack("ps", "-a", "-q").stdout == ""
    assert shoal.json("container", "ls", "-a") == []


def test_naming_a_service_leaves_the_others(stack):
    stack("up", "-d")
    stack("up", "-d", "talker", "--force-recreate")
    assert len(stack("ps", "-q").stdout.split()) == 3


def test_logs_and_exec(stack):
    stack("up", "-d", "--wait", env={**os.environ, "WHO": "you"})
    wait_until(lambda: "hello you" in (done := stack("logs")).stdout and "to stderr" in done.stderr, "all is logged")
    done = stack("logs", "talker")
    assert sorted(done.stdout.splitlines()) == ["talker-1 | hello you", "talker-1 | to stdout"]
    assert done.stderr == "talker-1 | to stderr\n"
    last = stack("logs", "--tail", "1", "--no-log-prefix", "talker")
    assert last.stdout + last.stderr in ("hello you\n", "to stderr\n")  # two pipes: the last of either
    done = stack("exec", "-T", "talker", "sh", "-c", "echo $GREETING; exit 6", check=False)
    assert (done.returncode, done.stdout) == (6, "hello you\n")
    fails(stack("exec", "nobody", "ls", check=False), 4, "nobody")


def test_stop_start_restart(stack):
    stack("up", "-d", "--wait")
    stack("stop", "-t", "0", "web")
    assert stack("ps", "--services").stdout.split() == ["talker"]
    stack("start", "web")
    assert stack("ps", "--services").stdout.split() == ["talker", "web"]
    before = stack("ps", "-q", "talker").stdout
    stack("restart", "-t", "0", "talker")
    assert stack("ps", "-q", "talker").stdout == before


def test_run_of_a_service(shoal, stack):
    done = stack("run", "--rm", "tool")
    assert done.stdout == "as the file says\n"
    done = stack("run", "--rm", "-T", "-e", "A=b", "tool", "sh", "-c", "echo $A; exit 9", check=False)
    assert (done.returncode, done.stdout) == (9, "b\n")
    assert shoal.json("container", "ls", "-a") == []


RUN_WITH_ALL = """
name: all
services:
  tool:
    image: shoal/busybox
    command: cat /run/secrets/word /greeting /data/kept
    secrets: [word]
    configs: [{source: greeting, target: /greeting}]
    volumes: ["data:/data"]
    networks: [inner]
secrets: {word: {file: ./word}}
configs: {greeting: {content: "hello\\n"}}
volumes: {data: {}}
networks: {inner: {internal: true}}
"""


def test_run_gives_what_the_service_has(shoal, tmp_path):
    """Configs, secrets, volumes and networks, of a stack that was never up."""
    file = tmp_path / "all.yaml"
    file.write_text(RUN_WITH_ALL, encoding="utf-8")
    (tmp_path / "word").write_text("secret\n", encoding="utf-8")
    run = lambda *words: shoal.cli("-f", file, "run", "--rm", "-T", *words).stdout
    assert run("tool", "sh", "-c", "echo kept > /data/kept; ip -o link | grep -c eth0") == "1\n"
    assert run("tool") == "secret\nhello\nkept\n"
    assert {network["Name"] for network in shoal.ask("GET", "/networks")} >= {"all_inner"}
    fails(shoal.cli("-f", file, "run", "nobody", check=False), 4, "nobody")


def test_up_shows_logs_until_it_is_interrupted(shoal, stack):
    process = subprocess.Popen(shoal.netns.command(shoal.build / "shoal", "--host", shoal.host, "-f", stack.file, "up"),
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    while (line := process.stdout.readline()) != "talker-1 | to stdout\n":
        assert line, "the logs ended before the talker said a word"
    process.send_signal(signal.SIGINT)
    assert process.wait(120) == 130
    assert stack("ps", "-q").stdout == ""
    assert len(stack("ps", "-a", "-q").stdout.split()) == 3


def test_what_has_no_effect_is_told(stack):
    stack.file.write_text(COMPOSE + "    develop: {watch: [{path: ., action: rebuild}]}\n")
    assert "services.tool.develop" in stack("--profile", "tools", "plan").stderr
    fails(stack("--profile", "tools", "up", "-d", "--strict", check=False), 3, "--strict")
    assert stack("ps", "-a", "-q").stdout == ""


def test_a_service_that_is_not_there(stack):
    fails(stack("up", "-d", "nobody", check=False), 4, "nobody")
    fails(stack("scale", "web=many", check=False), 3, "web=many")
