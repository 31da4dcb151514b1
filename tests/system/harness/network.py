"""
A machine with networks of containers (tests/tools/network_box) and somebody outside of it, who ask each other things.

A socket belongs for good to the namespace it was made in, so the tests run where they are and only make sockets elsewhere.
Namespaces are paths.
"""
import contextlib
import select
import socket
import subprocess
import threading

from .machine import Netns, inside, run

ANSWER = 30  # seconds for an answer that must come
SHORT = 0.4  # how long "nothing comes" is waited for


def make_socket(namespace, kind=socket.SOCK_STREAM, family=socket.AF_INET, bind=None, timeout=ANSWER):
    with inside(namespace):
        s = socket.socket(family, kind)
    s.settimeout(timeout)
    if bind:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(bind)
    return s


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


class Server:
    """Answers every TCP connection and every UDP datagram with "NAME CLIENT-ADDRESS ", and echoes what it gets."""

    def __init__(self, name, namespace, port, address="0.0.0.0"):
        self.name, self.stopped = name, False
        self.tcp = make_socket(namespace, socket.SOCK_STREAM, family_of(address), (address, port), timeout=None)
        self.tcp.listen(64)
        self.udp = make_socket(namespace, socket.SOCK_DGRAM, family_of(address), (address, port), timeout=None)
        self.threads = [threading.Thread(target=f, daemon=True) for f in (self.serve_tcp, self.serve_udp)]
        for thread in self.threads:
            thread.start()

    def greeting(self, client):
        return f"{self.name} {client[0].replace('::ffff:', '')} ".encode()

    def serve_tcp(self):
        while not self.stopped:
            try:
                connection, client = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(connection, client), daemon=True).start()

    def talk(self, connection, client):
        with connection, contextlib.suppress(OSError):
            connection.sendall(self.greeting(client))
            while data := connection.recv(65536):
                connection.sendall(data)

    def serve_udp(self):
        while not self.stopped:
            try:
                data, client = self.udp.recvfrom(65536)
                if client:
                    self.udp.sendto(self.greeting(client) + data, client)
            except OSError:
                return

    def close(self):
        self.stopped = True
        for s in (self.tcp, self.udp):
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
            s.close()


def ask_tcp(namespace, address, port, timeout=ANSWER):
    """What a server says to a client in the namespace; None where no connection comes about."""
    with make_socket(namespace, family=family_of(address), timeout=timeout) as s:
        try:
            s.connect((address, port))
            s.sendall(b"hello")
            s.shutdown(socket.SHUT_WR)
            answer = b""
            while data := s.recv(65536):
                answer += data
            return answer.decode()
        except OSError:
            return None


def ask_udp(namespace, address, port, timeout=ANSWER):
    with make_socket(namespace, socket.SOCK_DGRAM, family_of(address), timeout=timeout) as s:
        try:
            s.connect((address, port))
            s.send(b"hello")
            return s.recv(65536).decode()
        except OSError:
            return None


class Box:
    """A running network_box, and what it answered."""

    def __init__(self, program, data_dir, namespace):
        self.process = subprocess.Popen(["nsenter", "--net=" + namespace, program, data_dir], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.containers = {}

    def ask(self, command):
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()
        ready, _, _ = select.select([self.process.stdout], [], [], 180)
        assert ready, f"no answer to {command}"
        return self.process.stdout.readline().decode().strip()

    def do(self, command):
        """The values of a command's answer."""
        answer = self.ask(command)
        assert answer.startswith("ok"), f"{command}: {answer}"
        return dict(word.split("=", 1) for word in answer.split()[1:] if "=" in word)

    def attach(self, container, network, **options):
        words = " ".join(f"{key}={value}" for key, value in options.items())
        place = self.do(f"attach {container} {network} {words}".strip())
        place["netns"] = f"/proc/{self.process.pid}/fd/{place['netns']}"
        return place

    def close(self):
        self.process.stdin.close()
        status = self.process.wait(60)
        self.process.stdout.close()
        assert status == 0, "a sanitizer found something, or it crashed"


class Machine:
    """The machine and somebody outside of it, 192.0.2.1 and 192.0.2.2, 2001:db8::1 and ::2."""

    def __init__(self, program, data_dir):
        self.program, self.data_dir = program, str(data_dir)
        self.namespaces = [Netns(), Netns()]
        self.here, self.outside = (namespace.net for namespace in self.namespaces)
        self.servers, self.boxes = [], []
        self.ip(f"link add ext0 type veth peer name ext0 netns {self.namespaces[1].holder.pid}")
        for namespace, n in (self.here, 1), (self.outside, 2):
            # No addresses that the kernel makes by itself, and takes into use after a while: snapshots shall agree.
            for command in ("link set ext0 addrgenmode none", f"addr add 192.0.2.{n}/24 dev ext0",
                            f"addr add 2001:db8::{n}/64 dev ext0 nodad", "link set ext0 up"):
                self.ip(command, namespace)
        # Somebody outside who tries to get at containers directly.
        self.ip("route add 172.16.0.0/12 via 192.0.2.1", self.outside)
        self.ip("route add fd00::/8 via 2001:db8::1", self.outside)

    def run(self, *command, namespace=None):
        return run("nsenter", "--net=" + (namespace or self.here), *command).stdout

    def table(self):
        return self.run("nft", "list", "tables").split()[2]

    def ip(self, command, namespace=None):
        return self.run("ip", *command.split(), namespace=namespace)

    def box(self, start=True, data_dir=None):
        box = Box(self.program, data_dir or self.data_dir, self.here)
        self.boxes.append(box)
        if start:
            box.do("start")
        return box

    def serve(self, name, namespace, port=80, address="0.0.0.0"):
        self.servers.append(Server(name, namespace, port, address))

    def snapshot(self):
        """Everything a daemon could have left."""
        return {"links": self.ip("-o link").count("\n"), "addresses": self.ip("-o addr show dev lo"),
                "routes": self.ip("route show table all"), "routes6": self.ip("-6 route show table all"),
                "rules": self.run("nft", "list", "ruleset"), "sockets": self.run("ss", "-Hlntu")}

    def close(self):
        for server in self.servers:
            server.close()
        for box in self.boxes:
            if box.process.poll() is None:
                box.close()
        for namespace in self.namespaces:
            namespace.close()
