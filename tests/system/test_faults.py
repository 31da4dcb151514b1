"""No memory, no space, and workers that are killed: clear errors, nothing half-made, and it goes on afterwards."""
import contextlib
import http.client
import os
import pathlib
import threading

import pytest
from harness.daemon import Daemon
from harness.machine import wait_until

OUT_OF_MEMORY = 70  # base/mem.h
ECHO = {"Image": "shoal/busybox", "Cmd": ["sh", "-c", "echo hello; exit 3"], "HostConfig": {"NetworkMode": "bridge"}}


@pytest.fixture
def stopped(build, netns, tmp_path):
    """A daemon that was not started yet; at the end nothing may be left of it."""
    daemon = Daemon(build, netns, tmp_path / "shoal")
    try:
        yield daemon
    finally:
        if daemon.process is not None and not daemon.running:
            daemon.start()
        left = daemon.close()
    assert not left, "left on the machine:\n" + "\n".join(left) + "\n\nthe daemon said:\n" + daemon.said()


def cycle(daemon):
    """A container's life; True where the daemon lived through it."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        daemon.ask("POST", "/containers/create?name=victim", ECHO)
        daemon.ask("POST", "/containers/victim/start")
        assert daemon.ask("POST", "/containers/victim/wait")["StatusCode"] == 3
        daemon.ask("GET", "/containers/victim/json")
        daemon.ask("GET", "/containers/victim/logs?stdout=1")
        daemon.ask("DELETE", "/containers/victim")
        return True
    return False


def starts_and_cycles(daemon, number):
    """The same with an allocation that fails on the way."""
    before = len(daemon.said())
    try:
        daemon.start(SHOAL_FAULT_ALLOC=str(number))
        survived = cycle(daemon)
    except AssertionError:
        if daemon.running:
            raise
        survived = False
    if survived:
        daemon.kill()
    else:
        assert daemon.ended() == OUT_OF_MEMORY, daemon.said()[before:]
        assert "out of memory" in daemon.said()[before:]
    return survived


def test_each_allocation(stopped, images):
    """The Nth allocation of the daemon fails, N growing by steps: it says so and ends, and the next daemon is whole."""
    stopped.start()
    stopped.load(images("busybox"))
    stopped.kill()
    number, ended = 1, 0
    while not starts_and_cycles(stopped, number):
        ended += 1
        stopped.start()
        wait_until(lambda: stopped.api("DELETE", "/containers/victim?force=1")[0] in (204, 404), "what it left is removed")
        assert cycle(stopped)
        stopped.kill()
        number += max(1, number // 4)
    assert ended > 15, f"the first {number} allocations were enough"


# --- No space


@pytest.fixture
def small(netns, tmp_path):
    """small(name, size): mounts a file system of that size for the daemon's data or run directory."""
    def mount(name, size):
        path = tmp_path / "shoal" / name
        path.mkdir(parents=True, exist_ok=True)
        netns.run("mount", "-t", "tmpfs", "-o", f"size={size}", "none", path)
        return path
    return mount


def inside(daemon, path):
    """A path of the daemon's own mount namespace, seen from here."""
    return f"/proc/{daemon.netns.holder.pid}/root{path}"


def fill(daemon, folder):
    """Takes all the space there is; returns the file that has it."""
    path = inside(daemon, folder / "filler")
    with open(path, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    return path


@pytest.fixture
def on_small(build, netns, tmp_path, small):
    """on_small(name, size): a daemon one of whose directories is that small."""
    made = []

    def start(name, size):
        daemon = Daemon(build, netns, tmp_path / "shoal") if not made else made[0]
        made.append(daemon)
        small(name, size)
        daemon._mounts = netns.mounts()
        daemon.socket = pathlib.Path(inside(daemon, daemon.run_dir / "shoal.sock"))
        return daemon.start()

    yield start
    if not made[0].running:
        made[0].start()
    left = made[0].close()
    assert not left, "\n".join(left) + "\n" + made[0].said()


def test_full_data_directory(on_small, images):
    daemon = on_small("data", "12m")
    daemon.load(images("hello"))
    filler = fill(daemon, daemon.data_dir)

    status, said = daemon.api("POST", "/images/load?quiet=1", images("busybox").read_bytes())
    assert status == 507 or "No space left" in str(said), (status, said)
    assert [image["RepoTags"] for image in daemon.ask("GET", "/images/json")] == [["shoal/hello:latest"]]
    created, answer = set(), None
    for number in range(60):
        answer = daemon.api("POST", f"/containers/create?name=n{number}", {"Image": "shoal/hello"})
        if answer[0] != 201:
            break
        created.add(answer[1]["Id"])
    assert answer[0] == 507 and "full" in str(answer[1]), answer
    # What the turn changed cannot be kept: it says so and ends, and its successor reads what is true.
    assert daemon.ended() == 1
    assert "cannot be kept" in daemon.said()

    os.unlink(filler)
    daemon.start()
    assert {container["Id"] for container in daemon.ask("GET", "/containers/json?all=1")} == created
    daemon.load(images("busybox"))
    assert cycle(daemon)
    folders = set(os.listdir(inside(daemon, daemon.data_dir / "containers")))
    assert folders <= created, "a folder of no container is left"


def test_full_run_directory(on_small, images):
    daemon = on_small("run", "64k")
    daemon.load(images("busybox"))
    made = daemon.ask("POST", "/containers/create?name=first", ECHO)["Id"]
    filler = fill(daemon, daemon.run_dir)
    status, said = daemon.api("POST", f"/containers/{made}/start")
    assert status in (204, 507) or "No space left" in str(said), (status, said)
    os.unlink(filler)
    wait_until(lambda: daemon.ask("GET", f"/containers/{made}/json")["State"]["Status"] in ("created", "exited"), "it is settled")
    daemon.ask("DELETE", f"/containers/{made}?force=1")
    assert cycle(daemon)


# --- Workers


def test_worker_killed_while_it_loads(daemon, images):
    """The job fails with a reason, leaves nothing, and the same load works when nobody kills it."""
    archive, answers = images("nginx").read_bytes(), []

    def killed():
        return any(status == 500 and "was killed by signal 9" in str(said) for status, said in answers)

    while not killed():  # one may be ready before it is found
        assert len(answers) < 20
        for image in daemon.ask("GET", "/images/json"):
            daemon.ask("DELETE", f"/images/{image['Id']}?force=1")
        loading = threading.Thread(target=lambda: answers.append(daemon.api("POST", "/images/load?quiet=1", archive)))
        loading.start()
        with contextlib.suppress(AssertionError):
            wait_until(lambda: daemon.processes("shoal-worker"), "a worker loads", 2)[0].kill()
        loading.join(120)
        assert not loading.is_alive()
    assert daemon.ask("GET", "/images/json") == []
    wait_until(lambda: not daemon.processes("shoal-worker"), "no worker is left")
    daemon.ask("POST", "/images/load?quiet=1", archive)
    assert len(daemon.ask("GET", "/images/json")) == 1
