"""Namespaces to run things in, and looking at the machine from outside."""
import contextlib
import ctypes
import itertools
import os
import pathlib
import re
import signal
import subprocess
import time

_LIBC = ctypes.CDLL(None, use_errno=True)
_NUMBERS = itertools.count(1)
CLONE_NEWNET = 0x40000000


def wait_until(condition, what, seconds=30.0):
    """
    Waits for condition() to be true, and returns what it gave; fails with what it waited for. The time is that after which
    nobody believes in it any more: machines are busy.
    """
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(0.01)
    return result


def run(*command, check=True, timeout=180, **options):
    """Runs a command and returns it when done; where it fails, its output is in the error."""
    done = subprocess.run([str(word) for word in command], stdin=options.pop("stdin", subprocess.DEVNULL), timeout=timeout,
                          capture_output=True, text=True, check=False, **options)
    if check and done.returncode:
        raise AssertionError(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def cgroup_root():
    """Where cgroup v2 is mounted."""
    for line in pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        before, after = line.split(" - ")
        if after.split()[0] == "cgroup2":
            return pathlib.Path(before.split()[4])
    raise AssertionError("no cgroup v2 is mounted on this machine")


class Netns:
    """
    A network namespace with its loopback up, and a mount namespace beside it whose mounts stay inside (shared among
    themselves, as on a machine). A process holds them; they are gone when it and all that ran in them is gone, whatever
    happens to the test.
    """

    def __init__(self):
        self.name = f"shoalt{os.getpid()}x{next(_NUMBERS)}"
        script = "mount --make-rshared / && ip link set lo up && echo ready && exec sleep infinity"
        self.holder = subprocess.Popen(["unshare", "--net", "--mount", "--propagation", "private", "setpriv",
                                        "--pdeathsig", "KILL", "sh", "-c", script], stdout=subprocess.PIPE)
        assert self.holder.stdout.readline() == b"ready\n", "no namespaces: are the tests run as root?"
        self.net = f"/proc/{self.holder.pid}/ns/net"
        self._started = []

    def command(self, *words):
        """The command line that runs words in the namespaces; relative paths start at /."""
        return ["nsenter", "-t", str(self.holder.pid), "-n", "-m", *map(str, words)]

    def run(self, *words, **options):
        return run(*self.command(*words), **options)

    def start(self, *words, **options):
        """A process in the namespaces that runs on; killed at the end of the test if it still does."""
        process = subprocess.Popen(self.command("setpriv", "--pdeathsig", "KILL", *words), **options)
        self._started.append(process)
        return process

    @contextlib.contextmanager
    def inside(self):
        """The test itself is in the network namespace: sockets that it makes meanwhile stay there."""
        with inside(self.net):
            yield

    def connect(self, other, address, other_address):
        """Lays a cable (a veth) to another Netns; addresses are given as 192.0.2.1/24."""
        number = next(_NUMBERS)
        here, there = f"cable{number}a", f"cable{number}b"
        self.run("ip", "link", "add", here, "type", "veth", "peer", "name", there, "netns", other.holder.pid)
        for side, link, its in ((self, here, address), (other, there, other_address)):
            side.run("ip", "address", "add", its, "dev", link)
            side.run("ip", "link", "set", link, "up")

    def own_pids(self):
        """Processes that belong to the harness."""
        return {self.holder.pid, *(process.pid for process in self._started)}

    def mounts(self):
        """Mount points in the namespace."""
        text = pathlib.Path(f"/proc/{self.holder.pid}/mountinfo").read_text(encoding="utf-8")
        return sorted(line.split()[4] for line in text.splitlines())

    def links(self):
        listed = self.run("ip", "-o", "link", "show").stdout.splitlines()
        return sorted(line.split(": ")[1].split("@")[0] for line in listed)

    def tables(self):
        """Tables of nftables."""
        return sorted(self.run("nft", "list", "tables").stdout.splitlines())

    def close(self):
        for process in [*self._started, self.holder]:
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in (process.stdout, process.stderr):
                if stream:
                    stream.close()


@contextlib.contextmanager
def inside(namespace):
    """The calling thread is in the network namespace (a path): sockets that it makes meanwhile stay there."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _enter(namespace)
        yield
    finally:
        _setns(home)
        os.close(home)


def _enter(namespace):
    there = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _setns(there)
    finally:
        os.close(there)


def _setns(fd):
    if _LIBC.setns(fd, CLONE_NEWNET) < 0:
        raise OSError(ctypes.get_errno(), "setns")


def processes(match):
    """The processes (a Process each) for which match(process) holds."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            process = Process(int(entry))
            with contextlib.suppress(OSError):
                if match(process):
                    found.append(process)
    return found


def sleeps(process, seconds):
    """Was it not scheduled at all for so long? For wait_until(): what it has to do may take a while."""
    before = process.switches
    time.sleep(seconds)
    return process.switches == before


class Process:
    """A process seen through /proc. Attributes raise OSError where it is gone."""

    def __init__(self, pid):
        self.pid = pid

    def _text(self, name):
        return pathlib.Path(f"/proc/{self.pid}/{name}").read_bytes().decode(errors="replace")

    @property
    def command(self):
        return self._text("cmdline").replace("\0", " ").strip()

    @property
    def environment(self):
        return self._text("environ").split("\0")

    @property
    def cgroup(self):
        return next((line[3:] for line in self._text("cgroup").splitlines() if line.startswith("0::")), "")

    def _stat(self, field):
        return self._text("stat").rpartition(")")[2].split()[field]

    @property
    def state(self):
        """R, S, D, T (stopped), Z (ended, and not waited for) …"""
        return self._stat(0)

    @property
    def parent(self):
        return int(self._stat(1))

    @property
    def is_zombie(self):
        return self.state == "Z"

    @property
    def switches(self):
        """How often it was put to sleep or interrupted: the same number twice means that it did nothing."""
        return sum(map(int, re.findall(r"ctxt_switches:\s+(\d+)", self._text("status"))))

    @property
    def threads(self):
        return len(os.listdir(f"/proc/{self.pid}/task"))

    def catches(self, number):
        """Has it a handler for the signal? The first process of a container gets no other."""
        caught = re.search(r"SigCgt:\s+([0-9a-f]+)", self._text("status"))[1]
        return bool(int(caught, 16) >> (number - 1) & 1)

    @property
    def is_gone(self):
        """It has ended, whether or not somebody has waited for it."""
        try:
            return self.is_zombie
        except OSError:
            return True

    @property
    def descriptors(self):
        """number → what it is, as the kernel prints it."""
        found = {}
        for number in os.listdir(f"/proc/{self.pid}/fd"):
            with contextlib.suppress(OSError):
                found[int(number)] = os.readlink(f"/proc/{self.pid}/fd/{number}")
        return found

    def namespace(self, kind):
        return os.readlink(f"/proc/{self.pid}/ns/{kind}")

    def kill(self, number=signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def __repr__(self):
        try:
            return f"{self.pid} ({self.command or 'zombie'})"
        except OSError:
            return f"{self.pid} (gone)"
