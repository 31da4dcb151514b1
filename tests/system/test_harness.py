"""The harness itself: its namespaces are apart, its registry is a registry, and it sees what a daemon leaves behind."""
import json
import socket
import subprocess

import pytest
from harness.daemon import Daemon, instance_of
from harness.machine import cgroup_root, run, wait_until


def test_namespaces_are_apart(netns, tmp_path):
    assert netns.links() == ["lo"]
    netns.run("mount", "-t", "tmpfs", "none", tmp_path)
    assert str(tmp_path) in netns.mounts()
    assert str(tmp_path) not in run("cat", "/proc/self/mountinfo").stdout


def test_outside_is_on_the_same_cable(netns, outside, nano_httpd, tmp_path):
    (tmp_path / "index.html").write_text("hello")
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))  # so that nobody else on the machine listens there
        port = unheard.getsockname()[1]
        server = netns.start(nano_httpd, "-p", port, tmp_path, stdout=subprocess.PIPE)
        assert b"serving" in server.stdout.readline()
        assert outside.run("curl", "-sS", f"http://192.0.2.1:{port}/").stdout == "hello"
        with outside.inside():
            socket.create_connection(("192.0.2.1", port), timeout=30).close()
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=30)


@pytest.mark.parametrize("kind", ["registry", "registry_tls", "registry_auth"])
def test_registries(kind, request):
    registry = request.getfixturevalue(kind)
    words = ["--cacert", registry.ca] if registry.ca else []
    url = f"{'https' if registry.ca else 'http'}://{registry.address}/v2/_catalog"
    if registry.credentials:
        refused = registry.netns.run("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", *words, url)
        assert refused.stdout == "401"
        words += ["-u", ":".join(registry.credentials)]
    assert json.loads(registry.netns.run("curl", "-sS", *words, url).stdout)["repositories"] == ["shoal/busybox", "shoal/hello"]
    wait_until(lambda: any("/v2/shoal/hello/manifests/latest" in line for line in registry.requests()), "the push is logged")


def test_instance_names():
    assert instance_of("/var/lib/shoal") == f"{_fnv('/var/lib/shoal'):08x}"


def _fnv(text):
    number = 2166136261
    for character in text:
        number = ((number ^ ord(character)) * 16777619) & 0xffffffff
    return number


def test_leftovers_are_seen_and_swept(build, netns, tmp_path):
    """A process, a mount, a cgroup and a link with the instance's name, and no daemon at all."""
    daemon = Daemon(build, netns, tmp_path / "shoal")
    assert daemon.leftovers() == []
    group = cgroup_root() / f"shoal-{daemon.instance}"
    (group / "deep").mkdir(parents=True)
    sleeper = subprocess.Popen(netns.command("sleep", "1000"))
    (group / "deep" / "cgroup.procs").write_text(str(sleeper.pid))
    netns.run("mount", "-t", "tmpfs", "none", daemon.run_dir)
    netns.run("ip", "link", "add", f"sh{daemon.instance}00001", "type", "veth", "peer", "name", "other")
    netns.run("nft", "add", "table", "ip", f"shoal-{daemon.instance}")
    wait_until(lambda: "sleep 1000" in repr(daemon.processes()), "the sleeper is seen")
    kinds = [line.split()[0] for line in daemon.leftovers()]
    daemon.sweep()
    assert kinds == ["process", "cgroup", "cgroup", "mount", "link", "nftables"]
    assert sleeper.wait(30) == -9
    assert not group.exists()


STAND_IN = """#!/usr/bin/python3
import http.server, os, socketserver, subprocess, sys
if sys.argv[1] != "daemon":
    sys.exit(f"{sys.argv[1:]}")
path = sys.argv[sys.argv.index("--run-dir") + 1] + "/shoal.sock"
if os.path.exists(path):
    os.unlink(path)
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"[]")
    def address_string(self):
        return "client"
if os.environ.get("LEAVE"):
    subprocess.Popen(["sleep", "1000"], start_new_session=True)
socketserver.UnixStreamServer(path, Answer).serve_forever()
"""


@pytest.fixture
def stand_in(netns, tmp_path):
    """What the harness does to a daemon, done to a program that only listens."""
    program = tmp_path / "bin" / "shoal"
    program.parent.mkdir()
    program.write_text(STAND_IN)
    program.chmod(0o755)
    return Daemon(program.parent, netns, tmp_path / "shoal")


def test_the_life_of_a_daemon(stand_in):
    stand_in.start()
    first = stand_in.process.pid
    assert [process.pid for process in stand_in.processes("daemon")] == [first]
    assert stand_in.api("GET", "/containers/json") == (200, [])
    assert stand_in.restart().process.pid != first
    assert "--host" in stand_in.cli("ps", check=False).stderr
    assert stand_in.close() == []
    assert not stand_in.running


def test_a_process_that_is_left_is_named(stand_in, monkeypatch):
    monkeypatch.setattr("harness.daemon.STOPPED_IN", 0.3)
    stand_in.start(LEAVE="1")
    left = stand_in.close()
    assert len(left) == 1 and left[0].startswith("process ") and "sleep 1000" in left[0]
    assert stand_in.leftovers() == []


def test_a_daemon_that_ends_at_once_says_why(stand_in):
    (stand_in.build / "shoal").write_text("#!/bin/sh\necho no such disk >&2; exit 3\n")
    with pytest.raises(AssertionError, match="(?s)ended with status 3.*no such disk"):
        stand_in.start()
    assert stand_in.close() == []
