"""kill -9 of each of our programs, at every step: nothing is lost, nothing is done twice, nothing is left."""
import contextlib
import http.client
import json
import os
import random
import secrets
import signal
import threading
import time

import pytest
from harness.daemon import Daemon
from harness.logger import Logger
from harness.machine import Process, wait_until

FOREVER = ["sh", "-c", "trap 'exit 0' TERM; sleep 1000 & wait"]


@pytest.fixture
def busybox(daemon, images):
    """A daemon that has the image shoal/busybox."""
    daemon.load(images("busybox"))
    return daemon


def create(daemon, command, name=None, **host):
    body = {"Image": "shoal/busybox", "Cmd": command, "HostConfig": {"NetworkMode": "none", **host}}
    return daemon.ask("POST", "/containers/create" + (f"?name={name}" if name else ""), body)["Id"]


def run(daemon, command, name=None, **host):
    made = create(daemon, command, name, **host)
    daemon.ask("POST", f"/containers/{made}/start")
    return made


def state(daemon, container):
    return daemon.ask("GET", f"/containers/{container}/json")["State"]


def wait_for_state(daemon, container, status, seconds=60):
    return wait_until(lambda: (s := state(daemon, container))["Status"] == status and s,
                      lambda: f"{container} is {status}; it is {state(daemon, container)}\n{daemon.said()[-2000:]}", seconds)


def log_lines(daemon, container):
    """The lines that are in the container's log files, the oldest first."""
    files = sorted((daemon.data_dir / "containers" / container).glob("*.log*"), reverse=True)
    return [json.loads(line)["log"] for path in files for line in path.read_text(encoding="utf-8").splitlines()]


# --- The daemon, at each step


def cycle(daemon):
    """One container through its life: (what the daemon acknowledged, ID or None)."""
    done, made = [], None
    with contextlib.suppress(OSError, http.client.HTTPException):
        made = create(daemon, FOREVER, "victim", NetworkMode="bridge")
        done.append("created")
        for step, method, path in (("started", "POST", "start"), ("stopped", "POST", "stop?t=5"), ("restarted", "POST", "start"),
                                   ("removed", "DELETE", "?force=1")):
            daemon.ask(method, f"/containers/{made}/{path}".replace("/?", "?"))
            done.append(step)
    return done, made


def agrees(daemon, made, allowed):
    """Its status is one of these, and it has processes where that says so. It may be ending just now."""
    status = state(daemon, "victim")["Status"]
    lives = any(made in process.cgroup and not process.is_zombie for process in daemon.processes()) if made else False
    return status in allowed and lives == (status == "running")


def check_outcome(daemon, done, made):
    """What the next daemon shows is what was acknowledged, or that and the step under way."""
    last = done[-1] if done else None
    listed = daemon.ask("GET", "/containers/json?all=1")
    names = [name for container in listed for name in container["Names"]]
    assert len(names) == len(set(names)) and set(names) <= {"/victim", "/bystander"}
    victims = [container for container in listed if container["Names"] == ["/victim"]]
    if not victims:
        assert last in (None, "restarted", "removed"), f"lost after {last}"
        return
    allowed = {None: ["created"], "created": ["created", "running", "exited"], "started": ["running", "exited"],
               "stopped": ["exited", "running"], "restarted": ["running", "exited"]}
    wait_until(lambda: agrees(daemon, made, allowed[last]), lambda: f"{state(daemon, 'victim')} after {last}\n{daemon.said()[-2000:]}")


def test_every_journal_step(busybox):
    """The daemon kills itself after the Nth line of its journal, for each N that a container's life has."""
    bystander = run(busybox, FOREVER, "bystander")
    pid = state(busybox, bystander)["Pid"]
    for number in range(1, 30):
        busybox.restart(SHOAL_FAULT_JOURNAL=str(number))
        done, made = cycle(busybox)
        survived = done[-1:] == ["removed"] and busybox.running
        if survived:
            busybox.restart()
        else:
            assert busybox.ended() == -signal.SIGKILL
            busybox.start()
        check_outcome(busybox, done, made)
        assert state(busybox, bystander)["Pid"] == pid, "the bystander was restarted"
        busybox.api("DELETE", "/containers/victim?force=1")
        wait_until(lambda: len(busybox.cgroups()) == 2, lambda: f"one container's cgroup is left: {busybox.cgroups()}")
        wait_until(lambda: os.listdir(busybox.data_dir / "containers") == [bystander], "no folder of data is left")
        wait_until(lambda: os.listdir(busybox.run_dir / "containers") == [bystander], "no run folder is left")
        wait_until(lambda: not [name for name in busybox.netns.links() if busybox.instance in name], "no link is left")
        if survived:
            assert number > 4
            return
    raise AssertionError("30 lines of the journal, and the container's life is not over")


def test_ends_while_no_daemon_is_there(busybox):
    codes = {run(busybox, ["sh", "-c", f"sleep 0.5; echo end; exit {code}"]): code for code in (0, 3, 77)}
    killed = run(busybox, FOREVER)
    pid = state(busybox, killed)["Pid"]
    busybox.kill()
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not busybox.processes("exit "), "all have ended")
    busybox.start()
    for container, code in codes.items():
        assert wait_for_state(busybox, container, "exited")["ExitCode"] == code
        assert log_lines(busybox, container) == ["end\n"]
    assert wait_for_state(busybox, killed, "exited")["ExitCode"] == 137


def test_a_start_that_was_cut_short_leaves_nothing(busybox):
    """The daemon died after it made the FIFOs and opened them at the logger, and before its commit."""
    known, unknown = create(busybox, FOREVER), secrets.token_hex(32)
    busybox.kill()
    before = Logger.of(busybox)
    for container in (known, unknown):
        before.open(container)
    assert before.open_ids() == {known, unknown}
    before.socket.close()
    busybox.start()
    assert os.listdir(busybox.run_dir / "containers") == []
    after = Logger.of(busybox)
    wait_until(lambda: after.open_ids() == set(), "the logger has closed what nobody writes to")
    after.socket.close()
    busybox.ask("POST", f"/containers/{known}/start")
    assert os.listdir(busybox.run_dir / "containers") == [known]


def test_terminated_daemon_leaves_containers_running(busybox):
    container = run(busybox, FOREVER)
    pid = state(busybox, container)["Pid"]
    wait_until(lambda: Process(pid).catches(signal.SIGTERM), "it is ready for the signal")
    assert busybox.stop() == 0
    os.kill(pid, 0)
    busybox.start()
    assert state(busybox, container)["Pid"] == pid
    assert busybox.api("POST", f"/containers/{container}/stop?t=5")[0] == 204
    assert state(busybox, container)["ExitCode"] == 0


def test_restart_policies_across_daemons(busybox):
    """Each ends while no daemon is there."""
    policies = {policy: run(busybox, ["sh", "-c", "sleep 0.5; exit 4"], RestartPolicy={"Name": policy})
                for policy in ("no", "always", "unless-stopped", "on-failure")}
    stopped = run(busybox, FOREVER, RestartPolicy={"Name": "unless-stopped"})
    busybox.ask("POST", f"/containers/{stopped}/stop?t=5")
    busybox.kill()
    wait_until(lambda: not busybox.processes("exit 4"), "all have ended")
    busybox.start()
    for policy, container in policies.items():
        if policy == "no":
            assert wait_for_state(busybox, container, "exited")["ExitCode"] == 4
        else:
            wait_until(lambda container=container: busybox.ask("GET", f"/containers/{container}/json")["RestartCount"] > 0,
                       f"{policy} is started again")
    assert state(busybox, stopped)["Status"] == "exited"


# --- The others


def numbers(count):
    return ["sh", "-c", f"i=0; while [ $i -lt {count} ]; do i=$((i+1)); echo line $i; done"]


def test_output_while_the_daemon_dies(busybox):
    container = run(busybox, numbers(30000))
    for _ in range(4):
        busybox.restart()
    wait_for_state(busybox, container, "exited", 120)
    assert log_lines(busybox, container) == [f"line {n}\n" for n in range(1, 30001)]


def test_killed_logger(busybox):
    container = run(busybox, numbers(30000))
    for _ in range(4):
        logger = busybox.only("shoal-logger")
        wait_until(lambda: log_lines_size(busybox, container) > 0, "it logs")
        logger.kill()
        wait_until(lambda old=logger.pid: any(p.pid != old and not p.is_zombie for p in busybox.processes("shoal-logger")),
                   "there is another logger")
    assert wait_for_state(busybox, container, "exited", 120)["ExitCode"] == 0
    assert log_lines(busybox, container) == [f"line {n}\n" for n in range(1, 30001)]


def log_lines_size(daemon, container):
    return sum(path.stat().st_size for path in (daemon.data_dir / "containers" / container).glob("*.log"))


def test_killed_keeper(busybox):
    """Nobody can wait for its containers any more: they are killed, marked as ended, and restarted where that is wanted."""
    plain = run(busybox, FOREVER)
    restarted = run(busybox, FOREVER, RestartPolicy={"Name": "always"})
    pids = {container: state(busybox, container)["Pid"] for container in (plain, restarted)}
    busybox.only("shoal-keeper").kill()
    ended = wait_for_state(busybox, plain, "exited")
    assert ended["ExitCode"] == 255
    wait_until(lambda: (s := state(busybox, restarted))["Running"] and s["Pid"] != pids[restarted], "it is started again")
    wait_until(lambda: not os.path.exists(f"/proc/{pids[plain]}"), "its processes are gone")
    again = run(busybox, ["sh", "-c", "echo more; exit 5"])
    assert wait_for_state(busybox, again, "exited")["ExitCode"] == 5
    assert log_lines(busybox, again) == ["more\n"]


def test_killed_keeper_and_daemon(busybox):
    container = run(busybox, FOREVER, RestartPolicy={"Name": "always"})
    pid = state(busybox, container)["Pid"]
    busybox.kill()
    busybox.only("shoal-keeper").kill()
    busybox.start()
    wait_until(lambda: (s := state(busybox, container))["Running"] and s["Pid"] != pid, "it is started again")
    wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "its first process is gone")


# --- All at once


class Client(threading.Thread):
    """Creates, starts and removes containers for as long as it may; knows what must be there."""

    def __init__(self, daemon, number, over):
        super().__init__()
        self.daemon_, self.number, self.over = daemon, number, over
        self.random = random.Random(number)
        self.kept, self.unsure, self.removed, self.wrong = {}, set(), set(), []

    def attempt(self, method, path, body=None):
        """The status; None where the daemon died meanwhile."""
        try:
            return self.daemon_.api(method, path, body, timeout=60)
        except (OSError, http.client.HTTPException):
            time.sleep(0.02)
            return None, None

    def make(self, name):
        command = self.random.choice([FOREVER, ["sh", "-c", "echo one; echo two; exit 7"]])
        status, value = self.attempt("POST", f"/containers/create?name={name}",
                                     {"Image": "shoal/busybox", "Cmd": command, "HostConfig": {"NetworkMode": "bridge"}})
        self.unsure.add(name)
        if status == 201:
            self.kept[name] = (value["Id"], command is FOREVER)
            status, value = self.attempt("POST", f"/containers/{name}/start")
        if status not in (None, 201, 204, 304):
            self.wrong.append(f"{name}: {status} {value}")
        if status == 204:
            self.unsure.discard(name)

    def drop(self):
        name = self.random.choice(sorted(self.kept))
        status, value = self.attempt("DELETE", f"/containers/{name}?force=1")
        if status in (None, 204, 404, 409):
            del self.kept[name]
            self.unsure.discard(name)
            (self.removed if status == 204 else self.unsure).add(name)
        else:
            self.wrong.append(f"{name}: {status} {value}")

    def run(self):
        for count in range(100000):
            if self.over.is_set():
                return
            if len(self.kept) > 4:
                self.drop()
            else:
                self.make(f"c{self.number}-{count}")


def test_storm(busybox, images):
    """Clients at work while the daemon is killed and started again and again."""
    over, chance = threading.Event(), random.Random(7)
    clients = [Client(busybox, number, over) for number in range(3)]
    for client in clients:
        client.start()
    try:
        end = time.monotonic() + 25
        while time.monotonic() < end:
            time.sleep(chance.uniform(0.05, 0.8))
            busybox.restart()
    finally:
        over.set()
        for client in clients:
            client.join(180)
    assert not any(client.wrong for client in clients), [client.wrong for client in clients]
    listed = {container["Names"][0][1:]: container for container in busybox.ask("GET", "/containers/json?all=1")}
    assert len({container["Id"] for container in listed.values()}) == len(listed)
    for client in clients:
        assert not client.removed & set(listed), "removed, and there again"
        for name, (identity, runs) in client.kept.items():
            assert listed[name]["Id"] == identity
            if name not in client.unsure:
                wanted = "running" if runs else "exited"
                found = wait_for_state(busybox, name, wanted)
                assert found["ExitCode"] == (0 if runs else 7), name
                assert runs or log_lines(busybox, identity) == ["one\n", "two\n"]
    check_no_strangers(busybox, {container["Id"] for container in listed.values()})


def check_no_strangers(daemon, known):
    """Control groups, folders and links are those of containers that are listed."""
    wait_until(lambda: set(os.listdir(daemon.data_dir / "containers")) <= known, "no data of an unknown container")
    wait_until(lambda: set(os.listdir(daemon.run_dir / "containers")) <= known, "no run folder of an unknown container")

    def running():
        return {container["Id"] for container in daemon.ask("GET", "/containers/json")}

    def links():
        return [name for name in daemon.netns.links() if daemon.instance in name]

    wait_until(lambda: {path.name for path in daemon.cgroups()[:-1]} == running(), "a control group for each that runs")
    wait_until(lambda: len(links()) == len(running()), lambda: f"a link for each: {len(running())}, {links()}")
