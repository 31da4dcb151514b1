"""Five hundred replicas: all answer, nothing of ours grows with their number, and nothing is left of them."""
import contextlib
import http.client
import os
import pathlib
import time

import pytest
from harness.footprint import own
from harness.machine import wait_until

MANY, FEW = 500, 20
COMPOSE = """
name: many
services:
  web:
    image: shoal/hello
"""
GROWTH = 4  # how much longer one of many may take than one of few; of the same run, so that a slow machine is no failure
RUNS = 200


@pytest.fixture
def many(daemon, images, tmp_path):
    """many(verb, …): shoal on the stack's file."""
    daemon.load(images("hello"))
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    return lambda *words: daemon.cli("-f", tmp_path / "compose.yaml", *words)


def measure(daemon):
    """What must not grow: (processes, threads of each)."""
    processes = own(daemon)
    return len(processes), {process.threads for process in processes}


def descriptors(daemon):
    """How many each of ours has open."""
    return {process.pid: len(process.descriptors) for process in own(daemon)}


def settled_descriptors(daemon):
    """The same when nothing is under way any more: connections of clients that have gone are closed."""
    last = [None]

    def unchanged():
        before, last[0] = last[0], descriptors(daemon)
        time.sleep(0.3)
        return before == last[0] and before

    return wait_until(unchanged, "descriptors stay as they are")


def check_descriptors(daemon, before):
    """No process has more open than before; a daemon may have been restarted meanwhile."""
    def not_more():
        now = sorted(descriptors(daemon).values())
        return len(now) == len(before) and all(mine <= its for mine, its in zip(now, sorted(before.values())))

    wait_until(not_more, lambda: f"descriptors before: {before}, now: {descriptors(daemon)}")


def memory(daemon):
    """The proportional share of memory of all our processes, in KiB."""
    rollups = [pathlib.Path(f"/proc/{process.pid}/smaps_rollup").read_text(encoding="ascii") for process in own(daemon)]
    return sum(int(line.split()[1]) for text in rollups for line in text.splitlines() if line.startswith("Pss:"))


def in_namespaces(wanted, pids):
    """Those of the processes that are in one of the network namespaces."""
    found = []
    for pid in pids:
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/{pid}/ns/net") in wanted:
                found.append(pid)
    return found


def duration(call):
    begun = time.monotonic()
    call()
    return time.monotonic() - begun


def elements(daemon):
    """The machine's rules, without counters."""
    return daemon.netns.run("nft", "-s", "list", "ruleset").stdout


def says_hello(address):
    """False where nobody listens yet."""
    connection = http.client.HTTPConnection(address, timeout=30)
    with contextlib.closing(connection), contextlib.suppress(ConnectionRefusedError):
        connection.request("GET", "/")
        answer = connection.getresponse()
        assert answer.status == 200 and b"Hello from Shoal" in answer.read()
        return True
    return False


def answers(daemon):
    """How many containers of the list answer at their own addresses."""
    listed = daemon.ask("GET", "/containers/json")
    addresses = [place["IPAddress"] for c in listed for place in c["NetworkSettings"]["Networks"].values()]
    assert len(set(addresses)) == len(addresses), "an address was given twice"
    for address in addresses:
        wait_until(lambda address=address: says_hello(address), f"{address} answers")
    return len(addresses)


def test_five_hundred(daemon, many, capsys):
    few_up = duration(lambda: many("up", "-d", "--scale", f"web={FEW}"))
    few = measure(daemon)
    few_down = duration(lambda: many("down"))
    before = settled_descriptors(daemon)
    links, mounts, rules = daemon.netns.links(), daemon.netns.mounts(), elements(daemon)

    up = duration(lambda: many("up", "-d", "--scale", f"web={MANY}"))
    assert few[1] == {1}
    wait_until(lambda: measure(daemon) == few, lambda: f"{few}: {measure(daemon)}")
    with daemon.netns.inside():
        assert answers(daemon) == MANY
    pss = memory(daemon)
    inside = {process.namespace("net") for process in daemon.processes("nano-httpd")}
    assert len(inside) == MANY

    daemon.restart()
    wait_until(lambda: measure(daemon) == few, lambda: f"{few}: {measure(daemon)}")
    with daemon.netns.inside():
        assert answers(daemon) == MANY

    pids = [pid for pid in os.listdir("/proc") if pid.isdigit()]
    down = duration(lambda: many("down"))
    with capsys.disabled():
        print(f"\n{MANY} replicas: up {up:.2f} s, down {down:.2f} s, PSS of our processes {pss} KiB")
    assert up / MANY < GROWTH * few_up / FEW and down / MANY < GROWTH * few_down / FEW
    wait_until(lambda: not daemon.processes("nano-httpd"), "no process is left")
    # Only who was there before: the kernel gives the numbers of namespaces to others again.
    wait_until(lambda: not in_namespaces(inside, pids), lambda: f"no network namespace is left: {in_namespaces(inside, pids)}")
    wait_until(lambda: len(daemon.cgroups()) == 1, "no control group is left")
    # The kernel takes links away on its own time: those of the first twenty may still have been there before.
    wait_until(lambda: set(daemon.netns.links()) <= set(links) and not any(daemon.instance in name for name in daemon.netns.links()),
               lambda: f"no link is left: {daemon.netns.links()}")
    wait_until(lambda: daemon.netns.mounts() == mounts, "no mount is left")
    wait_until(lambda: elements(daemon) == rules, "no rule is left")
    for folder in daemon.data_dir, daemon.run_dir:
        wait_until(lambda folder=folder / "containers": not os.listdir(folder), f"{folder} is empty")
    check_descriptors(daemon, before)


def run_once(daemon, spec):
    """What docker run --rm does: create, attach to the output, start, wait."""
    made = daemon.ask("POST", "/containers/create", spec)["Id"]
    daemon.ask("POST", f"/containers/{made}/start")
    wait_until(lambda: daemon.api("GET", f"/containers/{made}/json")[0] == 404, "it ends and is removed")


KINDS = {
    "log": {},
    "no log": {"HostConfig": {"LogConfig": {"Type": "none"}}},
    "terminal": {"Tty": True, "OpenStdin": True},
    "input": {"OpenStdin": True, "StdinOnce": True, "AttachStdin": True},
    "volume": {"Volumes": {"/data": {}}},
    "tmpfs, read-only": {"HostConfig": {"ReadonlyRootfs": True, "Tmpfs": {"/tmp": ""}}},
    "port": {"ExposedPorts": {"80/tcp": {}}, "HostConfig": {"PortBindings": {"80/tcp": [{"HostPort": "0"}]}}},
    "host's network": {"HostConfig": {"NetworkMode": "host"}},
    "health check": {"Healthcheck": {"Test": ["CMD", "true"], "Interval": 10 ** 9}},
}


def spec_of(kind):
    return {"Image": "shoal/busybox", "Cmd": ["sh", "-c", "echo hello; exit 3"], **KINDS[kind],
            "HostConfig": {"AutoRemove": True, **KINDS[kind].get("HostConfig", {})}}


def test_runs_leave_no_descriptor(daemon, images):
    """RUNS containers of all kinds, one after another."""
    daemon.load(images("busybox"))
    for kind in KINDS:
        run_once(daemon, spec_of(kind))
    before = settled_descriptors(daemon)
    kinds = list(KINDS)
    for number in range(RUNS):
        run_once(daemon, spec_of(kinds[number % len(kinds)]))
    check_descriptors(daemon, before)
