"""shoal daemon as a process of a test: started, killed, started again, and nothing left of it at the end."""
import contextlib
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

from .machine import Process, cgroup_root, processes, wait_until

STARTED_IN, STOPPED_IN = 60, 60


def instance_of(data):
    """What everything of a daemon carries in its name: a hash of its data directory (src/network/instance.h)."""
    number = 2166136261
    for byte in os.fsencode(os.path.realpath(data)):
        number = (number ^ byte) * 16777619 % (1 << 32)
    return f"{number or 1:08x}"


class _Connection(http.client.HTTPConnection):
    """HTTP over a socket of the machine."""

    def __init__(self, path, timeout):
        super().__init__("shoal", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Daemon:
    """data_dir, run_dir: its directories. socket: its API. instance: its name on the machine. log: what it printed."""

    def __init__(self, build, netns, folder):
        self.build, self.netns = build, netns
        self.data_dir, self.run_dir = pathlib.Path(folder) / "data", pathlib.Path(folder) / "run"
        for path in (self.data_dir, self.run_dir):
            path.mkdir(parents=True)
        self.socket = self.run_dir / "shoal.sock"
        self.instance = instance_of(self.data_dir)
        self.log = pathlib.Path(folder) / "daemon.log"
        self.process = None
        self._mounts = netns.mounts()

    # --- its life

    def start(self, *arguments, **environment):
        """Starts it and waits until its socket accepts."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.netns.command(self.build / "shoal", "daemon", "--data-dir", self.data_dir, "--run-dir", self.run_dir,
                                   *arguments),
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, **environment},
                start_new_session=True)
        wait_until(self._accepts, lambda: f"the daemon accepts\n{self.said()}", STARTED_IN)
        return self

    def _accepts(self):
        assert self.process.poll() is None, f"the daemon ended with status {self.process.returncode}\n{self.said()}"
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(str(self.socket)) == 0

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self):
        """SIGTERM; containers run on. Returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOPPED_IN)

    def kill(self):
        """kill -9, at once."""
        self.process.kill()
        self.process.wait()

    def ended(self):
        """The exit status of a daemon that ends by itself."""
        return self.process.wait(STOPPED_IN)

    def restart(self, *arguments, **environment):
        """kill -9, and a new one on the same directories."""
        self.kill()
        return self.start(*arguments, **environment)

    def said(self):
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    # --- talking to it

    @property
    def host(self):
        return f"unix://{self.socket}"

    def cli(self, *words, check=True, timeout=300, **options):
        """Runs shoal WORDS against it, in its namespaces."""
        return self.netns.run(self.build / "shoal", "--host", self.host, *words, check=check, timeout=timeout, **options)

    def json(self, *words, **options):
        """What shoal WORDS --json prints, as a value."""
        return json.loads(self.cli(*words, "--json", **options).stdout)

    def api(self, method, path, body=None, timeout=180):
        """One request of the Docker API: (status, value or text). body: a value, or the bytes of an archive."""
        archive = isinstance(body, bytes)
        data = body if archive else None if body is None else json.dumps(body)
        connection = _Connection(str(self.socket), timeout)
        try:
            connection.request(method, path, data, {"Content-Type": f"application/{'x-tar' if archive else 'json'}"})
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        finally:
            connection.close()
        with contextlib.suppress(ValueError):
            text = json.loads(text)
        return answer.status, text

    def begin(self, method, path, timeout=180):
        """Sends a request; its answer is yet to be read, with getresponse() of the connection that is returned."""
        connection = _Connection(str(self.socket), timeout)
        connection.request(method, path)
        return connection

    def ask(self, method, path, body=None, timeout=180):
        """The same, and it must succeed; returns the value."""
        status, value = self.api(method, path, body, timeout)
        assert status < 400, f"{method} {path}: {status} {value}\n{self.said()[-3000:]}"
        return value

    def load(self, archive):
        """Loads the archive of an image."""
        return self.ask("POST", "/images/load?quiet=1", pathlib.Path(archive).read_bytes())

    def client(self, **options):
        """A client of python3-docker."""
        import docker  # of Debian, and not needed by every test
        return docker.DockerClient(base_url=self.host, **options)

    # --- what it has on the machine

    def _is_ours(self, process):
        if process.pid in self.netns.own_pids() or process.pid == os.getpid():
            return False
        marks = (str(self.data_dir), str(self.run_dir))
        return (self.instance in process.cgroup or any(mark in process.command for mark in marks)
                or process.namespace("net") == Process(self.netns.holder.pid).namespace("net")
                or process.namespace("mnt") == Process(self.netns.holder.pid).namespace("mnt"))

    def processes(self, name=""):
        """All its processes, its helpers and its containers' included; or those whose command has name in it."""
        return processes(lambda process: self._is_ours(process) and name in process.command)

    def only(self, name):
        """The only one that is called so; the keeper's launchers have its name too, and it is their parent."""
        found = self.processes(name)
        process, = [process for process in found if process.parent not in [other.pid for other in found]]
        return process

    def cgroups(self):
        """Its control groups, deepest first."""
        # os.walk() does not mind that groups of others go meanwhile.
        return sorted((pathlib.Path(path) for path, _, _ in os.walk(cgroup_root()) if self.instance in path),
                      key=lambda path: -len(path.parts))

    def leftovers(self):
        """What is still on the machine, one line each."""
        left = [f"process {process}" for process in self.processes()]
        left += [f"cgroup {path}" for path in self.cgroups()]
        left += [f"mount {path}" for path in self.netns.mounts() if path not in self._mounts]
        left += [f"link {name}" for name in self.netns.links() if self.instance in name]
        left += [f"nftables {name}" for name in self.netns.tables() if self.instance in name]
        return left

    def remove_containers(self):
        for container in self.api("GET", "/containers/json?all=1")[1]:
            self.api("DELETE", f"/containers/{container['Id']}?force=1&v=1")

    def close(self):
        """
        The end of a test: containers that it left are removed, the daemon ends, and its keeper and logger with it,
        since no container is left. Returns what is on the machine all the same, after it was cleaned away.
        """
        if self.running:
            self.remove_containers()
            self.stop()
        elif self.process is None:
            return self.leftovers()
        deadline = time.monotonic() + STOPPED_IN
        while (left := self.leftovers()) and time.monotonic() < deadline:
            time.sleep(0.05)
        self.sweep()
        return left

    def sweep(self):
        """Leaves nothing for the next test, whatever this one did."""
        while ours := self.processes():
            for process in ours:
                process.kill()
            time.sleep(0.02)
            if all(process.is_zombie for process in self.processes()):
                break
        for path in self.cgroups():
            with contextlib.suppress(OSError):
                (path / "cgroup.kill").write_text("1", encoding="ascii")
            with contextlib.suppress(OSError, AssertionError):
                wait_until(lambda path=path: _rmdir(path), f"{path} is empty", 5)


def _rmdir(path):
    with contextlib.suppress(OSError):
        path.rmdir()
    return not path.exists()
