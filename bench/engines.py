"""Engines for a benchmark, each with directories of its own, in namespaces of its own: nothing of the machine's is touched."""
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
INSIDE = "SHOAL_BENCH_INSIDE"
CGROUP = "shoal-bench"  # Docker's containers, in each hierarchy


def enter_namespaces():
    """This program again, in a network and a mount namespace, with its loopback up."""
    if INSIDE not in os.environ:
        os.environ[INSIDE] = "1"
        os.execvp("unshare", ["unshare", "--net", "--mount", "--propagation", "private", sys.executable, *sys.argv])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def image(build, folder):
    """The archive of the image hello."""
    subprocess.run([ROOT / "images" / "build", "-o", folder, "hello"], check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "SHOAL_BUILD": str(build)})
    return folder / "hello.tar"


def rootfs(build, folder):
    """The files of the image hello in a folder, with the places that mounts go to."""
    sys.path.insert(0, str(ROOT / "images"))
    import picture
    import recipes
    for name in ("dev", "proc", "sys", "www"):
        (folder / name).mkdir(parents=True)
    (folder / "nano-httpd").write_bytes((build / "nano-httpd").read_bytes())
    (folder / "nano-httpd").chmod(0o755)
    (folder / "www" / "index.html").write_text(recipes.INDEX, encoding="utf-8")
    (folder / "www" / "picture.png").write_bytes(picture.draw())
    return folder


def load(build, host, archive):
    subprocess.run([build / "shoal", "--host", host, "load", "-q", "-i", archive], check=True, stdout=subprocess.DEVNULL)


class Engine:
    """A daemon that runs between enter and exit; host: where it listens."""

    def __init__(self, folder, name):
        self.folder, self.name = folder / name, name
        self.folder.mkdir()
        self.socket = self.folder / "run" / "shoal.sock"
        self.log = self.folder / "log"
        self.process = None

    @property
    def host(self):
        return f"unix://{self.socket}"

    def start(self, *words, env=None):
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(list(map(str, words)), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**os.environ, **(env or {})}, start_new_session=True)
        deadline = time.monotonic() + 60
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"bench/run: {self.name} does not start:\n{self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)

    def answers(self):
        return subprocess.run(["curl", "-sf", "--unix-socket", self.socket, "http://engine/_ping"], check=False,
                              stdout=subprocess.DEVNULL).returncode == 0

    def __exit__(self, *_):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()


class Shoal(Engine):
    def __init__(self, build, folder):
        super().__init__(folder, "shoal")
        self.build = build

    def __enter__(self):
        self.start(self.build / "shoal", "daemon", "--data-dir", self.folder / "data", "--run-dir", self.folder / "run")
        return self


class Docker(Engine):
    """dockerd: the machine's own program, or Debian's, unpacked beside the system (tools/debs extract dockerd)."""

    UNPACKED = ROOT / ".cache" / "dockerd"

    def __init__(self, folder):
        super().__init__(folder, "docker")

    def programs(self):
        """What to add to the environment so that dockerd is found."""
        for start in ("", str(self.UNPACKED)):
            if os.access(f"{start}/usr/sbin/dockerd", os.X_OK) or os.access(f"{start}/usr/bin/dockerd", os.X_OK):
                libraries = ":".join(map(str, self.UNPACKED.glob("lib/*/"))) if start else ""
                return {"PATH": f"{start}/usr/bin:{start}/usr/sbin:{os.environ['PATH']}", "LD_LIBRARY_PATH": libraries}
        sys.exit("bench/run: there is no dockerd on this machine; install docker.io, or, beside the system:\n"
                 f"    tools/debs extract dockerd {self.UNPACKED}")

    def __enter__(self):
        # It writes a key to /etc/docker: into a layer of ours.
        layers = self.folder / "etc"
        layers.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", layers], check=True)
        for name in ("upper", "work"):
            (layers / name).mkdir()
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o",
                        f"lowerdir=/etc,upperdir={layers}/upper,workdir={layers}/work", "/etc"], check=True)
        env = self.programs()
        dockerd = next(path for folder in env["PATH"].split(":") if os.access(path := f"{folder}/dockerd", os.X_OK))
        self.start(dockerd, "--host", self.host, "--data-root", self.folder / "data", "--exec-root", self.folder / "run",
                   "--pidfile", self.folder / "pid", "--bridge=none", "--iptables=false", "--ip6tables=false",
                   f"--cgroup-parent=/{CGROUP}", env=env)
        return self

    def __exit__(self, *exception):
        super().__exit__(*exception)
        mounts = [line.split()[1] for line in pathlib.Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()]
        for mount in ["/etc", *(path for path in reversed(mounts) if path.startswith(f"{self.folder}/"))]:
            subprocess.run(["umount", "-l", mount], check=False)
        for path in (*pathlib.Path("/sys/fs/cgroup").glob(CGROUP), *pathlib.Path("/sys/fs/cgroup").glob(f"*/{CGROUP}")):
            with contextlib.suppress(OSError):
                path.rmdir()
