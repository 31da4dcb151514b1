"""Networks as they are on a machine: who reaches whom, published ports, and what is left behind."""
import contextlib
import errno
import os
import socket
import subprocess
import time

import pytest

from harness.machine import wait_until
from harness.network import ANSWER, SHORT, ask_tcp, ask_udp, make_socket

OUTSIDE, HERE = "192.0.2.2", "192.0.2.1"


@contextlib.contextmanager
def held(namespace):
    """Somebody is in the namespace, as a container's process would be: its path, whatever becomes of the daemon."""
    with subprocess.Popen(["nsenter", "--net=" + namespace, "sleep", "1000"]) as sleeper:
        try:
            path = f"/proc/{sleeper.pid}/ns/net"
            wait_until(lambda: os.readlink(path) == os.readlink(namespace), "it is there")
            yield path
        finally:
            sleeper.kill()


def both(namespace, address, port):
    return ask_tcp(namespace, address, port), ask_udp(namespace, address, port)


def answered(name, client):
    return f"{name} {client} hello", f"{name} {client} hello"


def silent(namespace, address, port):
    """Nobody answers there."""
    return ask_tcp(namespace, address, port, SHORT) is None and ask_udp(namespace, address, port, SHORT) is None


def refusal(namespace, address, port):
    """With which error a connection is refused; a TimeoutError where nobody refuses it."""
    with make_socket(namespace) as s:
        try:
            s.connect((address, port))
        except TimeoutError:
            raise
        except OSError as error:
            return error.errno
    raise AssertionError("it came about")


# --- Who reaches whom

def test_reach(machine):
    box = machine.box()
    box.do("network a")
    box.do("network b")
    a1, a2, b1 = box.attach("a1", "a"), box.attach("a2", "a"), box.attach("b1", "b")
    assert (a1["ip"], a2["ip"], b1["ip"]) == ("172.17.0.2", "172.17.0.3", "172.18.0.2")
    for name, place in ("a2", a2), ("b1", b1):
        machine.serve(name, place["netns"])
    machine.serve("outside", machine.outside)
    machine.serve("here", machine.here)
    # The same network, with its own address.
    assert both(a1["netns"], a2["ip"], 80) == answered("a2", a1["ip"])
    # Another network.
    assert silent(a1["netns"], b1["ip"], 80)
    # The machine reaches containers, they reach it.
    assert both(machine.here, a2["ip"], 80) == answered("a2", "172.17.0.1")
    assert both(a1["netns"], "172.17.0.1", 80) == answered("here", a1["ip"])
    assert ask_tcp(a1["netns"], HERE, 80) == f"here {a1['ip']} hello"
    # Outside, masqueraded; and nobody outside gets in.
    assert both(a1["netns"], OUTSIDE, 80) == answered("outside", HERE)
    assert silent(machine.outside, a2["ip"], 80)
    # An address that nobody has does not leave the machine.
    for namespace in a1["netns"], machine.here:
        assert refusal(namespace, "172.17.9.9", 80) in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ECONNREFUSED, errno.EACCES)


def test_reach_ipv6(machine):
    box = machine.box()
    box.do("network a ipv6=1")
    box.do("network b subnet6=fd11::/64")
    a1, a2, b1 = box.attach("a1", "a"), box.attach("a2", "a"), box.attach("b1", "b")
    assert b1["ip6"] == "fd11::2" and a1["ip6"].startswith("fd")
    for name, place in ("a2", a2), ("b1", b1):
        machine.serve(name, place["netns"], address="::")
    machine.serve("outside", machine.outside, address="::")
    assert both(a1["netns"], a2["ip6"], 80) == answered("a2", a1["ip6"])
    assert silent(a1["netns"], b1["ip6"], 80)
    assert both(machine.here, b1["ip6"], 80) == answered("b1", "fd11::1")
    assert both(a1["netns"], "2001:db8::2", 80) == answered("outside", "2001:db8::1")
    assert silent(machine.outside, a2["ip6"], 80)


def test_internal(machine):
    box = machine.box()
    box.do("network secret internal=1")
    box.do("network open")
    s1, s2, o1 = box.attach("s1", "secret"), box.attach("s2", "secret"), box.attach("o1", "open")
    machine.serve("s2", s2["netns"])
    machine.serve("o1", o1["netns"])
    machine.serve("outside", machine.outside)
    machine.serve("here", machine.here)
    assert both(s1["netns"], s2["ip"], 80) == answered("s2", s1["ip"])
    assert both(s1["netns"], "172.17.0.1", 80) == answered("here", s1["ip"])
    assert machine.ip("route show default", s1["netns"]) == ""
    # A container that makes itself a default route gets no further.
    machine.ip("route add default via 172.17.0.1 dev eth0", s1["netns"])
    assert silent(s1["netns"], OUTSIDE, 80)
    assert silent(s1["netns"], o1["ip"], 80)
    assert silent(s1["netns"], HERE, 80)
    assert silent(o1["netns"], s2["ip"], 80)
    # What is published is not for outside either.
    box.do("port web tcp * 8080")
    box.do(f"backends web {s2['ip']} 80")
    assert ask_tcp(machine.outside, HERE, 8080, SHORT) is None
    assert ask_tcp(machine.here, "127.0.0.1", 8080) == "s2 172.17.0.1 hello"


def test_several_networks(machine):
    box = machine.box()
    for name in "front", "back":
        box.do(f"network {name}")
    box.attach("c", "front")
    c = box.attach("c", "back", interface="eth1", default=0)
    f, b = box.attach("f", "front"), box.attach("b", "back")
    machine.serve("c", c["netns"])
    assert both(f["netns"], "172.17.0.2", 80) == answered("c", f["ip"])
    assert both(b["netns"], c["ip"], 80) == answered("c", b["ip"])
    assert "default via 172.17.0.1 dev eth0" in machine.ip("route", c["netns"])
    assert box.ask("attach c back").startswith("error conflict: cannot attach to network back: the container has an "
                                               "interface eth0 already")
    box.do("detach c back alive=1")
    assert "eth1" not in machine.ip("-o link", c["netns"])
    assert silent(b["netns"], c["ip"], 80)


@pytest.mark.parametrize("forged", ["172.17.0.3", "172.18.0.2", "192.0.2.2", "10.1.2.3"])
def test_forged_sources(machine, forged):
    """A container with every right in its namespace sends from its own address alone."""
    box = machine.box()
    box.do("network a")
    box.do("network b")
    a1, _, a3 = (box.attach(name, "a") for name in ("a1", "a2", "a3"))
    box.attach("b1", "b")
    receiver = make_socket(a3["netns"], socket.SOCK_DGRAM, bind=("0.0.0.0", 9))
    here = make_socket(machine.here, socket.SOCK_DGRAM, bind=("0.0.0.0", 9))
    machine.ip(f"addr add {forged}/32 dev eth0", a1["netns"])
    for source, arrives in (a1["ip"], True), (forged, False):
        with make_socket(a1["netns"], socket.SOCK_DGRAM, bind=(source, 0)) as sender:
            for address, listener in (a3["ip"], receiver), ("172.17.0.1", here):
                sender.sendto(b"x", (address, 9))
                listener.settimeout(ANSWER if arrives else SHORT)
                if arrives:
                    assert listener.recvfrom(10)[1][0] == source
                else:
                    with pytest.raises(TimeoutError):
                        listener.recvfrom(10)
    receiver.close()
    here.close()


def test_nobody_outside_is_a_container(machine):
    box = machine.box()
    box.do("network a")
    a1 = box.attach("a1", "a")
    listener = make_socket(a1["netns"], socket.SOCK_DGRAM, bind=("0.0.0.0", 9), timeout=SHORT)
    machine.ip("addr add 172.17.0.9/32 dev lo", machine.outside)
    here = make_socket(machine.here, socket.SOCK_DGRAM, bind=("0.0.0.0", 9), timeout=SHORT)
    with make_socket(machine.outside, socket.SOCK_DGRAM, bind=("172.17.0.9", 0)) as sender:
        for address, receiver in (a1["ip"], listener), (HERE, here):
            sender.sendto(b"x", (address, 9))
            with pytest.raises(TimeoutError):
                receiver.recvfrom(10)
    listener.close()
    here.close()


# --- Addresses

def test_addresses(machine):
    box = machine.box()
    box.do("network a subnet=10.9.0.0/24 gateway=10.9.0.254 range=10.9.0.128/25")
    assert box.attach("c1", "a")["ip"] == "10.9.0.128"
    assert box.attach("c2", "a", ip="10.9.0.7", mac="02:00:00:00:00:07")["mac"] == "02:00:00:00:00:07"
    assert box.ask("attach c3 a ip=10.9.0.7") == "error conflict: network a: address 10.9.0.7 is already in use"
    assert box.ask("attach c3 a ip=10.8.0.7").endswith("address 10.8.0.7 is not of subnet 10.9.0.0/24")
    assert box.ask("network b subnet=10.9.0.128/25") == \
        "error conflict: subnet 10.9.0.128/25 overlaps 10.9.0.0/24 of network a"
    assert box.ask("network b subnet=192.0.2.0/24").startswith("error conflict: subnet 192.0.2.0/24 overlaps")
    assert box.ask("network b gateway=10.1.0.1").startswith("error invalid: network b has a gateway")
    assert box.ask("remove a") == "error conflict: network a is in use by 2 containers, one of them c1"
    machine.ip("route add 172.17.0.0/16 dev ext0")
    machine.ip("route add 172.18.128.0/17 dev ext0")
    assert box.do("network c")["subnet"] == "172.19.0.0/16"


# --- Published ports

@pytest.fixture
def published(machine):
    """web: port 8080 of the machine, port 80 of w1 in network a; a2 is beside it, b1 in another network."""
    box = machine.box()
    for name in "a", "b":
        box.do(f"network {name}")
    places = {name: box.attach(name, name[0] if name != "w1" else "a") for name in ("w1", "a2", "b1")}
    machine.serve("w1", places["w1"]["netns"])
    for protocol in "tcp", "udp":
        assert box.do(f"port web/{protocol} {protocol} * 8080")["port"] == "8080"
        box.do(f"backends web/{protocol} {places['w1']['ip']} 80")
    return box, places


def test_port_from_everywhere(machine, published):
    box, places = published
    # From outside, with the client's address.
    assert both(machine.outside, HERE, 8080) == answered("w1", OUTSIDE)
    # The machine itself, to its address and to localhost of both families.
    assert both(machine.here, HERE, 8080) == answered("w1", HERE)
    assert both(machine.here, "127.0.0.1", 8080) == answered("w1", "172.17.0.1")
    assert both(machine.here, "127.0.0.5", 8080) == answered("w1", "172.17.0.1")
    assert both(machine.here, "::1", 8080) == answered("w1", "172.17.0.1")
    # IPv6 from outside, where the container has none.
    assert both(machine.outside, "2001:db8::1", 8080) == answered("w1", "172.17.0.1")
    # Another network's container, with its address; one of the same network, and the container itself, by the gateway's.
    assert both(places["b1"]["netns"], HERE, 8080) == answered("w1", places["b1"]["ip"])
    assert both(places["b1"]["netns"], "172.18.0.1", 8080) == answered("w1", places["b1"]["ip"])
    assert both(places["a2"]["netns"], HERE, 8080) == answered("w1", "172.17.0.1")
    assert both(places["w1"]["netns"], HERE, 8080) == answered("w1", "172.17.0.1")
    # The container's own port is not open from there.
    assert silent(machine.outside, HERE, 80)
    for protocol in "tcp", "udp":
        box.do(f"unpublish web/{protocol}")
    assert silent(machine.outside, HERE, 8080)
    assert silent(machine.here, "127.0.0.1", 8080)


def test_port_ipv6(machine):
    box = machine.box()
    box.do("network a ipv6=1")
    w1 = box.attach("w1", "a")
    machine.serve("w1", w1["netns"], address="::")
    for protocol in "tcp", "udp":
        box.do(f"port {protocol} {protocol} * 8080")
        box.do(f"backends {protocol} {w1['ip']} 80 {w1['ip6']} 80")
    assert both(machine.outside, "2001:db8::1", 8080) == answered("w1", "2001:db8::2")
    assert both(machine.outside, HERE, 8080) == answered("w1", OUTSIDE)
    assert both(machine.here, "2001:db8::1", 8080) == answered("w1", "2001:db8::1")
    assert both(w1["netns"], "2001:db8::1", 8080)[0].startswith("w1 fd")


def test_port_of_one_address(machine, published):
    box, places = published
    w1 = places["w1"]["ip"]
    machine.ip("addr add 192.0.2.7/24 dev ext0")
    box.do("port local tcp 127.0.0.1 8081")
    box.do(f"backends local {w1} 80")
    assert ask_tcp(machine.here, "127.0.0.1", 8081) == "w1 172.17.0.1 hello"
    assert ask_tcp(machine.here, HERE, 8081, SHORT) is None
    assert ask_tcp(machine.outside, HERE, 8081, SHORT) is None
    box.do("port seven tcp 192.0.2.7 8082")
    box.do(f"backends seven {w1} 80")
    assert ask_tcp(machine.outside, "192.0.2.7", 8082) == f"w1 {OUTSIDE} hello"
    assert ask_tcp(machine.outside, HERE, 8082, SHORT) is None
    # The same port of another address is another port.
    box.do("port one tcp 192.0.2.1 8082")
    box.do("unpublish seven")
    assert ask_tcp(machine.outside, "192.0.2.7", 8082, SHORT) is None


def test_port_taken(machine, published):
    box, _ = published
    assert box.ask("port again tcp * 8080") == "error conflict: port 8080 is already in use (tcp)"
    assert box.ask("port again tcp 127.0.0.1 8080") == \
        "error conflict: port 8080 is already in use (tcp, on 127.0.0.1)"
    assert box.ask("port again udp 0.0.0.0 8080").startswith("error conflict: port 8080 is already in use")
    machine.serve("here", machine.here, port=8090)
    assert box.ask("port other tcp * 8090") == "error conflict: port 8090 is already in use (tcp)"
    assert box.ask("port other tcp 203.0.113.1 8099") == \
        "error invalid: cannot publish port 8099 on 203.0.113.1: this machine has no such address"
    chosen = int(box.do("port any tcp * 0")["port"])
    assert chosen >= 1024
    with make_socket(machine.here) as s, pytest.raises(OSError):
        s.bind(("0.0.0.0", chosen))


def test_balance(machine, published):
    box, places = published
    machine.serve("a2", places["a2"]["netns"])
    box.do(f"backends web/tcp {places['w1']['ip']} 80 {places['a2']['ip']} 80")
    for client, address in (machine.outside, HERE), (machine.here, "127.0.0.1"):
        names = [ask_tcp(client, address, 8080).split()[0] for _ in range(20)]
        assert 8 <= names.count("w1") <= 12 and 8 <= names.count("a2") <= 12
    box.do(f"backends web/tcp {places['a2']['ip']} 80")
    assert {ask_tcp(machine.outside, HERE, 8080).split()[0] for _ in range(4)} == {"a2"}
    # More than 64 replicas draw from more slots; all but one are the same container here, at other ports.
    many = " ".join(f"{places['w1']['ip']} {port}" for port in range(1000, 1070))
    machine.serve("w1", places["w1"]["netns"], port=1033)
    box.do(f"backends web/tcp {many}")
    answers = [ask_tcp(machine.outside, HERE, 8080) for _ in range(80)]
    assert 1 <= sum(answer is not None for answer in answers) <= 2
    # The relay goes past a backend that refuses.
    box.do(f"backends web/tcp {places['a2']['ip']} 81 {places['w1']['ip']} 80")
    assert {ask_tcp(machine.here, "127.0.0.1", 8080).split()[0] for _ in range(4)} == {"w1"}
    box.do("backends web/tcp")
    assert ask_tcp(machine.outside, HERE, 8080, SHORT) is None


def test_steady_udp_client(machine, published):
    """A client that sends and sends is led to where the port leads now, also when it began before there was one."""
    box, places = published
    box.do("port late udp * 8081")
    machine.serve("a2", places["a2"]["netns"])
    with make_socket(machine.outside, socket.SOCK_DGRAM, timeout=SHORT) as s:
        s.connect((HERE, 8081))
        def say(word):
            """What came of the last one may be told now."""
            with contextlib.suppress(ConnectionRefusedError):
                s.send(word)
                return
            s.send(word)

        for leads, name in ("backends late", None), (f"backends late {places['w1']['ip']} 80", "w1"), \
                (f"backends late {places['a2']['ip']} 80", "a2"), ("unpublish late", None):
            box.do(leads)
            s.settimeout(ANSWER if name else SHORT)
            say(b"hello")
            if name:
                assert s.recv(100).decode() == f"{name} {OUTSIDE} hello"
            else:
                with pytest.raises((TimeoutError, ConnectionRefusedError)):
                    s.recv(100)


def test_relay_carries_much(machine, published):
    """More than all buffers hold, while the client sends without reading; then its half-close."""
    data = os.urandom(1 << 20) * 16
    with make_socket(machine.here) as s:
        s.connect(("127.0.0.1", 8080))
        sent, got = 0, b""
        s.setblocking(False)
        end = time.monotonic() + 120
        while time.monotonic() < end:
            if sent < len(data):
                try:
                    sent += s.send(data[sent:sent + 65536])
                    if sent == len(data):
                        s.shutdown(socket.SHUT_WR)
                except BlockingIOError:
                    pass
            try:
                piece = s.recv(65536)
                if not piece:
                    break
                got += piece
            except BlockingIOError:
                pass
        assert got == b"w1 172.17.0.1 " + data


def test_relay_stalled_and_reset(machine, published):
    """A client that never reads holds up nobody, and one that vanishes leaves nothing."""
    box, _ = published
    descriptors = f"/proc/{box.process.pid}/fd"
    count = len(os.listdir(descriptors))
    stalled = make_socket(machine.here)
    stalled.connect(("127.0.0.1", 8080))
    stalled.setblocking(False)
    with pytest.raises(BlockingIOError):
        while True:
            stalled.send(b"x" * 65536)
    assert ask_tcp(machine.here, "127.0.0.1", 8080) == "w1 172.17.0.1 hello"
    with open(f"/proc/{box.process.pid}/stat", encoding="ascii") as stat:
        before = sum(map(int, stat.read().split()[13:15]))
    time.sleep(0.5)
    with open(f"/proc/{box.process.pid}/stat", encoding="ascii") as stat:
        assert sum(map(int, stat.read().split()[13:15])) - before <= 5, "it spins"
    stalled.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    stalled.close()
    wait_until(lambda: len(os.listdir(descriptors)) == count, "the relay is gone")


def test_socket_kept(machine, published):
    """A socket that is given back goes on: who connected meanwhile is served."""
    box, places = published
    assert box.do("port web/tcp tcp * 8080")["name"] == "port/tcp/*/8080"
    box.do(f"backends web/tcp {places['w1']['ip']} 80")
    assert ask_tcp(machine.here, "127.0.0.1", 8080) == "w1 172.17.0.1 hello"


# --- What is left

def test_nothing_is_left(machine):
    machine.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
    before = machine.snapshot()
    box = machine.box()
    assert machine.snapshot() == before, "a daemon without networks leaves no trace"
    box.do("network a ipv6=1")
    box.do("network b internal=1")
    a1 = box.attach("a1", "a")
    box.attach("b1", "b")
    box.do("port web tcp * 8080")
    box.do(f"backends web {a1['ip']} 80 {a1['ip6']} 80")
    assert machine.snapshot() != before
    box.do("unpublish web")
    for name in "a", "b":
        box.do(f"detach {name}1 {name}")
        box.do(f"drop {name}1")
        box.do(f"remove {name}")
    wait_until(lambda: "@if" not in machine.ip("-o link show type veth").replace("ext0@if", ""), "no link is left")
    machine.ip("-6 route flush cache")
    after = machine.snapshot()
    rules = after.pop("rules")
    before.pop("rules")
    assert after == before
    assert "elements" not in rules
    box.do("clear")
    assert machine.run("nft", "list", "ruleset") == ""


def test_killed_before_anything_was_stored(machine):
    """What a daemon that died made, and no record names, the next one removes; what is another instance's it leaves."""
    other = machine.box(data_dir="/nonexistent/other")
    other.do("network theirs")
    theirs = other.attach("t1", "theirs")
    box = machine.box()
    ours = box.do("network ours ipv6=1")
    assert ours["subnet"] == "172.18.0.0/16", "another instance's subnet is left alone"
    place = box.attach("o1", "ours")
    with held(place["netns"]):
        box.process.kill()
        box.process.wait()
        assert place["link"] in machine.ip("-o link")
        machine.box()
        assert place["link"] not in machine.ip("-o link")
    left = machine.ip("route") + machine.ip("addr show dev lo") + machine.ip("-6 route")
    assert "172.18" not in left and ours["gateway6"] not in left
    machine.serve("t1", theirs["netns"])
    assert both(machine.here, theirs["ip"], 80) == answered("t1", "172.17.0.1")


def test_restart(machine, tmp_path):
    """A daemon that is killed keeps traffic flowing, and the next one knows everything."""
    box = machine.box()
    box.do("network a")
    place = box.attach("w1", "a")
    gone = box.attach("w2", "a")
    box.do("port web tcp * 8080")
    box.do(f"backends web {place['ip']} 80")
    box.do(f"save {tmp_path}/records")
    with held(place["netns"]) as netns:
        machine.serve("w1", netns)
        rules = machine.run("nft", "list", "ruleset")
        box.process.kill()
        box.process.wait()
        assert ask_tcp(machine.outside, HERE, 8080) == f"w1 {OUTSIDE} hello", "while no daemon runs"
        connected = make_socket(machine.outside)
        connected.connect((HERE, 8080))
        wait_until(lambda: gone["link"] not in machine.ip("-o link"), "the other's link goes with its namespace")
        again = machine.box(start=False)
        again.do(f"load {tmp_path}/records")
        again.do("port web tcp * 8080")
        again.do(f"backends web {place['ip']} 80")
        again.do("start")
        assert machine.run("nft", "list", "ruleset") == rules
        assert ask_tcp(machine.outside, HERE, 8080) == f"w1 {OUTSIDE} hello"
        assert ask_tcp(machine.here, "127.0.0.1", 8080) == "w1 172.17.0.1 hello"
        connected.sendall(b"still there")
        connected.shutdown(socket.SHUT_WR)
        assert connected.makefile().read() == f"w1 {OUTSIDE} still there"
        connected.close()
        new = again.attach("w3", "a")
        assert new["ip"] not in (place["ip"], gone["ip"]) and new["link"] not in (place["link"], gone["link"])
        assert both(new["netns"], place["ip"], 80) == answered("w1", new["ip"])


def test_in_the_way(machine):
    box = machine.box()
    machine.run("nft", "add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }")
    assert box.do("check")["count"] == "0", "no network, nothing in its way"
    box.do("network a")
    answer = box.ask("check")
    assert "count=1 chain FORWARD of table ip filter drops what is forwarded" in answer
    assert "iptables -I FORWARD -i 'sh" in answer
    machine.run("nft", "add table inet fw; add chain inet fw in { type filter hook input priority 0; policy drop; }")
    machine.run("sysctl", "-qw", "net.ipv4.ip_forward=0")
    answer = box.ask("check")
    assert "count=3" in answer and "forwarding is off" in answer and "nft insert rule inet fw in iifname 'sh" in answer


def test_many(machine):
    """500 containers, made and removed; more than a bridge's 1,023 ports is not tried here."""
    box = machine.box()
    box.do("network a")
    few = int(box.do("many a 50")["ms"])
    box.do("none")
    wait_until(lambda: machine.ip("-o link show type veth").count("\n") == 1, "the first links are gone", 120)
    made = int(box.do("many a 500")["ms"])
    assert machine.ip("-o link show type veth").count("master") == 0
    assert machine.ip("neigh").count("PERMANENT") == 500
    gone = int(box.do("none")["ms"])
    start = time.monotonic()
    wait_until(lambda: machine.ip("-o link show type veth").count("\n") == 1, "all links are gone", 120)
    print(f"500 endpoints: made in {made} ms, let go in {gone} ms, gone {time.monotonic() - start:.1f} s later")
    assert machine.ip("route").count("proto 213") == 1
    # A generous bound: it says that nothing grows with the square of the number.
    assert made < 10 * few * 10
