"""runtime: lean, and read-only roots: what they share, what each has of its own, and what is refused."""
import os
import pathlib

import pytest
from harness.machine import Process, cgroup_root, run, wait_until

NAMESPACES_OWN, NAMESPACES_SHARED = ("pid", "mnt", "uts", "net"), ("ipc", "cgroup", "user")


@pytest.fixture
def loaded(daemon, images):
    for name in ("hello", "busybox"):
        daemon.cli("load", "-i", images(name))
    return daemon


def start(daemon, name, *options, image="shoal/hello", command=()):
    daemon.cli("container", "run", "-d", "--name", name, *options, image, *command)
    return Process(daemon.api("GET", f"/containers/{name}/json")[1]["State"]["Pid"])


def mounts(process):
    """Mount point → (device, options, type)."""
    text = pathlib.Path(f"/proc/{process.pid}/mountinfo").read_text(encoding="utf-8")
    words = [line.split() for line in text.splitlines()]
    return {w[4]: (w[2], w[5].split(","), w[w.index("-") + 1]) for w in words}


def status(process, key):
    text = pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    return next(line.split()[1] for line in text.splitlines() if line.startswith(key + ":"))


def test_lean_containers_share_what_they_can(loaded):
    one, two = start(loaded, "one", "--runtime", "lean"), start(loaded, "two", "--runtime", "lean")
    for process in (one, two):
        assert set(mounts(process)) == {"/", "/dev"}
        device, options, kind = mounts(process)["/"]
        assert kind == "overlay" and "ro" in options
        assert sorted(os.listdir(f"/proc/{process.pid}/root/dev")) == [
            "full", "null", "random", "tty", "urandom", "zero"]
        assert os.listdir(f"/proc/{process.pid}/root/proc") == os.listdir(f"/proc/{process.pid}/root/sys") == []
        assert loaded.instance in process.cgroup
    assert mounts(one)["/"][0] == mounts(two)["/"][0], "one superblock for both roots"
    assert mounts(one)["/dev"][0] == mounts(two)["/dev"][0]
    default = start(loaded, "default")
    assert mounts(default)["/"][0] != mounts(one)["/"][0]


def test_lean_containers_are_isolated(loaded):
    one, two = start(loaded, "one", "--runtime", "lean"), start(loaded, "two", "--runtime", "lean")
    host = Process(loaded.process.pid)
    for kind in NAMESPACES_OWN:
        assert len({process.namespace(kind) for process in (one, two, host)}) == 3, kind
    for kind in NAMESPACES_SHARED:
        assert len({process.namespace(kind) for process in (one, two, host)}) == 1, kind
    default = start(loaded, "default")
    for key in ("CapEff", "CapBnd", "CapPrm", "Seccomp"):
        assert status(one, key) == status(default, key)
    assert status(one, "Seccomp") == "2" and int(status(one, "CapEff"), 16) == 0xA80425FB
    assert one.cgroup != two.cgroup
    address = loaded.api("GET", "/containers/one/json")[1]["NetworkSettings"]["IPAddress"]
    assert "Hello from Shoal" in loaded.netns.run("curl", "-sS", "--retry", "30", "--retry-connrefused", "--retry-delay", "1", f"http://{address}/").stdout


def test_nothing_of_a_lean_container_can_be_written(loaded):
    script = "echo x > /file; echo x > /etc/hosts; mknod /dev/x c 1 3; echo x > /dev/null && echo fine; hostname"
    done = loaded.cli("container", "run", "--rm", "--runtime", "lean", "--hostname", "own", "shoal/busybox", "sh", "-c",
                      script)
    assert done.stdout.split() == ["fine", "own"]
    assert done.stderr.count("Read-only file system") == 3
    done = loaded.cli("container", "run", "--rm", "--runtime", "lean", "shoal/busybox", "mount", "-o", "remount,rw", "/",
                      check=False)
    assert done.returncode != 0


def test_the_shared_root_survives_the_daemon_and_goes_with_the_last_container(loaded):
    start(loaded, "one", "--runtime", "lean")
    loaded.restart()
    again = start(loaded, "two", "--runtime", "lean"), start(loaded, "three", "--runtime", "lean")
    assert mounts(again[0])["/"][0] == mounts(again[1])["/"][0]
    for name in ("one", "two", "three"):
        loaded.cli("container", "rm", "-f", name)
    wait_until(lambda: "/" not in Process(loaded.process.pid).descriptors.values(), "the root of an image without containers is let go")


def test_mounts_in_a_lean_container(loaded, tmp_path):
    """On places of the image they work; where there is none, the error says so and nothing is left."""
    (tmp_path / "index.html").write_text("mine", encoding="utf-8")
    process = start(loaded, "bound", "--runtime", "lean", "-v", f"{tmp_path}:/www:ro", "--tmpfs", "/sys")
    assert set(mounts(process)) == {"/", "/dev", "/www", "/sys"}
    assert pathlib.Path(f"/proc/{process.pid}/root/www/index.html").read_text(encoding="utf-8") == "mine"
    for option in (("-v", "data:/data"), ("--tmpfs", "/data"), ("-v", f"{tmp_path}:/data")):
        done = loaded.cli("container", "run", "--rm", "--runtime", "lean", *option, "shoal/hello", check=False)
        assert done.returncode != 0, done
        assert "cannot mount anything on /data" in done.stderr and "runtime: lean" in done.stderr
    wait_until(lambda: len(loaded.api("GET", "/containers/json?all=1")[1]) == 1, "what could not be started is removed")


@pytest.mark.parametrize("options, word", [
    (("-t",), "a terminal"), (("--privileged",), "privileged"), (("--device", "/dev/null"), "devices"),
    (("--sysctl", "net.ipv4.ip_forward=1"), "sysctls"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_what_lean_cannot_have_is_refused(loaded, options, word):
    done = loaded.cli("container", "run", "-d", "--runtime", "lean", *options, "shoal/hello", check=False)
    assert done.returncode != 0
    assert f'a container with "runtime: lean" cannot have {word}' in done.stderr
    assert loaded.api("GET", "/containers/json?all=1")[1] == []


def test_lean_in_a_compose_file(loaded, tmp_path):
    file = tmp_path / "compose.yaml"
    file.write_text("name: small\nservices:\n  web:\n    image: shoal/hello\n    runtime: lean\n    oom_score_adj: 500\n"
                    "    deploy:\n      replicas: 3\n", encoding="utf-8")
    loaded.cli("-f", file, "up", "-d", "--wait")
    listed = loaded.api("GET", "/containers/json")[1]
    processes = [Process(loaded.api("GET", f"/containers/{c['Id']}/json")[1]["State"]["Pid"]) for c in listed]
    assert len(processes) == 3
    assert len({mounts(process)["/"][0] for process in processes}) == 1
    for process in processes:
        assert set(mounts(process)) == {"/", "/dev"}
        assert pathlib.Path(f"/proc/{process.pid}/oom_score_adj").read_text(encoding="ascii") == "500\n"
    assert "runtime" not in loaded.cli("-f", file, "up", "-d").stderr
    loaded.cli("-f", file, "down")


def test_exec_in_a_lean_container(loaded):
    start(loaded, "box", "--runtime", "lean", image="shoal/busybox", command=("sleep", "1000"))
    done = loaded.cli("container", "exec", "box", "sh", "-c", "echo $$ && ls /dev/null")
    assert done.stdout.split()[1] == "/dev/null"


def test_read_only_shares_the_root_and_has_everything_else(loaded):
    one, two = start(loaded, "one", "--read-only"), start(loaded, "two", "--read-only")
    assert mounts(one)["/"][0] == mounts(two)["/"][0]
    assert {"/proc", "/dev", "/sys", "/etc/hosts", "/etc/resolv.conf"} <= set(mounts(one))
    assert one.namespace("ipc") != two.namespace("ipc")
    done = loaded.cli("container", "run", "--rm", "--read-only", "--hostname", "own", "shoal/busybox", "sh", "-c",
                      "cat /etc/hostname /etc/hosts; echo x > /file", check=False)
    assert done.stdout.startswith("own\n") and done.stdout.split("\n")[-2].endswith("own")
    assert "Read-only file system" in done.stderr


def test_read_only_with_mounts(loaded):
    """A place that the image does not have is made: in a layer of the container's own."""
    one = start(loaded, "one", "--read-only", "-v", "data:/data", "--tmpfs", "/run")
    two = start(loaded, "two", "--read-only", "-v", "data:/www")
    assert {"/data", "/run"} <= set(mounts(one)) and "/www" in mounts(two)
    assert "ro" in mounts(one)["/"][1] and "rw" in mounts(one)["/data"][1]
    assert mounts(one)["/"][0] != mounts(two)["/"][0]
    assert (cgroup_root() / one.cgroup.lstrip("/")).is_dir()
    assert run("grep", "-c", "upperdir", f"/proc/{one.pid}/mountinfo").stdout.strip() == "1"
