"""nano-httpd as a real process: what it serves, what it refuses, and whom it lets wait."""
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

import pytest
from harness.machine import Process, sleeps, wait_until

# Debian's name of an architecture and the emulator that runs its programs.
EMULATORS = {"native": [], "arm64": ["qemu-aarch64"], "armhf": ["qemu-arm"]}
CROSS = pathlib.Path(__file__).resolve().parents[2] / "images" / "nano-httpd" / "cross"
PICTURE = bytes(i * i % 251 for i in range(83052))
LARGE = bytes(range(256)) * 80000  # more than any socket buffer


def str_id(value):
    """Test names short enough to read, and to be in the environment."""
    return repr(value[:30]) if isinstance(value, (str, bytes)) else str(value)


@pytest.fixture
def site(tmp_path):
    """A served directory, and beside it what must not be served."""
    root = tmp_path / "www"
    (root / "folder" / "deep").mkdir(parents=True)
    (root / "index.html").write_bytes(b"<p>index</p>\n")
    (root / "picture.png").write_bytes(PICTURE)
    (root / "large.bin").write_bytes(LARGE)
    (root / "empty.txt").write_bytes(b"")
    (root / "a b\u00e9.txt").write_bytes(b"blank")
    (root / "folder" / "index.html").write_bytes(b"folder")
    (root / "folder" / "deep" / "x.css").write_bytes(b"x{}")
    (root / "inside").symlink_to("folder/deep/x.css")
    (root / "outside").symlink_to("../secret")
    (root / "absolute").symlink_to("/etc/passwd")
    (root / "up").symlink_to("..")
    (root / "loop").symlink_to("loop")
    os.mkfifo(root / "fifo")
    (tmp_path / "secret").write_bytes(b"secret")
    return root


class Server:
    def __init__(self, program, root, *prefix, env=None):
        self.process = subprocess.Popen([*prefix, program, "-p", "0", root], stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, env=env)
        line = self.process.stdout.readline().decode()
        self.port = int(re.fullmatch(r"nano-httpd: serving .* on port (\d+)\n", line)[1])

    def connect(self, **options):
        return socket.create_connection(("127.0.0.1", self.port), timeout=60, **options)

    def ask(self, *requests):
        """Sends requests in one piece; returns a stream to read responses from."""
        connection = self.connect()
        connection.sendall(b"".join(requests))
        return connection.makefile("rb")

    def get(self, path, *fields, method="GET"):
        return read_response(self.ask(request(path, *fields, method=method)), method)

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture(scope="session")
def programs(nano_httpd, tmp_path_factory):
    """programs("arm64"): the program for an architecture, built once a session."""
    folder = tmp_path_factory.mktemp("cross")

    def program(architecture):
        path = folder / architecture
        if architecture == "native":
            return nano_httpd
        if not path.exists():
            subprocess.run([CROSS, architecture, path], check=True)
        return path

    return program


@pytest.fixture
def server(request, programs, site):
    architecture = getattr(request, "param", "native")
    server = Server(programs(architecture), site, *EMULATORS[architecture])
    server.emulated = architecture != "native"
    yield server
    running = server.process.poll() is None
    server.stop()
    assert running, "it died"


on_each_architecture = pytest.mark.parametrize("server", EMULATORS, indirect=True)


def request(path, *fields, method="GET", version="1.1"):
    return "\r\n".join([f"{method} {path} HTTP/{version}", "Host: a", *fields, "", ""]).encode()


def read_response(stream, method="GET"):
    """Returns (status, fields, body)."""
    status = stream.readline()
    assert status.startswith(b"HTTP/1.1 "), status
    fields = {}
    while (line := stream.readline()) != b"\r\n":
        name, value = line.decode().split(": ", 1)
        fields[name.lower()] = value.rstrip("\r\n")
    size = 0 if method == "HEAD" or status[9:12] == b"304" else int(fields["content-length"])
    body = stream.read(size)
    assert len(body) == size
    return int(status[9:12]), fields, body


@on_each_architecture
@pytest.mark.parametrize("path, body, kind", [
    ("/", b"<p>index</p>\n", "text/html; charset=utf-8"),
    ("/index.html?query", b"<p>index</p>\n", "text/html; charset=utf-8"),
    ("/picture.png", PICTURE, "image/png"),
    ("/large.bin", LARGE, "application/octet-stream"),
    ("/empty.txt", b"", "text/plain; charset=utf-8"),
    ("/a%20b%C3%a9.txt", b"blank", "text/plain; charset=utf-8"),
    ("/folder/", b"folder", "text/html; charset=utf-8"),
    ("/folder/deep/../index.html", b"folder", "text/html; charset=utf-8"),
    ("/inside", b"x{}", "application/octet-stream"),
    ("http://anywhere/picture.png", PICTURE, "image/png"),
], ids=str_id)
def test_files_are_served_byte_for_byte(server, path, body, kind):
    if server.emulated and path in ("/inside", "/folder/deep/../index.html"):  # without openat2 these are refused
        assert server.get(path)[0] in (200, 404)
        return
    status, fields, got = server.get(path)
    assert (status, fields["content-type"], fields["connection"]) == (200, kind, "keep-alive")
    assert got == body
    status, fields, got = server.get(path, method="HEAD")
    assert (status, fields["content-length"], got) == (200, str(len(body)), b"")


@pytest.mark.parametrize("path, status", [
    ("/none", 404), ("/index.html/", 404), ("/folder/deep/", 404), ("/fifo", 404), ("/loop", 404),
    ("/outside", 404), ("/absolute", 404), ("/up/secret", 404), ("/../secret", 404), ("/%2e%2e/secret", 404),
    ("/..%2fsecret", 404), ("/folder/../../secret", 404), ("//etc/passwd", 404), ("/%2fetc/passwd", 404),
    ("/proc/self/exe", 404), ("/a%00b", 400), ("/%", 400), ("/" + "a" * 300, 404), ("/" + "a/" * 511, 414),
], ids=str_id)
def test_what_is_not_there_and_what_is_outside(server, path, status):
    got, fields, body = server.get(path)
    assert got == status and b"secret" not in body and b"root:" not in body
    assert len(body) == int(fields["content-length"])


@on_each_architecture
def test_nobody_leaves_the_directory(server):
    """On each architecture, since an emulator without openat2 makes the server walk the path itself."""
    for path in ("/outside", "/absolute", "/up/secret", "/../secret", "/%2e%2e/secret", "/..%2fsecret", "/loop", "/fifo",
                 "/folder/../../secret", "/%2fetc/passwd", "/folder/%2e%2e/%2e%2e/secret", "/up/www/../secret"):
        assert server.get(path)[0] == 404, path
    assert server.get("/folder//deep/.//x.css")[2] == b"x{}"
    assert server.get("/folder/deep")[0] == 301


def test_unreadable_file_is_forbidden(nano_httpd, site):
    (site / "picture.png").chmod(0)
    for folder in site.parents[:3]:
        folder.chmod(0o755)
    server = Server(nano_httpd, site, "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
    try:
        assert server.get("/picture.png")[0] == 403
    finally:
        server.stop()


def test_a_folder_without_its_slash_is_redirected(server):
    status, fields, _ = server.get("/folder/deep?x")
    assert (status, fields["location"]) == (301, "/folder/deep/?x")
    assert server.get("//folder")[1]["location"] == "/folder/"


@on_each_architecture
def test_ranges(server):
    status, fields, body = server.get("/picture.png", "Range: bytes=1000-1999")
    assert (status, fields["content-range"], body) == (206, "bytes 1000-1999/83052", PICTURE[1000:2000])
    status, fields, body = server.get("/picture.png", "Range: bytes=-52")
    assert (status, body) == (206, PICTURE[-52:])
    assert server.get("/picture.png", "Range: bytes=83052-")[0] == 416
    status, fields, body = server.get("/picture.png", "Range: bytes=0-5,7-9")
    assert (status, body) == (200, PICTURE)
    for validator in (fields["etag"], fields["last-modified"]):
        assert server.get("/picture.png", "Range: bytes=0-5", f"If-Range: {validator}")[2] == PICTURE[:6]
    assert server.get("/picture.png", "Range: bytes=0-5", 'If-Range: "x"')[2] == PICTURE
    status, fields, _ = server.get("/picture.png", "Range: bytes=0-5", method="HEAD")
    assert (status, fields["content-length"]) == (200, "83052")
    assert server.get("/empty.txt", "Range: bytes=0-")[0] == 416


@on_each_architecture
def test_not_modified(server):
    modified = server.get("/picture.png")[1]["last-modified"]
    stream = server.ask(request("/picture.png", f"If-Modified-Since: {modified}"), request("/"))
    assert read_response(stream)[0] == 304
    assert read_response(stream)[0] == 200
    assert server.get("/picture.png", "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT")[0] == 200
    tag = server.get("/picture.png")[1]["etag"]
    assert server.get("/picture.png", f"If-None-Match: {tag}")[:1] == (304,)
    assert server.get("/picture.png", f"If-None-Match: {tag}", method="HEAD")[0] == 304
    assert server.get("/picture.png", 'If-None-Match: "x"')[0] == 200
    assert server.get("/picture.png", 'If-Match: "x"')[0] == 412


def test_a_changed_file_is_served_at_once(server, site):
    """Of the same size and within the same second: another tag, another content."""
    connection = server.connect()
    stream = connection.makefile("rb")
    tags = set()
    for content in (b"first", b"other", b"third"):
        (site / "changing.txt").write_bytes(content)
        time.sleep(0.02)  # a tick of the file system's clock
        connection.sendall(request("/changing.txt"))
        _, fields, body = read_response(stream)
        assert body == content
        tags.add(fields["etag"])
    assert len(tags) == 3


def test_a_file_that_is_replaced_while_it_is_sent(server, site):
    connection = server.connect()
    connection.sendall(request("/large.bin", "Connection: close"))
    stream = connection.makefile("rb")
    assert stream.readline() == b"HTTP/1.1 200 OK\r\n"
    (site / "new").write_bytes(b"new")
    (site / "new").rename(site / "large.bin")
    assert stream.read().endswith(LARGE[-1000:])
    assert server.get("/large.bin")[2] == b"new"


@on_each_architecture
def test_other_methods(server):
    status, fields, _ = server.get("/", method="DELETE")
    assert (status, fields["allow"]) == (405, "GET, HEAD")
    stream = server.ask(request("/", "Content-Length: 26", method="POST"), request("/none")[:26])
    assert read_response(stream)[0] == 405
    assert stream.read() == b""  # a body is never taken for a request
    stream = server.ask(request("/", "Content-Length: 26", "Expect: 100-continue", method="PUT"))
    assert read_response(stream)[0] == 405  # and not asked for


@on_each_architecture
def test_keep_alive_and_pipelining(server):
    """More requests at once than are answered in one turn, and the connection is good for more."""
    connection = server.connect()
    stream = connection.makefile("rb")
    for count in (1, 100):
        connection.sendall(request("/") * count)
        for _ in range(count):
            assert read_response(stream)[2] == b"<p>index</p>\n"
    connection.sendall(request("/picture.png", "Connection: close") + request("/"))
    assert read_response(stream)[2] == PICTURE
    assert stream.read() == b""


def test_http_1_0(server):
    stream = server.ask(request("/", version="1.0"))
    assert read_response(stream)[1]["connection"] == "close"
    assert stream.read() == b""
    stream = server.ask(request("/", "Connection: keep-alive", version="1.0") * 2)
    assert [read_response(stream)[1]["connection"] for _ in range(2)] == ["keep-alive"] * 2


def test_a_request_in_single_bytes(server):
    connection = server.connect()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in request("/"):
        connection.send(bytes([byte]))
    assert read_response(connection.makefile("rb"))[0] == 200


@on_each_architecture
def test_half_closed_client_gets_its_answer(server):
    connection = server.connect()
    connection.sendall(request("/large.bin"))
    connection.shutdown(socket.SHUT_WR)
    assert read_response(connection.makefile("rb"))[2] == LARGE


@pytest.mark.parametrize("garbage, status", [
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400"),
    (b"GET /\r\n\r\n", b"400"),
    (b"GET / HTTP/1.1\r\n\r\n", b"400"),
    (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", b"400"),
    (b"GET / HTTP/3.1\r\nHost: a\r\n\r\n", b"505"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 70000, b"431"),
    (b"GET /" + b"x" * 70000, b"414"),
    (b"\r\n" * 35000, b"414"),
    (b"\0" * 70000, b"400"),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),  # a client that speaks TLS need not wait
], ids=str_id)
def test_garbage_is_refused_and_the_connection_ends(server, garbage, status):
    """The refusal arrives even where the client is still sending."""
    stream = server.ask(garbage)
    assert stream.readline().split()[1] == status
    assert b"Connection: close" in stream.read()
    assert server.get("/")[0] == 200


def test_random_input_never_kills_it(server):
    state = 1
    for _ in range(300):
        state = state * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
        data = state.to_bytes(8, "little") * (state >> 33 & 0x3f)
        try:
            with server.connect() as connection:
                connection.sendall(b"GET / HTTP/1.1\r\n" + data if state & 1 else data)
        except (BrokenPipeError, ConnectionResetError):
            pass
    assert server.get("/picture.png")[2] == PICTURE


def test_a_stalled_client_stops_nobody(server):
    stalled = socket.socket()
    stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stalled.connect(("127.0.0.1", server.port))
    stalled.sendall(request("/large.bin") * 20)
    silent = [server.connect() for _ in range(5)]
    silent[0].sendall(b"GET / HT")
    for _ in range(20):
        assert server.get("/picture.png")[2] == PICTURE
    stalled.settimeout(60)
    got = b""
    while len(got) < 1 << 20:  # it was slow, not forgotten: the others did not wait for its end
        got += stalled.recv(1 << 16)
    assert got.split(b"\r\n\r\n", 1)[1] == LARGE[:len(got.split(b"\r\n\r\n", 1)[1])]


def test_more_silent_clients_than_places(server):
    silent = [server.connect() for _ in range(200)]
    for connection in silent:
        connection.sendall(b"GET")
    assert server.get("/picture.png")[2] == PICTURE
    assert len(os.listdir(f"/proc/{server.process.pid}/fd")) < 140
    del silent


@on_each_architecture
def test_nothing_is_left_open(server):
    before = sorted(os.listdir(f"/proc/{server.process.pid}/fd"))
    for path in ("/", "/picture.png", "/none", "/folder", "/fifo", "/large.bin"):
        server.get(path, "Connection: close")
        server.get(path, "Connection: close", method="HEAD")
    aborted = [server.connect() for _ in range(10)]
    for connection in aborted:
        connection.sendall(request("/large.bin"))
        connection.close()
    wait_until(lambda: sorted(os.listdir(f"/proc/{server.process.pid}/fd")) == before,
               lambda: f"it has open: {os.listdir(f'/proc/{server.process.pid}/fd')}")


def test_an_idle_server_sleeps(server):
    """No timer ticks without clients: the process is not scheduled at all."""
    server.get("/", "Connection: close")
    wait_until(lambda: sleeps(Process(server.process.pid), 1.5), "it sleeps")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it(nano_httpd, site, number):
    server = Server(nano_httpd, site)
    idle = server.connect()
    idle.sendall(request("/"))
    assert read_response(idle.makefile("rb"))[0] == 200
    server.process.send_signal(number)
    assert server.process.wait(60) == 0
    assert idle.recv(1) == b""
    server.stop()


def test_a_signal_lets_responses_end(nano_httpd, site):
    server = Server(nano_httpd, site)
    stream = server.ask(request("/large.bin"))
    assert stream.readline() == b"HTTP/1.1 200 OK\r\n"
    server.process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + 60
    with pytest.raises(ConnectionError):  # the door is shut
        while time.monotonic() < deadline:
            server.connect().close()
    assert stream.read().endswith(LARGE[-1000:])
    assert server.process.wait(60) == 0
    server.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_as_pid_1(nano_httpd, site, number):
    """The first process of a pid namespace gets only the signals that it handles."""
    process = subprocess.Popen(["unshare", "--pid", "--fork", "--kill-child", nano_httpd, "-p", "0", site],
                               stdout=subprocess.PIPE)
    assert b"serving" in process.stdout.readline()
    children = open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii").read().split()
    assert len(children) == 1
    assert re.search(r"NSpid:\t\d+\t1\n", open(f"/proc/{children[0]}/status", encoding="ascii").read())
    os.kill(int(children[0]), number)
    assert process.wait(60) == 0
    process.stdout.close()


@pytest.mark.parametrize("arguments, status", [
    (["-p"], 2), (["-p", "65536"], 2), (["-p", "x"], 2), (["-x"], 2), (["a", "b"], 2), (["--help"], 2),
    (["/no/such/directory"], 1), (["/etc/passwd"], 1),
])
def test_wrong_arguments(nano_httpd, arguments, status):
    done = subprocess.run([nano_httpd, *arguments], capture_output=True, timeout=60, check=False)
    assert done.returncode == status and done.stderr


def test_a_taken_port(server, nano_httpd, site):
    done = subprocess.run([nano_httpd, "-p", str(server.port), site], capture_output=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr == f"nano-httpd: cannot listen on port {server.port} (error 98)\n".encode()


def test_it_is_small(nano_httpd):
    """Static, without an interpreter, of few pages, and without a byte to write to."""
    assert nano_httpd.stat().st_size < 20480
    headers = subprocess.run(["readelf", "-lW", nano_httpd], capture_output=True, text=True, check=True).stdout
    assert "INTERP" not in headers and "DYNAMIC" not in headers and "RWE" not in headers
    assert len(re.findall(r"^ +LOAD", headers, re.MULTILINE)) == 1


def memory_of(pid):
    """(KiB of private pages, KiB of page tables)"""
    maps = open(f"/proc/{pid}/smaps", encoding="ascii").read()
    status = open(f"/proc/{pid}/status", encoding="ascii").read()
    private = sum(int(number) for number in re.findall(r"^Private_Dirty: +(\d+) kB", maps, re.MULTILINE))
    return private, int(re.search(r"VmPTE:\s+(\d+) kB", status)[1])


def wait_until_settled(pid):
    """One private page, and page tables for one place only (24 KiB where it did not move, up to 20 where it did)."""
    def settled():
        private, tables = memory_of(pid)
        return private == 4 and (tables <= 20 or os.uname().machine != "x86_64")
    wait_until(settled, "it has settled")


def test_an_idle_server_has_a_page_of_its_own(nano_httpd, site):
    """Before the first client, and again after the last."""
    server = Server(nano_httpd, site, env={})
    wait_until_settled(server.process.pid)
    streams = [server.ask(request("/picture.png")) for _ in range(20)]
    assert [read_response(stream)[2] for stream in streams] == [PICTURE] * 20
    assert memory_of(server.process.pid)[0] > 4
    streams.clear()
    wait_until_settled(server.process.pid)
    command = open(f"/proc/{server.process.pid}/cmdline", "rb").read()
    assert command.split(b"\0")[:2] == [os.fsencode(nano_httpd), b"-p"]  # ps shows it still
    server.stop()


@pytest.mark.parametrize("size", [0, 1500, 2500, 3500, 4000, 100000])
def test_any_environment(nano_httpd, site, size):
    """It settles in the page of its arguments, however full that is."""
    server = Server(nano_httpd, site, env={"X": "x" * size, **{f"X{i}": "" for i in range(size // 100)}})
    assert server.get("/picture.png")[2] == PICTURE
    assert server.get("/%2e%2e/secret")[0] == 404
    server.process.terminate()
    assert server.process.wait(60) == 0
    server.stop()


@pytest.mark.parametrize("fault", [
    "mremap:error=EPERM", "munmap:error=EPERM", "madvise:error=EINVAL",  # it stays where it is, or keeps what it has
    "openat2:error=ENOSYS",  # it walks
    "mmap:error=ENOMEM:when=1..2", "signalfd4:error=EMFILE:when=1..2", "epoll_create1:error=ENFILE:when=1",  # it tries again
    "accept4:error=ENFILE:when=1..3", "epoll_ctl:error=ENOSPC:when=3",
    "rt_sigaction:error=EPERM:when=3..4", "openat2:error=EAGAIN:when=1..2",
])
def test_denied_system_calls(nano_httpd, site, fault):
    """What a seccomp filter, an older kernel or want of memory does to it."""
    server = Server(nano_httpd, site, "strace", "-qq", "-o", "/dev/null", "-e", f"inject={fault}")
    try:
        children = f"/proc/{server.process.pid}/task/{server.process.pid}/children"
        child = int(open(children, encoding="ascii").read())
        for _ in range(3):
            status, _, body = server.get("/picture.png")
            assert status == 503 or body == PICTURE
        assert server.get("/folder/deep")[0] == 301
        assert server.get("/%2e%2e/secret")[0] == 404
        assert server.get("/outside")[0] == 404
        os.kill(child, signal.SIGTERM)
        assert server.process.wait(60) in (0, -signal.SIGTERM)
    finally:
        if server.process.poll() is None:
            os.kill(child, signal.SIGKILL)  # strace ends with it, and would leave it behind if it were killed itself
            server.process.wait(10)
        server.process.stdout.close()
