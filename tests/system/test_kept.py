"""Listening sockets outlive the daemon: who connects while none is there waits, and is not refused."""
import socket
import struct
import threading

import pytest
from harness.machine import wait_until

SERVE = ["sh", "-c", "mkdir w; echo hi >w/index.html; exec httpd -f -h w"]
RESTARTS = 10


@pytest.fixture
def busybox(daemon, images):
    daemon.load(images("busybox"))
    return daemon


def serve(daemon, name, bindings, **more):
    """Starts a web server; bindings: container port → host port. Returns its ID."""
    body = {"Image": "shoal/busybox", "Cmd": SERVE, "ExposedPorts": {port: {} for port in bindings},
            "HostConfig": {"PortBindings": {port: [{"HostPort": host}] for port, host in bindings.items()}, **more}}
    made = daemon.ask("POST", f"/containers/create?name={name}", body)["Id"]
    daemon.ask("POST", f"/containers/{made}/start")
    return made


def get(daemon, port, address="127.0.0.1"):
    """What the server says; "" where the connection ended before that. A refusal is an error."""
    with daemon.netns.inside():
        client = socket.socket()
    with client:
        client.settimeout(60)
        try:
            client.connect((address, port))
            client.sendall(b"GET /index.html HTTP/1.0\r\n\r\n")
            said = b""
            while piece := client.recv(4096):
                said += piece
        except (ConnectionResetError, BrokenPipeError):
            return ""
        return said.decode().rpartition("\r\n\r\n")[2].strip()


def ports(daemon, container):
    """Container port → host port."""
    told = daemon.ask("GET", f"/containers/{container}/json")["NetworkSettings"]["Ports"]
    return {port: int(bindings[0]["HostPort"]) for port, bindings in told.items() if bindings}


def listeners(daemon):
    return daemon.netns.run("ss", "-Hlnt").stdout


class Asking(threading.Thread):
    """Asks again and again; what came, and what went wrong."""

    def __init__(self, ask):
        super().__init__()
        self.ask, self.over, self.answers, self.wrong = ask, threading.Event(), [], []

    def run(self):
        while not self.over.is_set():
            try:
                self.answers.append(self.ask())
            except OSError as error:
                self.wrong.append(error)


def through_restarts(daemon, ask):
    """All that was answered while daemons were killed and started."""
    asking = Asking(ask)
    asking.start()
    try:
        for _ in range(RESTARTS):
            before = len(asking.answers)
            wait_until(lambda before=before: len(asking.answers) > before or asking.wrong, "something is answered")
            daemon.restart()
    finally:
        asking.over.set()
        asking.join()
    assert not asking.wrong
    return asking.answers


def test_no_connection_is_refused(busybox):
    serve(busybox, "web", {"80/tcp": "8080"})
    wait_until(lambda: get(busybox, 8080) == "hi", "it serves")
    answers = through_restarts(busybox, lambda: get(busybox, 8080))
    assert set(answers) <= {"hi", ""} and "hi" in answers
    assert get(busybox, 8080) == "hi"


def question(name):
    return struct.pack(">6H", 7, 0x0100, 1, 0, 0, 0) + bytes([len(name)]) + name.encode() + b"\0" + struct.pack(">2H", 1, 1)


def test_no_name_is_refused(busybox):
    web = serve(busybox, "web", {})
    network = busybox.ask("GET", f"/containers/{web}/json")["NetworkSettings"]["Networks"]["bridge"]

    def ask():
        with busybox.netns.inside():
            client = socket.socket(type=socket.SOCK_DGRAM)
        with client:
            client.settimeout(60)
            client.connect((network["Gateway"], 53))
            client.send(question("web"))
            return client.recv(512)[-4:]

    assert ask() == socket.inet_aton(network["IPAddress"])
    # A question that the daemon read and did not live to answer is lost, as any datagram may be: here none is asked then.
    for _ in range(RESTARTS):
        busybox.kill()
        asking = Asking(lambda: ask() and asking.over.set())
        asking.start()
        busybox.start()
        asking.join()
        assert not asking.wrong
    assert ask() == socket.inet_aton(network["IPAddress"])


def test_chosen_ports_stay(busybox):
    """Each port of a container gets one of its own, and the next daemon knows which; of a range, too."""
    any_ = serve(busybox, "any", {"80/tcp": "0", "81/tcp": ""})
    first = serve(busybox, "first", {"80/tcp": "8000-8010"})
    second = serve(busybox, "second", {"80/tcp": "8000-8010"})
    before = {container: ports(busybox, container) for container in (any_, first, second)}
    assert len(set(before[any_].values())) == 2
    assert (before[first], before[second]) == ({"80/tcp": 8000}, {"80/tcp": 8001})
    busybox.ask("DELETE", f"/containers/{first}?force=1")
    busybox.restart()
    assert ports(busybox, any_) == before[any_] and ports(busybox, second) == before[second]
    wait_until(lambda: get(busybox, before[any_]["80/tcp"]) == "hi", "it serves")


def sockets(daemon):
    """How many the keeper has."""
    return sum("socket" in name for name in daemon.only("shoal-keeper").descriptors.values())


def test_a_port_is_free_at_once(busybox):
    """Its next user meets nothing of the last one, whether or not the keeper has let go of it yet."""
    serve(busybox, "keeps_the_keeper", {})
    before = sockets(busybox)
    for number in range(20):
        made = serve(busybox, f"web{number}", {"80/tcp": "8080" if number % 2 else "8080-8080"})
        assert ports(busybox, made) == {"80/tcp": 8080}
        busybox.ask("DELETE", f"/containers/{made}?force=1")
    wait_until(lambda: ":8080" not in listeners(busybox), "nobody listens")
    wait_until(lambda: sockets(busybox) == before, lambda: f"the keeper has {before} sockets: {sockets(busybox)}")


def test_what_nobody_has_any_more_is_dropped(busybox):
    """A container that ended while no daemon was there."""
    made = serve(busybox, "web", {"80/tcp": "8080"})
    serve(busybox, "other", {"80/tcp": "8081"})
    pid = busybox.ask("GET", f"/containers/{made}/json")["State"]["Pid"]
    busybox.kill()
    assert ":8080" in listeners(busybox) and ":8081" in listeners(busybox), "the keeper has them"
    busybox.netns.run("kill", "-9", pid)
    busybox.start()
    wait_until(lambda: ":8080" not in listeners(busybox), "nobody listens")
    assert ":8081" in listeners(busybox)
    serve(busybox, "again", {"80/tcp": "8080"})
    wait_until(lambda: get(busybox, 8080) == "hi", "it serves")


def test_a_new_keeper_gets_them(busybox):
    serve(busybox, "web", {"80/tcp": "8080"}, RestartPolicy={"Name": "always"})
    busybox.only("shoal-keeper").kill()
    wait_until(lambda: runs_again(busybox), "it runs again")
    assert set(through_restarts(busybox, lambda: get(busybox, 8080))) <= {"hi", ""}


def runs_again(daemon):
    """Answers, as one that was started again."""
    try:
        return daemon.ask("GET", "/containers/web/json")["RestartCount"] > 0 and get(daemon, 8080) == "hi"
    except ConnectionRefusedError:
        return False
