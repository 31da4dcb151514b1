"""Docker's own command line, of several releases (tools/docker-clients), against a daemon of a test."""
import fcntl
import os
import pathlib
import pty
import re
import select
import struct
import subprocess
import termios
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
SUITES = ("bookworm", "trixie", "sid")


def program(suite):
    """The client of a Debian suite; None where it could not be had."""
    path = ROOT / ".cache" / "docker" / suite / "usr" / "bin" / "docker"
    return path if path.exists() else None


class Docker:
    """docker(…words) runs the client in the daemon's namespaces with a home of its own."""

    def __init__(self, path, daemon, home):
        self.daemon, self.path = daemon, path
        self.env = {**os.environ, "DOCKER_HOST": daemon.host, "HOME": str(home), "DOCKER_CONFIG": str(home / ".docker"),
                    "TERM": "xterm"}

    def command(self, *words):
        return self.daemon.netns.command(self.path, *words)

    def __call__(self, *words, status=0, stdin="", timeout=180):
        """Runs it to its end, which must have this status; returns stdout without its last end of line."""
        return self.both(*words, status=status, stdin=stdin, timeout=timeout)[0].removesuffix("\n")

    def both(self, *words, status=0, stdin="", timeout=180):
        """The same, and stderr beside it."""
        done = subprocess.run(self.command(*words), env=self.env, input=stdin, capture_output=True, text=True, timeout=timeout,
                              check=False)
        assert status is None or done.returncode == status, (
            f"docker {' '.join(map(str, words))}: status {done.returncode}, expected {status}\n{done.stdout}{done.stderr}\n"
            f"the daemon said:\n{self.daemon.said()[-3000:]}")
        return done.stdout, done.stderr

    def start(self, *words, seconds=180, **options):
        """A client that runs on, with pipes (a context manager); killed when it is still there after so many seconds."""
        process = subprocess.Popen(self.command(*words), env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   **{"stdin": subprocess.DEVNULL, **options})
        watchdog = threading.Timer(seconds, process.kill)
        watchdog.daemon = True
        watchdog.start()
        return process

    def terminal(self, *words):
        """A client on a terminal of 24 rows and 80 columns."""
        return Terminal(self.command(*words), self.env)


class Terminal:
    """A program on a pseudo-terminal: type to it, and wait for what it shows."""

    def __init__(self, command, env):
        self.master, slave = pty.openpty()
        self.resize(24, 80)
        # A session of its own, of which the terminal is the controlling one: the size's changes are told by SIGWINCH.
        self.process = subprocess.Popen(["setsid", "-c", *command], env=env, stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        self.shown = ""

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.master, text.encode())

    def expect(self, pattern, timeout=60):
        """Reads until the pattern was shown, and returns the match; what was shown up to its end is taken."""
        deadline = time.monotonic() + timeout
        while not (match := re.search(pattern, self.shown)):
            assert self._read(deadline), f"{pattern!r} did not come; what is there: {self.shown!r}"
        self.shown = self.shown[match.end():]
        return match

    def _read(self, deadline):
        readable, _, _ = select.select([self.master], [], [], max(0, deadline - time.monotonic()))
        if not readable:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO: nobody has it open any more
            return False
        self.shown += data.decode(errors="replace")
        return bool(data)

    def wait(self, timeout=60):
        """The exit status; all that was shown is in .shown then."""
        deadline = time.monotonic() + timeout
        while self._read(deadline):
            pass
        status = self.process.wait(max(0.1, deadline - time.monotonic()))
        os.close(self.master)
        self.master = -1
        return status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.master >= 0:
            os.close(self.master)
