"""src/http/ over real sockets: tests/tools/http_echo.c, driven by curl, http.client and raw sockets."""
import contextlib
import http.client
import json
import os
import pathlib
import resource
import select
import socket
import struct
import subprocess
import time

import pytest
from harness.machine import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("SHOAL_BUILD", "build")
SANITIZED = "asan" in BUILD.name
UPGRADE = b"Connection: Upgrade\r\nUpgrade: tcp\r\n"


class Daemon:
    def __init__(self, address, *arguments):
        self.address = address
        self.process = subprocess.Popen([BUILD / "tests/tools/http_echo", address, *arguments], stdout=subprocess.PIPE)
        ready = self.process.stdout.readline().split()
        assert ready[:1] == [b"ready"]
        self.port = int(ready[1])

    def dial(self, timeout=60):
        if self.port:
            connection = socket.create_connection(("127.0.0.1", self.port))
        else:
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(self.address)
        connection.settimeout(timeout)
        return connection

    def ask(self, method, target, body=None):
        """One request over a connection of its own: (status, headers, body)."""
        client = http.client.HTTPConnection("localhost")
        client.sock = self.dial()
        with contextlib.closing(client):
            chunked = {"Transfer-Encoding": "chunked"} if isinstance(body, list) else {}
            client.request(method, target, body=iter(body) if chunked else body, headers=chunked, encode_chunked=True)
            answer = client.getresponse()
            return answer.status, answer.headers, answer.read()

    def stats(self):
        return json.loads(self.ask("GET", "/stats")[2])

    def until(self, key, value):
        wait_until(lambda: self.stats()[key] == value, lambda: f"{key} is {self.stats()[key]}, not {value}")

    def memory(self):
        """Private memory in bytes, and the highest resident size so far."""
        status = dict(line.split(":") for line in open(f"/proc/{self.process.pid}/status") if ":" in line)
        return int(status["RssAnon"].split()[0]) * 1024, int(status["VmHWM"].split()[0]) * 1024

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture(params=["unix", "tcp"])
def daemon(request, tmp_path):
    address = "tcp://127.0.0.1" if request.param == "tcp" else str(tmp_path / "echo.sock")
    with contextlib.closing(Daemon(address)) as one:
        yield one


@pytest.fixture
def local(tmp_path):
    with contextlib.closing(Daemon(str(tmp_path / "echo.sock"))) as one:
        yield one


def read_all(connection):
    data = b""
    while piece := connection.recv(65536):
        data += piece
    return data


def read_head(connection):
    """(status line, bytes after the head)."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        assert piece, data
        data += piece
    head, rest = data.split(b"\r\n\r\n", 1)
    return head.split(b"\r\n")[0], rest


def curl(local, *arguments):
    return subprocess.run(["curl", "-sS", "--max-time", "120", "--unix-socket", local.address, *arguments],
                          check=True, capture_output=True).stdout


# --- Requests and answers


def test_curl(local, tmp_path):
    data = os.urandom(700_000)
    (tmp_path / "data").write_bytes(data)
    upload = ["--data-binary", f"@{tmp_path}/data"]
    assert curl(local, "http://localhost/v1.41/_ping") == b"OK"
    assert curl(local, *upload, "http://localhost/echo") == data  # with Expect: 100-continue above 1 MiB only
    assert curl(local, "-H", "Expect: 100-continue", *upload, "http://localhost/echo") == data
    assert curl(local, "-H", "Transfer-Encoding: chunked", *upload, "http://localhost/echo") == data
    assert len(curl(local, "http://localhost/bytes?size=10000000")) == 10_000_000
    assert curl(local, "--http1.0", "http://localhost/bytes?size=100000") == bytes(100_000)
    assert b"Content-Length: 2\r\n" in curl(local, "-I", "http://localhost/_ping")


def test_keep_alive_and_query(daemon):
    client = http.client.HTTPConnection("localhost")
    client.sock = daemon.dial()
    with contextlib.closing(client):
        for i in range(100):
            client.request("GET", f"/show/a%20b?n={i}&n=x+y")
            answer = json.loads(client.getresponse().read())
            assert answer["name"] == "a b" and answer["query"] == ["n", str(i), "n", "x y"]
    daemon.until("connections", 1)


@pytest.mark.parametrize("method, target, body, status", [
    ("GET", "/nothing", None, 404),
    ("PUT", "/show/a", None, 405),
    ("POST", "/small", b"x" * 11, 413),
    ("POST", "/small", [b"x" * 6, b"y" * 6], 413),  # chunked
    ("POST", "/small", b"x" * 10, 200),
    ("POST", "/small", b"x" * 3_000_000, 413),
    ("GET", "/late?ms=x", None, 400),
    ("GET", "/show/%zz", None, 400),
    ("GET", "/show/a?b=%00", None, 400),
], ids=range(9))
def test_statuses(daemon, method, target, body, status):
    got, headers, text = daemon.ask(method, target, body)
    assert got == status
    if status >= 400:
        assert json.loads(text)["message"]
    if status == 405:
        assert headers["Allow"] == "GET, DELETE"


@pytest.mark.parametrize("request_text, status", [
    (b"GET / HTTP/1.1\r\n\r\n", 400),
    (b"GET /_ping HTTP/1.1\nHost: h\n\n", 400),
    (b"GET /_ping HTTP/1.1\r\nHost : h\r\n\r\n", 400),
    (b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (b"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    (b"POST /echo HTTP/1.1\r\nHost: h\r\nExpect: tea\r\nContent-Length: 3\r\n\r\n", 400),
    (b"TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", 501),
    (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", 431),
    (b"GET / HTTP/1.1\r\nHost: h\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431),
], ids=range(9))
def test_refusals_close_the_connection(daemon, request_text, status):
    connection = daemon.dial()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.sendall(request_text)
    answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert b"Connection: close\r\n" in answer
    assert daemon.stats()["requests"] == 1  # this one


def test_pipelining(daemon):
    connection = daemon.dial()
    requests = [b"GET /late?ms=30 HTTP/1.1\r\nHost: h\r\n\r\n"]
    requests += [b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n%03d" % i for i in range(50)]
    requests += [b"GET /_ping HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"]
    connection.sendall(b"".join(requests))
    bodies = [part.split(b"HTTP/1.1")[0] for part in read_all(connection).split(b"\r\n\r\n")[1:]]
    assert bodies == [b"late", *(b"%03d" % i for i in range(50)), b"OK"]


def test_continue(daemon):
    connection = daemon.dial()
    connection.sendall(b"POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
    assert read_head(connection) == (b"HTTP/1.1 100 Continue", b"")
    connection.sendall(b"abc")
    assert read_head(connection) == (b"HTTP/1.1 200 OK", b"abc")
    # Refused before the body: nobody is told to send it.
    connection = daemon.dial()
    connection.sendall(b"POST /small HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 30\r\n\r\n")
    assert read_head(connection)[0].startswith(b"HTTP/1.1 413 ")


def test_head_has_no_body(daemon):
    connection = daemon.dial()
    connection.sendall(b"HEAD /bytes?size=5 HTTP/1.1\r\nHost: h\r\n\r\nGET /_ping HTTP/1.1\r\nHost: h\r\n\r\n")
    _, rest = read_head(connection)
    while b"\r\n\r\n" not in rest:
        rest += connection.recv(1000)
    assert rest.startswith(b"HTTP/1.1 200 OK\r\n") and rest.endswith(b"OK")


# --- Clients that are slow, that stall, that leave


@pytest.mark.parametrize("start", [b"GET /_pi", b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab"])
def test_a_slow_client_is_given_up(daemon, start):
    """Slowloris: a byte now and then does not buy more time for a head; a body that stops is not waited for."""
    connection = daemon.dial()
    connection.sendall(start)
    begin = time.monotonic()
    while start.startswith(b"GET") and not select.select([connection], [], [], 0.25)[0]:
        with contextlib.suppress(ConnectionError):
            connection.sendall(b"x")
        assert time.monotonic() - begin < 60, "each byte buys more time"
    assert connection.recv(4096).startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - begin > 0.9


def test_a_stalled_client_costs_bounded_memory(daemon):
    clients = [daemon.dial() for _ in range(20)]
    for client in clients:
        client.sendall(b"GET /bytes?size=2000000000 HTTP/1.1\r\nHost: h\r\n\r\n")
    time.sleep(1)
    before = daemon.stats()["cpu_us"]
    time.sleep(1)
    used = daemon.stats()["cpu_us"] - before
    _, highest = daemon.memory()
    print(f"20 stalled clients: highest resident size {highest >> 10} KiB, {used} us of CPU in a second")
    assert used < 50_000
    if not SANITIZED:
        assert highest < 10 << 20
    for client in clients:
        client.close()
    daemon.until("gone", 20)


def test_a_long_stream_keeps_little_in_memory(daemon):
    client = http.client.HTTPConnection("localhost")
    client.sock = daemon.dial()
    client.request("GET", "/bytes?size=500000000")
    answer, total = client.getresponse(), 0
    while piece := answer.read(1 << 20):
        total += len(piece)
    assert total == 500_000_000
    print(f"500 MB streamed: highest resident size {daemon.memory()[1] >> 10} KiB")
    if not SANITIZED:
        assert daemon.memory()[1] < 8 << 20


@pytest.mark.parametrize("target", ["/wait", "/events", "/late?ms=600000"])
def test_a_client_that_leaves_is_noticed_at_once(daemon, target):
    clients = [daemon.dial() for _ in range(10)]
    for client in clients:
        client.sendall(b"GET %s HTTP/1.1\r\nHost: h\r\n\r\n" % target.encode())
    daemon.until("waiting", 10)
    for client in clients:
        client.close()
    daemon.until("gone", 10)
    daemon.until("connections", 1)


def test_a_half_closed_client_does_not_spin_and_gets_its_answer(local):
    """EPOLLRDHUP stands on the socket as long as it lives: it must be told once."""
    clients = [local.dial() for _ in range(5)]
    for client in clients:
        client.sendall(b"GET /late?ms=1200 HTTP/1.1\r\nHost: h\r\n\r\n")
        client.shutdown(socket.SHUT_WR)
    time.sleep(0.1)
    before = local.stats()["cpu_us"]
    time.sleep(1)
    used = local.stats()["cpu_us"] - before
    print(f"5 half-closed clients: {used} us of CPU in a second")
    assert used < 50_000
    for client in clients:
        assert read_all(client).endswith(b"late")


def test_hang_up_with_a_paused_body_does_not_spin(local):
    """The sink is full, so the client is not read; then it goes. EPOLLHUP cannot be masked."""
    client = local.dial()
    client.sendall(b"POST /load?command=sleep%204 HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\n")
    client.settimeout(0.3)
    with contextlib.suppress(TimeoutError):
        while True:
            client.sendall(bytes(65536))
    client.close()
    before = local.stats()["cpu_us"]
    time.sleep(1)
    assert local.stats()["cpu_us"] - before < 50_000
    local.until("connections", 1)


def open_idle(daemon, count):
    """Connections that were used once."""
    clients = [daemon.dial() for _ in range(count)]
    for client in clients:
        client.sendall(b"GET /_ping HTTP/1.1\r\nHost: h\r\n\r\n")
    for client in clients:
        assert client.recv(1000).startswith(b"HTTP/1.1 200 ")
    return clients


def test_idle_connections_are_small(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 12000), hard))
    try:
        with contextlib.closing(Daemon(str(tmp_path / "echo.sock"), "10000")) as one:
            clients = open_idle(one, 1000)  # so that what requests need for a moment has been allocated once
            before, _ = one.memory()
            clients += open_idle(one, 5000)
            each = (one.memory()[0] - before) / 5000
            assert one.stats()["connections"] == 6001
            print(f"{each:.0f} bytes for an idle connection that was used once")
            if not SANITIZED:
                assert each < 112
            for client in clients:
                client.close()
            one.until("connections", 1)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# --- Bodies that stream


def test_a_body_streams_into_a_pipe(daemon):
    size = 200_000_000
    client = http.client.HTTPConnection("localhost")
    client.sock = daemon.dial(180)
    client.request("POST", "/load", body=(bytes(1 << 20) for _ in range(size >> 20)), encode_chunked=True,
                   headers={"Transfer-Encoding": "chunked"})
    assert int(client.getresponse().read()) == (size >> 20) << 20
    print(f"200 MB uploaded: highest resident size {daemon.memory()[1] >> 10} KiB")
    if not SANITIZED:
        assert daemon.memory()[1] < 8 << 20


def test_a_body_waits_for_its_reader(daemon):
    status, _, body = daemon.ask("POST", "/load?command=sleep%201;%20wc%20-c", bytes(3_000_000))
    assert (status, int(body)) == (200, 3_000_000)


def test_a_reader_that_goes_is_reported(daemon):
    status, _, body = daemon.ask("POST", "/load?command=head%20-c%205%20%7C%20wc%20-c", bytes(3_000_000))
    assert (status, int(body)) == (500, 5)


def test_a_client_that_goes_amid_its_body(daemon):
    client = daemon.dial()
    client.sendall(b"POST /load HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nabc")
    client.close()
    daemon.until("gone", 1)


# --- Hijacking: each asked for by a request of another form, then half-closed by the client


@pytest.mark.parametrize("head, status", [
    (b"POST /attach HTTP/1.1\r\nHost: h\r\n" + UPGRADE + b"Content-Length: 0\r\n\r\n", b"101 UPGRADED"),
    (b"POST /attach HTTP/1.1\r\nHost: h\r\n" + UPGRADE + b"Content-Length: 2\r\n\r\n{}", b"101 UPGRADED"),
    (b"POST /attach HTTP/1.1\r\nHost: h\r\n" + UPGRADE + b"\r\n", b"101 UPGRADED"),
    (b"POST /attach HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", b"200 OK"),
], ids=["empty", "json", "no-length", "legacy"])
@pytest.mark.parametrize("early", [b"", b"early "])
def test_hijack(daemon, head, status, early):
    connection = daemon.dial()
    connection.sendall(head + early)
    line, got = read_head(connection)
    assert line == b"HTTP/1.1 " + status
    connection.sendall(b"words\n")
    while not got.endswith(b"words\n"):
        got += connection.recv(1000)
    connection.shutdown(socket.SHUT_WR)
    assert got + read_all(connection) == early + b"words\ntail\n"
    daemon.until("connections", 1)


def test_half_close_right_after_the_request(daemon):
    """All that the client has to say is there before the answer, its end too: nothing of it may be lost."""
    connection = daemon.dial()
    connection.sendall(b"POST /attach HTTP/1.1\r\nHost: h\r\n" + UPGRADE + b"\r\nlast words\n")
    connection.shutdown(socket.SHUT_WR)
    assert read_all(connection).endswith(b"\r\n\r\nlast words\ntail\n")


def test_hijack_framed(daemon):
    connection = daemon.dial()
    connection.sendall(b"POST /attach?framed=1&command=echo%20hello HTTP/1.1\r\nHost: h\r\n" + UPGRADE + b"\r\n")
    assert read_all(connection).split(b"\r\n\r\n")[1] == struct.pack(">BxxxI", 1, 6) + b"hello\n"


def test_hijack_moves_much(daemon):
    connection = daemon.dial()
    connection.sendall(b"POST /attach?command=cat HTTP/1.1\r\nHost: h\r\n" + UPGRADE + b"\r\n")
    _, got = read_head(connection)
    pid = os.fork()
    if pid == 0:
        connection.sendall(bytes(50_000_000))
        connection.shutdown(socket.SHUT_WR)
        os._exit(0)
    total = len(got)
    while piece := connection.recv(1 << 20):
        total += len(piece)
    os.waitpid(pid, 0)
    assert total == 50_000_000
    print(f"50 MB echoed: highest resident size {daemon.memory()[1] >> 10} KiB")
    if not SANITIZED:
        assert daemon.memory()[1] < 8 << 20


def test_a_hijacked_client_that_does_not_read(daemon):
    connection = daemon.dial()
    connection.sendall(b"POST /attach?command=cat%20/dev/zero HTTP/1.1\r\nHost: h\r\n" + UPGRADE + b"\r\n")
    time.sleep(0.5)
    before = daemon.stats()["cpu_us"]
    time.sleep(0.5)
    assert daemon.stats()["cpu_us"] - before < 50_000
    if not SANITIZED:
        assert daemon.memory()[1] < 8 << 20
