"""First contents of volumes, which no crash leaves half-made; and a data directory that is a file system of its own."""
import contextlib
import http.client
import os
import pathlib
import shutil
import threading

import pytest
from harness.daemon import Daemon
from harness.machine import run, wait_until

MANY = 20000


@pytest.fixture
def seeded(daemon, tmp_path):
    """A daemon that has the image seeded:1, with MANY files at /seed: copying them takes a while."""
    root = tmp_path / "root"
    (root / "bin").mkdir(parents=True)
    (root / "seed").mkdir()
    shutil.copy("/bin/busybox", root / "bin/sh")
    for number in range(MANY):
        (root / "seed" / f"f{number}").write_bytes(b"x")
    run("tar", "-C", root, "-cf", tmp_path / "root.tar", ".")
    shutil.rmtree(root)
    run("curl", "-sSf", "--unix-socket", daemon.socket, "-H", "Content-Type: application/x-tar", "-T", tmp_path / "root.tar",
        "-X", "POST", "http://shoal/images/create?fromSrc=-&repo=seeded&tag=1")
    return daemon


def create(daemon, name, mode):
    body = {"Image": "seeded:1", "Cmd": ["/bin/sh", "-c", "ls /seed | wc -l"],
            "HostConfig": {"NetworkMode": "none", "Binds": [f"{name}:/seed{mode}"]}}
    return daemon.ask("POST", "/containers/create", body)["Id"]


def folder(daemon, name):
    return daemon.data_dir / "volumes" / name / "_data"


def start_and_kill(daemon, container, name, victim):
    """The victim is killed when the first files are there. Returns whether that was before the last."""
    def start():
        with contextlib.suppress(OSError, http.client.HTTPException):
            daemon.api("POST", f"/containers/{container}/start")

    starting = threading.Thread(target=start)
    starting.start()
    wait_until(lambda: os.listdir(folder(daemon, name)), "the copy has begun")
    if victim == "daemon":
        daemon.kill()
        wait_until(lambda: not [p for p in daemon.processes("shoal-worker") if not p.is_zombie], "its worker ends with it")
        daemon.start()
    else:
        for process in daemon.processes("shoal-worker"):
            process.kill()
    starting.join(120)
    return len(os.listdir(folder(daemon, name))) not in (0, MANY)


def cut(daemon, victim, mode):
    """A container whose volume was left with a part of its content; the copy may be ready before it is found."""
    for attempt in range(20):
        name = f"volume{attempt}"
        container = create(daemon, name, "")
        if start_and_kill(daemon, container, name, victim):
            return name, create(daemon, name, mode)
    raise AssertionError("twenty copies were ready before anything could be killed")


def listed(daemon, container):
    """What the container says of its volume."""
    daemon.ask("POST", f"/containers/{container}/start")
    assert daemon.ask("POST", f"/containers/{container}/wait")["StatusCode"] == 0
    return int(daemon.ask("GET", f"/containers/{container}/logs?stdout=1&tail=1")[8:])


@pytest.mark.parametrize("victim", ["daemon", "worker"])
def test_a_first_content_that_was_cut_short_is_made_again(seeded, victim):
    name, container = cut(seeded, victim, "")
    assert listed(seeded, container) == MANY
    # From now on it is the containers': what they remove does not come back.
    for path in folder(seeded, name).iterdir():
        path.unlink()
    (folder(seeded, name) / "mine").touch()
    assert listed(seeded, create(seeded, name, "")) == 1
    assert os.listdir(folder(seeded, name).parent) == ["_data"]


def test_without_a_copy_it_is_removed(seeded):
    _, container = cut(seeded, "worker", ":nocopy")
    assert listed(seeded, container) == 0


def test_two_that_start_at_once_share_one_content(seeded):
    """The second one waits for the copy that the first one needs."""
    containers = [create(seeded, "shared", "") for _ in range(3)]
    connections = [seeded.begin("POST", f"/containers/{container}/start") for container in containers]
    for connection in connections:
        assert connection.getresponse().status == 204
        connection.close()
    for container in containers:
        assert seeded.ask("POST", f"/containers/{container}/wait")["StatusCode"] == 0
        assert int(seeded.ask("GET", f"/containers/{container}/logs?stdout=1")[8:]) == MANY


# --- Mounts


def test_data_on_a_file_system_of_its_own(build, netns, images, tmp_path):
    """All that is made there is removed again, although it is a mount; and so where a volume's folder is one, too."""
    daemon = Daemon(build, netns, tmp_path / "shoal")
    netns.run("mount", "-t", "tmpfs", "-o", "size=256m", "none", daemon.data_dir)
    daemon._mounts = netns.mounts()
    inside = pathlib.Path(f"/proc/{netns.holder.pid}/root{daemon.data_dir}")
    try:
        daemon.start()
        daemon.load(images("busybox"))
        for name in "plain", "mounted":
            daemon.ask("POST", "/volumes/create", {"Name": name})
        place = daemon.data_dir / "volumes/mounted/_data"
        netns.run("mount", "-t", "tmpfs", "none", place)
        body = {"Image": "shoal/busybox", "Cmd": ["ls", "/etc"], "HostConfig": {"Binds": ["plain:/etc", "mounted:/bin"]}}
        made = daemon.ask("POST", "/containers/create", body)["Id"]
        daemon.ask("POST", f"/containers/{made}/start")
        assert daemon.ask("POST", f"/containers/{made}/wait")["StatusCode"] == 0
        assert "passwd" in daemon.ask("GET", f"/containers/{made}/logs?stdout=1")
        assert (inside / "volumes/mounted/_data/busybox").exists()
        daemon.ask("DELETE", f"/containers/{made}?v=1")
        netns.run("umount", place)
        for name in "plain", "mounted":
            daemon.ask("DELETE", f"/volumes/{name}")
        daemon.ask("DELETE", "/images/shoal/busybox")
        for left in "containers", "volumes", "layers", "images/tar", "images/blobs/sha256":
            wait_until(lambda path=inside / left: not os.listdir(path), lambda path=inside / left: f"nothing is left: {os.listdir(path)}")
    finally:
        left = daemon.close()
    assert not left, "\n".join(left) + daemon.said()
