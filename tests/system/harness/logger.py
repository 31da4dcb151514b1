"""Speaks src/ipc/logger_protocol.h with a real shoal-logger, and plays the payloads: processes and FIFOs of this test."""
import array
import collections
import json
import os
import pathlib
import select
import signal
import socket
import struct
import subprocess
import time

BUILD = pathlib.Path(os.environ.get("SHOAL_BUILD", pathlib.Path(__file__).resolve().parents[3] / "build"))
PROGRAM = BUILD / "shoal-logger"

HELLO, OPEN, CLOSE, ATTACH, DETACH, ROTATE, REOPEN, LIST, STATS, SHUTDOWN = range(1, 11)
REPLY, DRAINED, ATTACH_CLOSED, CONTAINER = range(1, 5)
STDOUT, STDERR = 1, 2
JSON_FILE, ATTACH_ONLY = 1, 2
TTY, FRESH, NON_BLOCKING = 1, 2, 4

REQUEST = struct.Struct("=8IQI65s3x")
EVENT = struct.Struct("=4I3QI65s3x")
Event = collections.namedtuple("Event", "type sequence error attachment bytes lines dropped id text")


class Refused(Exception):
    """The logger's reply was an error."""


class Logger:
    """A logger process in a folder of its own, and one connection to it."""

    def __init__(self, folder, program=PROGRAM, prefix=()):
        self.folder = pathlib.Path(folder)
        self.run = self.folder / "run"
        self.data = self.folder / "data" / "containers"
        self.run.mkdir(parents=True, exist_ok=True)
        self.data.mkdir(parents=True, exist_ok=True)
        self.command = [*prefix, str(program), "--run-dir", str(self.run)]
        self.process = self.socket = None
        self.events = []
        self.start()

    @classmethod
    def of(cls, daemon):
        """The logger of a daemon that was killed, as the daemon itself would talk to it."""
        self = cls.__new__(cls)
        self.run, self.data = daemon.run_dir, daemon.data_dir / "containers"
        self.process, self.events = None, []
        self.connect()
        return self

    def open_ids(self):
        """The containers whose output it reads."""
        self.request(LIST)
        found = {event.id for event in self.events if event.type == CONTAINER}
        self.events = [event for event in self.events if event.type != CONTAINER]
        return found

    def start(self):
        self.process = subprocess.Popen(self.command)
        self.connect()

    def connect(self, timeout=60):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sequence = 0
        end = time.monotonic() + timeout
        while True:
            try:
                self.socket.connect(str(self.run / "logger.sock"))
                break
            except OSError:
                if time.monotonic() > end or (self.process and self.process.poll() is not None):
                    raise
                time.sleep(0.005)
        folder = os.open(self.data, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self.request(HELLO, value=1, fds=[folder])
        finally:
            os.close(folder)

    def kill(self):
        self.socket.close()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.socket.close()
        self.process.terminate()
        assert self.process.wait(60) == 0

    def send(self, type, id="", value=0, streams=0, driver=0, flags=0, max_files=0, max_buffer=0, max_size=0, text=b"",
             fds=()):
        self.sequence += 1
        data = REQUEST.pack(type, self.sequence, value, streams, driver, flags, max_files, max_buffer, max_size, len(text),
                            id.encode()) + text
        self.socket.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])
        return self.sequence

    def receive(self, timeout=60):
        readable, _, _ = select.select([self.socket], [], [], timeout)
        assert readable, "the logger says nothing"
        data = self.socket.recv(16384)
        assert data, "the logger hung up"
        *fields, size, id = EVENT.unpack_from(data)
        text = data[EVENT.size:]
        assert len(text) == size
        return Event(*fields, id.rstrip(b"\0").decode(), text.decode())

    def request(self, type, id="", **fields):
        """Sends a request and waits for its reply; events that come before it are kept."""
        sequence = self.send(type, id, **fields)
        while True:
            event = self.receive()
            if event.type == REPLY:
                assert event.sequence == sequence
                if event.error:
                    raise Refused(event.text)
                return sequence
            self.events.append(event)

    def wait_for(self, type, id=None, timeout=60):
        end = time.monotonic() + timeout
        while True:
            for event in self.events:
                if event.type == type and id in (None, event.id):
                    self.events.remove(event)
                    return event
            self.events.append(self.receive(max(0.01, end - time.monotonic())))

    def stats(self, id):
        self.request(STATS, id)
        return self.wait_for(CONTAINER, id)

    # --- containers

    def fifos(self, id, streams=STDOUT | STDERR):
        """Makes what the engine makes, and opens it as the payload's side does: (stdout, stderr) descriptors."""
        folder = self.run / "containers" / id
        folder.mkdir(parents=True, exist_ok=True)
        (self.data / id).mkdir(exist_ok=True)
        for name in ("stdout", "stderr"):
            if not (folder / name).exists():
                os.mkfifo(folder / name, 0o600)

    def writer(self, id, stream=STDOUT):
        return os.open(self.run / "containers" / id / ("stdout" if stream == STDOUT else "stderr"), os.O_RDWR)

    def open(self, id, driver=JSON_FILE, streams=STDOUT | STDERR, flags=FRESH, **fields):
        self.fifos(id)
        self.request(OPEN, id, driver=driver, streams=streams, flags=flags, **fields)

    def attach(self, id, streams=STDOUT | STDERR, size=None):
        """Returns our end of the socket on which the output comes, and the attachment's number."""
        ours, theirs = socket.socketpair()
        if size:
            theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)
        with theirs:
            number = self.request(ATTACH, id, streams=streams, fds=[theirs.fileno()])
        return ours, number

    def files(self, id):
        """The container's log files, the oldest first."""
        found = (self.data / id).glob(f"{id}-json.log*")
        return sorted(found, key=lambda path: -int(path.suffix[1:]) if path.suffix != ".log" else 0)

    def records(self, id):
        """What is in the log; not what is being written just now."""
        lines = [line for path in self.files(id) for line in path.read_text().splitlines(keepends=True)]
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def text(self, id, stream="stdout"):
        return "".join(record["log"] for record in self.records(id) if record["stream"] == stream)


def new_id(number):
    return f"{number:064x}"


def frames(data):
    """Docker's stdcopy framing: [(stream, bytes)], complete."""
    found = []
    while data:
        stream, size = struct.unpack(">BxxxI", data[:8])
        assert len(data) >= 8 + size
        found.append((stream, data[8:8 + size]))
        data = data[8 + size:]
    return found
