"""The daemon itself: its folders, its socket, its signals, and what it tells the service manager."""
import grp
import os
import signal
import socket
import stat

from harness.daemon import Daemon
from harness.machine import wait_until

IMAGE = "shoal/busybox"


def test_folders_and_socket(daemon):
    found = daemon.socket.stat()
    groups = [name for name in ("shoal", "docker") if name in {group.gr_name for group in grp.getgrall()}]
    assert stat.S_ISSOCK(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o660
    assert found.st_gid == (grp.getgrnam(groups[0]).gr_gid if groups else 0)
    assert daemon.api("GET", "/info")[1]["ID"] == daemon.instance


def test_folders_are_made(build, netns, tmp_path):
    daemon = Daemon(build, netns, tmp_path / "shoal")
    for path in (daemon.data_dir, daemon.run_dir):
        path.rmdir()
    daemon.start()
    try:
        assert stat.S_IMODE(daemon.data_dir.stat().st_mode) == 0o710
        assert stat.S_IMODE(daemon.run_dir.stat().st_mode) == 0o755
    finally:
        assert not daemon.close()


def test_one_daemon_for_each_data_directory(daemon, build, netns, tmp_path):
    second = netns.run(build / "shoal", "daemon", "--data-dir", daemon.data_dir, "--run-dir", tmp_path / "other", check=False)
    assert second.returncode == 1 and "another daemon uses the data directory" in second.stderr
    assert daemon.api("GET", "/_ping")[0] == 200


def test_two_daemons_side_by_side(daemon, build, netns, tmp_path):
    second = Daemon(build, netns, tmp_path / "second")
    second.start()
    try:
        assert second.instance != daemon.instance
        assert second.api("GET", "/info")[1]["ID"] == second.instance and daemon.api("GET", "/info")[1]["ID"] == daemon.instance
    finally:
        # What it leaves is told apart by the name: its namespaces are the first one's, too.
        second.stop()
    assert daemon.api("GET", "/_ping")[0] == 200


def test_terminating_leaves_containers(daemon, images):
    daemon.cli("load", "-i", images("busybox"))
    _, made = daemon.api("POST", "/containers/create", {"Image": IMAGE, "Cmd": ["sleep", "1000"]})
    daemon.api("POST", f"/containers/{made['Id']}/start")
    before = daemon.api("GET", f"/containers/{made['Id']}/json")[1]["State"]
    assert daemon.stop() == 0
    assert not daemon.socket.exists()
    assert os.path.exists(f"/proc/{before['Pid']}")
    daemon.start()
    after = daemon.api("GET", f"/containers/{made['Id']}/json")[1]["State"]
    assert (after["Status"], after["Pid"], after["StartedAt"]) == ("running", before["Pid"], before["StartedAt"])


def test_terminating_cuts_streams_and_finishes_answers(daemon):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(daemon.socket))
        client.settimeout(60)
        client.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n")
        assert daemon.stop() == 0
        assert client.recv(4096) == b""


def test_hanging_up_is_ignored(daemon):
    daemon.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "SIGHUP" in daemon.said(), "it is told in the log")
    assert daemon.running and daemon.api("GET", "/_ping")[0] == 200


def test_a_dead_daemons_socket_is_replaced(daemon):
    daemon.kill()
    assert daemon.socket.exists()
    daemon.start()
    assert daemon.api("GET", "/_ping")[0] == 200


def test_the_service_manager_is_told(build, netns, tmp_path):
    daemon = Daemon(build, netns, tmp_path / "shoal")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(60)
        daemon.start(NOTIFY_SOCKET=str(tmp_path / "notify"))
        assert manager.recv(100) == b"READY=1"
        daemon.process.send_signal(signal.SIGTERM)
        assert manager.recv(100) == b"STOPPING=1"
        daemon.ended()
    assert not daemon.close()


def test_it_has_one_thread(daemon):
    assert len(os.listdir(f"/proc/{daemon.processes('shoal daemon')[0].pid}/task")) == 1
