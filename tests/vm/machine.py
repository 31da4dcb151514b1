"""
A virtual machine with Debian's own kernel: no disk, an initramfs with busybox, our build and the libraries that it
needs, cgroup v2 alone. Commands go to a shell on its second serial port, one at a time.
"""
import os
import pathlib
import re
import shlex
import shutil
import socket
import stat
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BOOTED_IN = 90
PROGRAMS = ("shoal", "shoal-keeper", "shoal-logger", "shoal-worker")
MODULES = ("fs/overlayfs", "fs/nls", "drivers/net/veth.ko", "drivers/net/dummy.ko", "net/netfilter", "net/ipv4", "net/ipv6",
           "net/core", "lib", "crypto", "arch/x86/crypto")

INIT = r"""#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/usr/lib/shoal:/bin:/usr/sbin HOME=/root
if [ ! -e /moved ]; then  # the kernel's own first root cannot be pivoted from: a machine has another one
    mount -t tmpfs -o size=60% root /mnt
    cp -a /bin /dev /etc /images /init /lib* /proc /root /run /sbin /sys /tmp /usr /var /mnt/
    touch /mnt/moved
    exec switch_root /mnt /init
fi
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/shm /dev/pts
mount -t devpts devpts /dev/pts
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var
mkdir -p /var/lib/shoal /tmp
modprobe overlay
modprobe veth
ip link set lo up
hostname machine
stty -F /dev/ttyS1 raw -echo
exec < /dev/ttyS1 > /dev/ttyS1 2>&1
echo READY
while read -r line; do
    eval "$line"
    status=$?; echo; echo "=STATUS=$status="
done
poweroff -f
"""


def _libraries(program):
    """The shared libraries of a program, its loader included, as ldd lists them."""
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    return sorted({match for match in re.findall(r"(/\S+) \(0x", listed)})


class _Tree:
    """The files of an initramfs: a cpio archive in the "newc" format (Documentation/driver-api/early-userspace/buffer-format.rst)."""

    def __init__(self):
        self._entries = {}

    def folder(self, path):
        parent = os.path.dirname(path)
        if path and path not in self._entries:
            self.folder(parent)
            self._entries[path] = (stat.S_IFDIR | 0o755, b"")

    def link(self, path, target):
        self.folder(os.path.dirname(path))
        self._entries[path] = (stat.S_IFLNK | 0o777, target.encode())

    def text(self, path, content, mode=0o755):
        self.folder(os.path.dirname(path))
        self._entries[path] = (stat.S_IFREG | mode, content.encode())

    def copy(self, source, path):
        self.folder(os.path.dirname(path))
        self._entries[path] = (stat.S_IFREG | 0o755, pathlib.Path(source).read_bytes())

    def device(self, path, major, minor):
        self.folder(os.path.dirname(path))
        self._entries[path] = (stat.S_IFCHR | 0o600, (major, minor))

    def write(self, file):
        for number, (path, (mode, data)) in enumerate([*self._entries.items(), ("TRAILER!!!", (0, b""))], 1):
            numbers = (0, 0)
            if stat.S_ISCHR(mode):
                numbers, data = data, b""
            fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, *numbers, len(path) + 1, 0)
            head = b"070701" + b"".join(b"%08x" % field for field in fields) + path.encode() + b"\0"
            file.write(head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4))


def _kernel(folder):
    """(vmlinuz, version, the folder with lib/modules), taken out of the package once for each build folder."""
    if not (folder / "boot").exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([ROOT / "tools" / "debs", "extract", "kernel", folder], check=True)
    kernel = sorted((folder / "boot").glob("vmlinuz-*"))[-1]
    return kernel, kernel.name.removeprefix("vmlinuz-"), folder


def _modules(tree, source, version, work):
    """The modules that containers need, with an index of what needs what."""
    shutil.rmtree(work, ignore_errors=True)
    base = pathlib.Path("lib/modules") / version
    for name in MODULES:
        path = source / base / "kernel" / name
        copy = shutil.copytree if path.is_dir() else shutil.copy
        (work / base / "kernel" / name).parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            copy(path, work / base / "kernel" / name)
    subprocess.run(["busybox", "depmod", "-b", work, version], check=True)
    for path in sorted((work / base).rglob("*")):
        if path.is_file():
            tree.copy(path, str(path.relative_to(work)))


def make_initramfs(build, archives, path):
    """Writes an initramfs with the build and the images' archives in it; returns the kernel that fits it."""
    kernel, version, source = _kernel(build / "debs" / "kernel")
    tree = _Tree()
    for folder in ("proc", "sys", "dev", "run", "var", "tmp", "root", "etc", "mnt"):
        tree.folder(folder)
    tree.device("dev/console", 5, 1)
    tree.copy("/bin/busybox", "bin/busybox")
    tree.link("sbin", "bin")
    tree.text("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n", 0o644)
    programs = {f"usr/lib/shoal/{name}": build / name for name in PROGRAMS} | {"usr/sbin/nft": "/usr/sbin/nft",
                                                                             "usr/lib/shoal/curl": "/usr/bin/curl"}
    for place, program in programs.items():
        tree.copy(program, place)
        for library in _libraries(program):
            tree.copy(library, library.lstrip("/"))
    for archive in archives:
        tree.copy(archive, f"images/{archive.name}")
    _modules(tree, source, version, build / "debs" / "kernel-modules")
    tree.text("init", INIT)
    with path.open("wb") as file:
        tree.write(file)
    return kernel


class Machine:
    """run() runs a command of the guest's shell. console: all that its kernel said."""

    def __init__(self, build, archives, folder, memory="768M"):
        folder.mkdir(parents=True, exist_ok=True)
        self.console = folder / "console.log"
        kernel = make_initramfs(build, archives, folder / "initramfs")
        ours, its = socket.socketpair()
        ours.settimeout(1)
        self._socket, self._unread = ours, b""
        os.set_inheritable(its.fileno(), True)
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-machine", "q35,usb=off", "-cpu", "max", "-accel", "tcg,thread=multi", "-smp", "2", "-m", memory,
             "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
             "-kernel", kernel, "-initrd", folder / "initramfs",
             "-append", "console=ttyS0 quiet loglevel=4 panic=-1 cgroup_no_v1=all mitigations=off",
             "-serial", f"file:{self.console}",
             "-chardev", f"socket,id=shell,fd={its.fileno()}", "-serial", "chardev:shell"],
            stdin=subprocess.DEVNULL, pass_fds=[its.fileno()])
        its.close()
        self._until(b"READY", BOOTED_IN)

    def said(self):
        return self.console.read_text(encoding="utf-8", errors="replace") if self.console.exists() else ""

    def _until(self, mark, seconds):
        """What came before the mark; the mark itself is taken away."""
        deadline = time.monotonic() + seconds
        while not (match := re.search(mark, self._unread)):
            assert self.process.poll() is None, f"qemu ended with status {self.process.returncode}\n{self.said()}"
            assert time.monotonic() < deadline, f"not within {seconds} s\n{self._unread.decode(errors='replace')}\n{self.said()}"
            try:
                self._unread += self._socket.recv(65536)
            except TimeoutError:
                continue
        before, self._unread = self._unread[:match.start()], self._unread[match.end():]
        return before.decode(errors="replace"), match

    def run(self, command, check=True, seconds=60):
        """What a line of shell prints, standard error included; with check=False: (status, text)."""
        assert "\n" not in command
        self._socket.sendall(f"sh -c {shlex.quote(command)} </dev/null 2>&1\n".encode())
        text, match = self._until(rb"\n=STATUS=(\d+)=\r?\n", seconds)
        status, text = int(match[1]), text.replace("\r\n", "\n").strip("\n")
        if not check:
            return status, text
        assert status == 0, f"{command}: status {status}\n{text}\n{self.said()}"
        return text

    def read(self, path):
        return self.run(f"cat {path}").strip()

    def close(self):
        self.process.kill()
        self.process.wait()
        self._socket.close()
