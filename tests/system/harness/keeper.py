"""A keeper and a small daemon that drives it (tests/tools/keeper_client.c)."""
import json
import os
import pathlib
import queue
import secrets
import shutil
import subprocess
import threading

from harness.machine import cgroup_root, wait_until

CLONE = {"mnt": 0x20000, "cgroup": 0x2000000, "uts": 0x4000000, "ipc": 0x8000000, "user": 0x10000000, "pid": 0x20000000,
         "net": 0x40000000}
PRIVATE = CLONE["pid"] | CLONE["uts"] | CLONE["ipc"]

# Flags of a description (runtime/description.h), of SPAWN (ipc/keeper_protocol.h), of mounts (mount_setattr(2)).
NO_NEW_PRIVILEGES, TTY, INIT, ROOT_READONLY, OOM_SCORE, NEW_KEYRING, MAKE_CWD = (1 << bit for bit in range(7))
KILL_CGROUP = 1
RDONLY, NOSUID, NODEV, NOEXEC = 1, 2, 4, 8

# What Docker gives: chown, dac_override, fowner, fsetid, kill, setgid, setuid, setpcap, net_bind_service, net_raw,
# sys_chroot, mknod, audit_write, setfcap.
DOCKER_CAPABILITIES = 0xA80425FB
# As many as this machine's root has.
ALL_CAPABILITIES = int(next(line.split()[1] for line in pathlib.Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
                            if line.startswith("CapBnd")), 16)

STARTING, RUNNING, FAILED, EXITED = 1, 2, 3, 4

MOUNTS = [
    {"kind": "proc", "target": "/proc", "attributes": NOSUID | NODEV | NOEXEC},
    {"kind": "dev", "target": "/dev", "data": "mode=755,size=64k", "attributes": NOSUID},
    {"kind": "devpts", "target": "/dev/pts", "data": "newinstance,ptmxmode=0666,mode=0620,gid=5",
     "attributes": NOSUID | NOEXEC},
    {"kind": "tmpfs", "target": "/dev/shm", "data": "mode=1777,size=1m", "attributes": NOSUID | NODEV | NOEXEC},
    {"kind": "mqueue", "target": "/dev/mqueue", "attributes": NOSUID | NODEV | NOEXEC},
    {"kind": "sysfs", "target": "/sys", "attributes": RDONLY | NOSUID | NODEV | NOEXEC},
]
MASKED = ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/scsi",
          "/sys/firmware"]
READONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]


def new_id():
    return secrets.token_hex(32)


def make_rootfs(folder):
    """A root file system of busybox; returns its path."""
    folder = pathlib.Path(folder)
    for name in ("bin", "dev", "proc", "sys", "tmp", "etc", "root", "data"):
        (folder / name).mkdir(parents=True)
    (folder / "tmp").chmod(0o1777)
    shutil.copy("/bin/busybox", folder / "bin/busybox")
    applets = subprocess.run(["/bin/busybox", "--list"], check=True, capture_output=True, text=True).stdout.split()
    for applet in applets:
        if not (folder / "bin" / applet).exists():
            (folder / "bin" / applet).symlink_to("busybox")
    (folder / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n", encoding="utf-8")
    return folder


class Client:
    """A daemon as the keeper sees it. Requests wait for their reply; events are kept until they are asked for."""

    def __init__(self, keeper):
        self.keeper = keeper
        tool = keeper.build / "tests/tools/keeper_client"
        self.process = subprocess.Popen([tool, keeper.socket], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.events = []
        self._messages = queue.Queue()
        self._reader = threading.Thread(target=self._read_all, daemon=True)
        self._reader.start()
        self.welcome = self.wait("ready")

    def _read_all(self):
        for line in self.process.stdout:
            self._messages.put(json.loads(line))
        self._messages.put(None)

    def _read(self, seconds):
        try:
            message = self._messages.get(timeout=seconds)
        except queue.Empty:
            raise AssertionError(f"the keeper said nothing for {seconds} s; events: {self.events}") from None
        assert message, f"the client ended; events: {self.events}"
        return message

    def send(self, **request):
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()

    def reply(self, what, seconds=60):
        while True:
            message = self._read(seconds)
            if message.get("reply") == what:
                return message
            self.events.append(message)

    def request(self, check=True, **request):
        self.send(**request)
        reply = self.reply(request.get("id") or request.get("name") or request["do"])
        assert reply["ok"] or not check, reply
        return reply

    def wait(self, *names, id=None, seconds=60):  # pylint: disable=redefined-builtin
        """The first event of one of these names (about id)."""
        def wanted(event):
            return event.get("event") in names and id in (None, event["id"])
        for event in self.events:
            if wanted(event):
                self.events.remove(event)
                return event
        while True:
            message = self._read(seconds)
            if wanted(message):
                return message
            self.events.append(message)

    def listed(self):
        """id → record, as it was told when this client connected."""
        return {event["id"]: event for event in self.events if event.get("event") == "listed"}

    def kill(self):
        self.process.kill()
        self.close()

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self._reader.join()
        self.process.stdout.close()


class Container:
    """A container (or a process of an exec) and where its output goes."""

    def __init__(self, client, id, output):  # pylint: disable=redefined-builtin
        self.client, self.id, self.output = client, id, output
        self.pid = None

    def text(self):
        return self.output.read_text(encoding="utf-8")

    def started(self):
        event = self.client.wait("started", "failed", id=self.id)
        assert event["event"] == "started", event
        self.pid = event["pid"]
        return self

    def failed(self):
        return self.client.wait("failed", id=self.id)

    def exit(self, seconds=60):
        """The exit code, negative for a signal."""
        event = self.client.wait("exited", "failed", id=self.id, seconds=seconds)
        assert event["event"] == "exited", event
        return os.waitstatus_to_exitcode(event["status"])

    def signal(self, signo, check=True):
        return self.client.request(do="signal", id=self.id, signo=int(signo), check=check)

    def ack(self):
        self.client.request(do="ack", id=self.id)

    def says(self, text):
        wait_until(lambda: text in self.text(), lambda: f"{text!r} in {self.text()!r}")
        return self


class Keeper:
    """A keeper on a folder of its own."""

    def __init__(self, build, folder, rootfs, program="shoal-keeper", env=None):
        self.build, self.folder, self.rootfs = build, pathlib.Path(folder), rootfs
        self.run_dir = self.folder / "run"
        self.run_dir.mkdir(parents=True)
        self.socket = self.run_dir / "keeper.sock"
        self.cgroup = None
        path = build / program if (build / program).exists() else build / "tests/tools" / program
        self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", path, "--run-dir", self.run_dir], env={**os.environ, **(env or {})})
        wait_until(self.socket.exists, "the keeper's socket")
        self._clients = []
        self._numbers = iter(range(1, 1 << 30))
        self.client = self.connect()
        self.launcher()

    @property
    def pid(self):
        return self.process.pid

    def connect(self):
        client = Client(self)
        self._clients.append(client)
        return client

    def reconnect(self):
        """kill -9 of the daemon, and a new one."""
        self.client.kill()
        self._clients.remove(self.client)
        self.client = self.connect()
        return self.client

    def launcher(self, seccomp="default", capabilities=DOCKER_CAPABILITIES):
        self.client.request(do="launcher", seccomp=seccomp, capabilities=capabilities)

    def make_cgroup(self):
        """A cgroup that is removed at the end."""
        if not self.cgroup:
            self.cgroup = cgroup_root() / f"shoalt-{new_id()[:12]}"
            self.cgroup.mkdir()
        path = self.cgroup / f"c{next(self._numbers)}"
        path.mkdir()
        return path

    def send_spawn(self, *argv, id=None, **settings):  # pylint: disable=redefined-builtin
        """Asks for a container, without waiting for anything."""
        output = self.folder / f"output{next(self._numbers)}"
        output.touch()
        container = Container(self.client, id or new_id(), output)
        request = {"do": "spawn", "id": container.id, "argv": argv, "env": ["PATH=/bin"], "rootfs": str(self.rootfs),
                   "stdout": str(output), "mounts": MOUNTS, "masked": MASKED, "readonly": READONLY,
                   "namespaces": PRIVATE, "capabilities": DOCKER_CAPABILITIES, **settings}
        self.client.send(**request)
        return container

    def spawn(self, *argv, **settings):
        container = self.send_spawn(*argv, **settings)
        reply = self.client.reply(container.id)
        assert reply["ok"], reply
        return container

    def run(self, *argv, **settings):
        """Runs a container to its end: exit code and output."""
        container = self.spawn(*argv, **settings)
        code = container.exit()
        container.ack()
        return code, container.text()

    def sh(self, script, **settings):
        code, text = self.run("sh", "-c", script, **settings)
        assert code == 0, (code, text)
        return text

    def exec(self, container, *argv, **settings):
        inside = {"rootfs": None, "mounts": [], "masked": [], "readonly": [], "namespaces": 0, "do": "exec",
                  "container": container.id}
        return self.spawn(*argv, **{**inside, **settings})

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def children(self):
        """pid → state of all children: launchers and containers."""
        pids = pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="utf-8").split()
        return {int(pid): pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0]
                for pid in pids}

    def close(self):
        """Whatever still runs is killed with the keeper."""
        for client in self._clients:
            client.close()
        for pid in self.children() if self.process.poll() is None else {}:
            os.kill(pid, 9)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.cgroup:
            (self.cgroup / "cgroup.kill").write_text("1", encoding="utf-8")
            wait_until(lambda: "populated 0" in (self.cgroup / "cgroup.events").read_text(encoding="utf-8"), "cgroup")
            for path in sorted(self.cgroup.rglob("*/"), reverse=True):
                path.rmdir()
            self.cgroup.rmdir()
