"""Names: what containers' resolvers are told, and what is asked of servers elsewhere."""
import os
import socket
import struct
import threading
import time

import pytest

from harness.machine import wait_until
from harness.network import SHORT, make_socket

A, PTR, TXT, AAAA, OPT = 1, 12, 16, 28, 41
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)


def wire_name(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


def question(name, kind=A, ident=None, edns=None, flags=0x0100):
    ident = int.from_bytes(os.urandom(2), "big") if ident is None else ident
    message = struct.pack(">6H", ident, flags, 1, 0, 0, 1 if edns else 0) + wire_name(name) + struct.pack(">2H", kind, 1)
    return message + (b"\0" + struct.pack(">2HIH", OPT, edns, 0, 0) if edns else b"")


def skip_name(message, at):
    while message[at]:
        if message[at] & 0xc0:
            return at + 2
        at += message[at] + 1
    return at + 1


def read_name(message, at):
    labels = []
    while message[at]:
        if message[at] & 0xc0:
            at = struct.unpack_from(">H", message, at)[0] & 0x3fff
            continue
        labels.append(message[at + 1:at + 1 + message[at]].decode())
        at += message[at] + 1
    return ".".join(labels)


class Answer:
    def __init__(self, message):
        self.message = message
        self.id, flags, questions, answers, _, _ = struct.unpack_from(">6H", message)
        self.rcode, self.truncated, self.is_answer = flags & 15, bool(flags & 0x0200), bool(flags & 0x8000)
        at = 12
        for _ in range(questions):
            at = skip_name(message, at) + 4
        self.records = []
        for _ in range(answers):
            at = skip_name(message, at)
            kind, _, self.ttl, length = struct.unpack_from(">2HIH", message, at)
            at += 10
            data = message[at:at + length]
            self.records.append(socket.inet_ntop(socket.AF_INET if kind == A else socket.AF_INET6, data)
                                if kind in (A, AAAA) else read_name(message, at) if kind == PTR else data)
            at += length


def receive_all(s, size):
    data = b""
    while len(data) < size:
        piece = s.recv(size - len(data))
        assert piece, "the connection ended"
        data += piece
    return data


def ask(namespace, server, name, kind=A, tcp=False, timeout=30, **more):
    """The answer, or None where none comes."""
    message = question(name, kind, **more)
    with make_socket(namespace, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM, timeout=timeout) as s:
        try:
            s.connect((server, 53))
            if tcp:
                s.sendall(struct.pack(">H", len(message)) + message)
                answer = Answer(receive_all(s, struct.unpack(">H", receive_all(s, 2))[0]))
            else:
                s.send(message)
                answer = Answer(s.recv(65536))
        except (OSError, AssertionError):
            return None
    assert answer.is_answer and answer.id == struct.unpack_from(">H", message)[0]
    return answer


class Upstream:
    """Somebody's DNS server, outside. behave(name) is what it does with a question; what it was asked is kept."""

    def __init__(self, namespace, address="192.0.2.2"):
        self.asked, self.clients, self.behave = [], [], lambda query: self.plain(query)
        self.udp = make_socket(namespace, socket.SOCK_DGRAM, bind=(address, 53))
        self.tcp = make_socket(namespace, bind=(address, 53))
        self.tcp.listen(8)
        self.udp.settimeout(None)
        self.tcp.settimeout(None)
        for serve in self.serve_udp, self.serve_tcp:
            threading.Thread(target=serve, daemon=True).start()

    @staticmethod
    def plain(query, address="198.51.100.7", flags=0x8180):
        end = skip_name(query, 12) + 4
        return [query[:2] + struct.pack(">5H", flags, 1, 1, 0, 0) + query[12:end] +
                b"\xc0\x0c" + struct.pack(">2HIH", A, 1, 60, 4) + socket.inet_aton(address)]

    def serve_udp(self):
        while True:
            try:
                query, client = self.udp.recvfrom(65536)
                if not client:
                    return
                self.asked.append(read_name(query, 12))
                self.clients.append((client[1], query[:2]))
                for answer in self.behave(query):
                    self.udp.sendto(answer, client)
            except OSError:
                return

    def serve_tcp(self):
        while True:
            try:
                connection, _ = self.tcp.accept()
                with connection:
                    query = receive_all(connection, struct.unpack(">H", receive_all(connection, 2))[0])
                    self.asked.append("tcp " + read_name(query, 12))
                    end = skip_name(query, 12) + 4
                    text = b"\xff" + b"x" * 255
                    record = b"\xc0\x0c" + struct.pack(">2HIH", TXT, 1, 60, 20 * 256) + text * 20
                    answer = query[:2] + struct.pack(">5H", 0x8180, 1, 1, 0, 0) + query[12:end] + record
                    connection.sendall(struct.pack(">H", len(answer)) + answer)
            except (OSError, AssertionError):
                return

    def close(self):
        for s in (self.udp, self.tcp):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()


@pytest.fixture
def stack(machine, tmp_path):
    """Two networks; web has two replicas in front, db stands in back, and api in both."""
    box = machine.box()
    (tmp_path / "resolv.conf").write_text("nameserver 192.0.2.2\n")
    upstream = Upstream(machine.outside)
    for network in "front ipv6=1", "back":
        box.do(f"network {network}")
        box.do(f"listen {network.split()[0]}")
    places = {}
    for name, network, *more in (("web-1", "front", "web"), ("web-2", "front", "web"), ("api", "front", "API.shop"),
                                 ("api", "back"), ("db", "back", "database")):
        interface = {"interface": "eth1", "default": 0} if (name, network) == ("api", "back") else {}
        places[name, network] = box.attach(name, network, **interface)
        box.do(f"name {name} {network} {name} {' '.join(more)}".strip())
    yield box, places, upstream
    upstream.close()


FRONT, BACK = "172.17.0.1", "172.18.0.1"


@pytest.mark.parametrize("tcp", [False, True])
def test_names(stack, tcp):
    _, places, upstream = stack
    web = places["web-1", "front"]
    here = web["netns"]
    both = sorted(places[name, "front"]["ip"] for name in ("web-1", "web-2"))
    answer = ask(here, FRONT, "web", tcp=tcp)
    assert (answer.rcode, sorted(answer.records), answer.ttl) == (NOERROR, both, 1)
    assert ask(here, FRONT, "web-2", tcp=tcp).records == [places["web-2", "front"]["ip"]]
    assert ask(here, FRONT, "WEB-2", tcp=tcp).records == [places["web-2", "front"]["ip"]]
    assert ask(here, FRONT, "api.shop", tcp=tcp).records == [places["api", "front"]["ip"]]
    assert ask(here, FRONT, "web-1", AAAA, tcp=tcp).records == [web["ip6"]]
    # A name that is known and has nothing of the kind: no error, no records, and nobody else is asked.
    for kind in TXT, 33:
        answer = ask(here, FRONT, "web", kind, tcp=tcp)
        assert (answer.rcode, answer.records) == (NOERROR, [])
    assert ask(places["db", "back"]["netns"], BACK, "database", AAAA, tcp=tcp).records == []
    assert upstream.asked == []


def test_order_is_shuffled(stack):
    _, places, _ = stack
    first = {ask(places["api", "front"]["netns"], FRONT, "web").records[0] for _ in range(40)}
    assert len(first) == 2


def test_only_names_of_own_networks(stack):
    box, places, _ = stack
    assert ask(places["web-1", "front"]["netns"], FRONT, "db").records == ["198.51.100.7"], "it went outside"
    # A container of two networks knows the names of both, whichever server it asks.
    for server in FRONT, BACK:
        assert ask(places["api", "front"]["netns"], server, "db").records == [places["db", "back"]["ip"]]
        assert len(ask(places["api", "front"]["netns"], server, "web").records) == 2
    # The first network wins.
    box.do("name db back db web")
    assert len(ask(places["api", "front"]["netns"], FRONT, "web").records) == 2
    assert ask(places["db", "back"]["netns"], BACK, "web").records == [places["db", "back"]["ip"]]


def test_reverse(stack):
    _, places, _ = stack
    web = places["web-1", "front"]
    assert ask(web["netns"], FRONT, "3.0.17.172.in-addr.arpa", PTR).records == ["web-2"]
    digits = socket.inet_pton(socket.AF_INET6, places["web-2", "front"]["ip6"]).hex()
    assert ask(web["netns"], FRONT, ".".join(reversed(digits)) + ".ip6.arpa", PTR).records == ["web-2"]


def test_changes_are_seen_at_once(stack):
    box, places, upstream = stack
    here = places["api", "front"]["netns"]
    box.do("name web-2 front web-2 web hidden=1")
    assert ask(here, FRONT, "web").records == [places["web-1", "front"]["ip"]]
    assert ask(here, FRONT, "web-2").records == []
    assert len(ask(places["web-2", "front"]["netns"], FRONT, "web").records) == 1, "it can ask all the same"
    box.do("name web-2 front web-2 web")
    assert len(ask(here, FRONT, "web").records) == 2
    box.do("name web-2 front")
    box.do("name web-1 front")
    upstream.behave = lambda query: [query[:2] + b"\x81\x83" + query[4:6] + b"\0" * 6 + query[12:]]
    assert ask(here, FRONT, "web").rcode == NXDOMAIN
    assert ask(places["web-2", "front"]["netns"], FRONT, "api", timeout=0.4) is None, "a stranger by now"


def test_strangers(machine, stack):
    """Whoever is outside is not answered; the machine itself is, as a member of the network."""
    assert ask(machine.outside, FRONT, "web", timeout=0.4) is None
    assert ask(machine.outside, FRONT, "web", tcp=True, timeout=1) is None
    assert len(ask(machine.here, FRONT, "web").records) == 2


def test_many_addresses(stack):
    box, places, _ = stack
    box.do("many front 100")
    for i in range(100):
        box.do(f"name c{i} front c{i} crowd")
    here = places["web-1", "front"]["netns"]
    answer = ask(here, FRONT, "crowd")
    assert answer.truncated and answer.records == [] and len(answer.message) <= 512
    assert len(ask(here, FRONT, "crowd", tcp=True).records) == 100
    answer = ask(here, FRONT, "crowd", edns=4096)
    assert answer.truncated and len(answer.message) <= 1232
    for i in range(70):
        box.do(f"name c{i} front")
    assert ask(here, FRONT, "crowd").truncated is False
    assert len(ask(here, FRONT, "crowd", edns=4096).records) == 30


# --- The world

def test_forwarded(stack):
    _, places, upstream = stack
    here = places["web-1", "front"]["netns"]
    for tcp in False, True:
        assert ask(here, FRONT, "www.example.com", tcp=tcp).records == ["198.51.100.7"]
    assert upstream.asked == ["www.example.com"] * 2
    # Neither port nor id can be guessed.
    for _ in range(10):
        ask(here, FRONT, "www.example.com", ident=7)
    assert len({port for port, _ in upstream.clients}) > 8 and len({ident for _, ident in upstream.clients}) > 8


def test_forged_answers_are_ignored(stack):
    _, places, upstream = stack
    here = places["web-1", "front"]["netns"]

    def forge(query):
        good = Upstream.plain(query)[0]
        other = Upstream.plain(query, "203.0.113.66")[0]
        return [bytes([other[0] ^ 1]) + other[1:],                    # another id
                other.replace(b"\3www", b"\3wwx"),                    # another question
                other[:2] + b"\1" + other[3:],                        # not an answer
                other[:20],                                           # cut off
                other[:6] + b"\xff\xff" + other[8:],                  # more records than there are
                b"", good]
    upstream.behave = forge
    assert ask(here, FRONT, "www.example.com").records == ["198.51.100.7"]


def test_long_answers(stack):
    """Cut off by UDP: the client is told; by TCP, the server is asked by TCP too."""
    _, places, upstream = stack
    here = places["web-1", "front"]["netns"]
    upstream.behave = lambda query: [query[:2] + b"\x83\x80" + query[4:6] + b"\0" * 6 + query[12:]]
    assert ask(here, FRONT, "long.example.com", TXT).truncated
    answer = ask(here, FRONT, "long.example.com", TXT, tcp=True)
    assert not answer.truncated and len(answer.records[0]) == 5120
    assert upstream.asked == ["long.example.com", "long.example.com", "tcp long.example.com"]
    # A server that pays no heed to what the client takes.
    upstream.behave = lambda query: [Upstream.plain(query)[0][:-16] * 1 + b"\xc0\x0c" +
                                     struct.pack(">2HIH", TXT, 1, 60, 1000) + b"x" * 1000]
    answer = ask(here, FRONT, "rude.example.com", TXT)
    assert answer.truncated and len(answer.message) <= 512


WAITED_FOR = 1.5  # seconds; a bit less than what a server that is silent is waited for


def duration(here, name):
    """How long the answer takes, which is that of the second server."""
    start = time.monotonic()
    assert ask(here, FRONT, name).records == ["198.51.100.7"]
    return time.monotonic() - start


def test_silent_and_failing_servers(machine, stack, tmp_path):
    box, places, upstream = stack
    here = places["web-1", "front"]["netns"]
    machine.ip("addr add 192.0.2.3/24 dev ext0", machine.outside)
    time.sleep(1.1)  # the file is looked at once a second
    (tmp_path / "resolv.conf").write_text("# two\nnameserver 192.0.2.3\nnameserver 192.0.2.2\noptions x\n")
    assert min(duration(here, f"a{n}.example.com") for n in range(5)) < WAITED_FOR, "a port that is closed is told at once"
    other = Upstream(machine.outside, "192.0.2.3")
    other.behave = lambda query: []
    assert duration(here, "b.example.com") > WAITED_FOR
    other.behave = lambda query: [query[:2] + b"\x81\x82" + query[4:]]
    assert ask(here, FRONT, "c.example.com").records == ["198.51.100.7"]
    # All fail.
    upstream.behave = other.behave
    assert ask(here, FRONT, "d.example.com").rcode == SERVFAIL
    # A container's own server.
    box.do("name web-1 front web-1 web server=192.0.2.3")
    other.behave = lambda query: Upstream.plain(query, "203.0.113.9")
    assert ask(here, FRONT, "e.example.com").records == ["203.0.113.9"]
    other.close()


def test_nobody_to_ask(machine, stack, tmp_path):
    _, places, _ = stack
    here = places["web-1", "front"]["netns"]
    time.sleep(1.1)
    # Ourselves is nobody.
    (tmp_path / "resolv.conf").write_text(f"nameserver {FRONT}\nnameserver {BACK}\n")
    assert ask(here, FRONT, "www.example.com").rcode == SERVFAIL
    (tmp_path / "resolv.conf").unlink()
    time.sleep(1.1)
    assert ask(here, FRONT, "www.example.com").rcode == SERVFAIL


def test_internal(machine, stack):
    """Containers of internal networks alone learn nothing of the world, and nothing of them gets out."""
    box, _, upstream = stack
    box.do("network secret internal=1")
    box.do("listen secret")
    place = box.attach("s1", "secret")
    box.do("name s1 secret s1")
    assert ask(place["netns"], "172.19.0.1", "s1").records == [place["ip"]]
    assert ask(place["netns"], "172.19.0.1", "stolen.example.com").rcode == NXDOMAIN
    assert upstream.asked == []


# --- Hostile

def raw(namespace, message, timeout=30):
    with make_socket(namespace, socket.SOCK_DGRAM, timeout=timeout) as s:
        s.connect((FRONT, 53))
        s.send(message)
        try:
            return Answer(s.recv(65536))
        except TimeoutError:
            return None


def test_hostile_questions(stack):
    _, places, _ = stack
    here = places["web-1", "front"]["netns"]
    head = struct.pack(">6H", 7, 0x0100, 1, 0, 0, 0)
    tail = struct.pack(">2H", A, 1)
    for name in (b"\xc0\x0c", b"\x03web\xc0\x0c", b"\x40" + b"a" * 64 + b"\0", b"\x3f" + b"a" * 20,
                 (b"\x3f" + b"a" * 63) * 4 + b"\0", b"\xc0", b"\xc0\x00"):
        answer = raw(here, head + name + tail, SHORT)
        assert answer is None or (answer.rcode, answer.records) == (FORMERR, [])
    assert raw(here, struct.pack(">6H", 7, 0x0100, 2, 0, 0, 0) + (wire_name("web") + tail) * 2).rcode == FORMERR
    assert raw(here, struct.pack(">6H", 7, 0x0100, 0, 0, 0, 0)).rcode == FORMERR
    assert raw(here, question("web", flags=0x2800)).rcode == NOTIMP
    assert raw(here, head + wire_name("web") + struct.pack(">2H", A, 3)).rcode == REFUSED
    for silent in question("web", flags=0x8100), b"", b"\0", question("web")[:11]:
        assert raw(here, silent, SHORT) is None
    assert ask(here, FRONT, "web").rcode == NOERROR, "it lives"


def test_hostile_connections(stack):
    box, places, _ = stack
    here = places["web-1", "front"]["netns"]
    held = []
    for _ in range(20):
        s = make_socket(here)
        s.connect((FRONT, 53))
        s.sendall(b"\0")
        held.append(s)
    assert ask(here, FRONT, "web").rcode == NOERROR
    assert len(ask(places["web-2", "front"]["netns"], FRONT, "web", tcp=True).records) == 2, "another one's turn"
    # Eight of one client, the others were closed.
    wait_until(lambda: sum(1 for s in held if closed(s)) == 12, "the others are closed")
    for s in held:
        s.close()
    # Several questions at once are answered in order; then rubbish ends the connection.
    with make_socket(here) as s:
        s.connect((FRONT, 53))
        messages = [question(name, ident=i) for i, name in enumerate(("web", "a.example.com", "api", "b.example.com"))]
        s.sendall(b"".join(struct.pack(">H", len(m)) + m for m in messages))
        for i in range(len(messages)):
            assert Answer(receive_all(s, struct.unpack(">H", receive_all(s, 2))[0])).id == i
        s.sendall(b"\0\5hello")
        assert s.recv(1) == b""


def closed(s):
    s.setblocking(False)
    try:
        return s.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def test_flood(stack):
    """A container that asks and asks cannot use up what the others need."""
    box, places, upstream = stack
    upstream.behave = lambda query: []
    descriptors = f"/proc/{box.process.pid}/fd"
    before = len(os.listdir(descriptors))
    with make_socket(places["web-1", "front"]["netns"], socket.SOCK_DGRAM) as s:
        s.connect((FRONT, 53))
        for i in range(400):
            s.send(question(f"{i}.example.com"))
        time.sleep(0.5)
        assert len(os.listdir(descriptors)) - before <= 128
        upstream.behave = Upstream.plain
        # As a resolver does: what comes while the flood is still being read is lost.
        answer = wait_until(lambda: ask(places["web-2", "front"]["netns"], FRONT, "x.example.com", timeout=2), "an answer")
        assert answer.records == ["198.51.100.7"]


def test_another_server_on_all_addresses(machine):
    """Port 53 is somebody else's: questions are led to another one."""
    box = machine.box()
    box.do("network a")
    place = box.attach("c", "a")
    box.do("name c a c")
    taken = [make_socket(machine.here, kind, bind=("0.0.0.0", 53)) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)]
    taken[0].listen(1)
    box.do("listen a")
    assert machine.run("nft", "list", "map", "inet", machine.table(), "names4").count("172.17.0.1 . ") >= 1
    for tcp in False, True:
        assert ask(place["netns"], FRONT, "c", tcp=tcp).records == [place["ip"]]
    box.do("unlisten a")
    for s in taken:
        s.close()
    box.do("listen a")
    assert "172.17.0.1:53" in machine.run("ss", "-Hlnt")
    assert "elements" not in machine.run("nft", "list", "map", "inet", machine.table(), "names4")
    for tcp in False, True:
        assert ask(place["netns"], FRONT, "c", tcp=tcp).records == [place["ip"]]
    box.do("unlisten a")
    assert "172.17.0.1" not in machine.run("ss", "-Hlntu")
