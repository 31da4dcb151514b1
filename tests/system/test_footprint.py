"""What a container costs in our own processes: a few KiB, and while it is quiet, nothing else."""
import pytest
from harness.footprint import own, private_kib, wait_until_quiet
from harness.machine import wait_until

FEW, MANY = 20, 320  # the first of all fill caches of a fixed size
HOST = {"NetworkMode": "host", "LogConfig": {"Type": "none"}}
KINDS = {
    # name: what is asked for, KiB a container at most; measured: 0.6, 0.6 and 3.0
    "default": (HOST, 4),
    "lean": ({**HOST, "Runtime": "lean"}, 4),
    "logged, with a network": ({}, 9),
}


def make(daemon, host_config, count):
    """Starts containers of the web server; on the host's network each takes a port of its own choice."""
    for _ in range(count):
        made = daemon.ask("POST", "/containers/create", {"Image": "shoal/hello", "Cmd": ["-p", "0", "/www"], "HostConfig": host_config})
        daemon.ask("POST", f"/containers/{made['Id']}/start")


def running(daemon):
    return sum(container["State"] == "running" for container in daemon.ask("GET", "/containers/json"))


@pytest.mark.parametrize("kind", KINDS)
def test_memory_of_a_container(daemon, images, kind):
    host_config, most = KINDS[kind]
    daemon.load(images("hello"))
    make(daemon, host_config, FEW)
    before, processes = private_kib(daemon), len(own(daemon))
    make(daemon, host_config, MANY - FEW)
    assert running(daemon) == MANY and len(own(daemon)) == processes
    grown = (private_kib(daemon) - before) / (MANY - FEW)
    assert grown <= most, f"{grown:.1f} KiB a container"

    daemon.restart()
    assert running(daemon) == MANY
    grown = (private_kib(daemon) - before) / (MANY - FEW)
    assert grown <= most, f"{grown:.1f} KiB a container in a daemon that has just found them"


def test_quiet_containers_wake_nobody(daemon, images):
    """Ten of each kind that serve, and are asked for nothing: no process of ours runs at all."""
    daemon.load(images("hello"))
    for host_config, _ in KINDS.values():
        make(daemon, host_config, 10)
    wait_until(lambda: running(daemon) == 10 * len(KINDS), "all run")
    wait_until_quiet(daemon)
    daemon.restart()
    assert running(daemon) == 10 * len(KINDS)
    wait_until_quiet(daemon)
