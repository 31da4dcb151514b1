"""The keeper, its launchers and the runtime: real containers of busybox (src/keeper/, src/runtime/)."""
import os
import pathlib
import signal
import subprocess

import pytest
from harness.keeper import (ALL_CAPABILITIES, CLONE, DOCKER_CAPABILITIES, EXITED, FAILED, INIT, KILL_CGROUP, MAKE_CWD,
                            NO_NEW_PRIVILEGES, OOM_SCORE, PRIVATE, RDONLY, ROOT_READONLY, RUNNING, TTY, Keeper, make_rootfs,
                            new_id)
from harness.machine import run, wait_until


@pytest.fixture(scope="session")
def rootfs(tmp_path_factory):
    return make_rootfs(tmp_path_factory.mktemp("rootfs") / "root")


@pytest.fixture
def keeper(build, tmp_path, rootfs):
    keeper = Keeper(build, tmp_path / "keeper", rootfs)
    yield keeper
    keeper.close()


# --- Life ---------------------------------------------------------------------------------------------------------------


def test_exit_codes(keeper):
    assert keeper.run("true") == (0, "")
    assert keeper.run("sh", "-c", "echo hello; exit 7") == (7, "hello\n")
    container = keeper.spawn("sh", "-c", "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done").started()
    container.says("ready").signal(signal.SIGTERM)
    assert container.exit() == 9
    container = keeper.spawn("sleep", "1000").started()
    container.signal(signal.SIGKILL)
    assert container.exit() == -9


@pytest.mark.parametrize("argv, kind, words", [
    (["nosuch"], "no command", 'exec: "nosuch": executable file not found in $PATH'),
    (["/nosuch"], "no command", 'exec: "/nosuch": no such file or directory'),
    (["/etc/passwd"], "cannot run", 'exec: "/etc/passwd": permission denied'),
    (["/bin"], "cannot run", 'exec: "/bin": permission denied'),
])
def test_what_cannot_run(keeper, argv, kind, words):
    container = keeper.spawn(*argv)
    failure = container.failed()
    assert failure["kind"] == kind and words in failure["message"]
    assert keeper.reconnect().listed()[container.id]["state"] == FAILED
    assert words in keeper.client.listed()[container.id]["message"]


def test_path_is_searched(keeper):
    assert keeper.sh("echo $PATH", env=["PATH=/nosuch:/bin"]) == "/nosuch:/bin\n"
    assert keeper.spawn("sh", env=["PATH=/nosuch"]).failed()["kind"] == "no command"


def test_an_id_is_spawned_once(keeper):
    container = keeper.spawn("sleep", "1000").started()
    keeper.send_spawn("true", id=container.id)
    reply = keeper.client.reply(container.id)
    assert not reply["ok"] and reply["kind"] == "conflict"
    assert container.signal(signal.SIGKILL)["ok"]
    assert container.exit() == -9
    assert container.signal(signal.SIGKILL, check=False)["kind"] == "conflict"
    container.ack()
    assert container.signal(signal.SIGKILL, check=False)["kind"] == "not found"


def test_what_is_refused(keeper):
    assert keeper.client.request(check=False, do="ack", id=new_id())["kind"] == "not found"
    running = keeper.spawn("sleep", "1000").started()
    assert keeper.client.request(check=False, do="ack", id=running.id)["kind"] == "conflict"
    assert keeper.client.request(check=False, do="shutdown")["kind"] == "conflict"
    for settings, words in [({"argv": []}, "no command"), ({"cwd": "relative"}, "absolute path"),
                            ({"rootfs": None}, "root file system"),
                            ({"sysctls": [{"name": "kernel.core_pattern", "value": "x"}]}, "belongs to no namespace"),
                            ({"sysctls": [{"name": "net.ipv4.ip_forward", "value": "1"}]}, "needs a network namespace"),
                            ({"mounts": [{"kind": "tmpfs", "target": "tmp"}]}, "absolute path")]:
        failure = keeper.spawn("true", **settings).failed()
        assert failure["kind"] == "invalid" and words in failure["message"], failure


def test_shutdown(keeper):
    container = keeper.spawn("true")
    assert container.exit() == 0
    assert keeper.client.request(check=False, do="shutdown")["kind"] == "conflict", "its record waits"
    container.ack()
    keeper.client.request(do="shutdown")
    assert keeper.process.wait(timeout=60) == 0


def test_sigterm_waits_for_the_last(keeper):
    container = keeper.spawn("sleep", "1000").started()
    keeper.process.send_signal(signal.SIGTERM)
    assert container.signal(signal.SIGCONT)["ok"]
    container.signal(signal.SIGKILL)
    assert keeper.process.wait(timeout=60) == 0


def test_one_keeper_for_a_run_directory(keeper, build):
    second = run(build / "shoal-keeper", "--run-dir", keeper.run_dir, check=False)
    assert second.returncode == 1 and "another keeper runs" in second.stderr


def test_background(build, tmp_path):
    subprocess.run([build / "shoal-keeper", "--run-dir", tmp_path, "--background"], check=True, timeout=60)
    pids = [int(line.split()[0]) for line in run("pgrep", "-a", "shoal-keeper").stdout.splitlines()
            if str(tmp_path) in line]
    assert len(pids) == 1
    os.kill(pids[0], signal.SIGTERM)
    wait_until(lambda: not os.path.exists(f"/proc/{pids[0]}"), "its end")


# --- What a container sees ------------------------------------------------------------------------------------------------


def test_isolation(keeper):
    container = keeper.spawn("sleep", "1000", namespaces=PRIVATE | CLONE["net"], hostname="box").started()
    for name in ("mnt", "pid", "uts", "ipc", "net"):
        assert os.readlink(f"/proc/{container.pid}/ns/{name}") != os.readlink(f"/proc/self/ns/{name}"), name
    assert os.readlink(f"/proc/{container.pid}/ns/user") == os.readlink("/proc/self/ns/user")
    status = pathlib.Path(f"/proc/{container.pid}/status").read_text(encoding="utf-8")
    assert "NSpid:\t%d\t1\n" % container.pid in status
    text = keeper.sh("hostname; ls /; cat /proc/1/comm; pwd; umask", hostname="box", umask=0o27)
    assert text.split() == ["box", "bin", "data", "dev", "etc", "proc", "root", "sys", "tmp", "sh", "/", "0027"]


def test_nothing_of_ours_is_in_it(keeper):
    """Descriptors, mounts and processes: what a payload sees is its own."""
    assert keeper.sh("for fd in /proc/self/fd/*; do readlink $fd; done; true").count("\n") == 3
    container = keeper.spawn("sleep", "1000").started()
    assert sorted(os.listdir(f"/proc/{container.pid}/fd")) == ["0", "1", "2"]
    mounts = pathlib.Path(f"/proc/{container.pid}/mountinfo").read_text(encoding="utf-8").splitlines()
    wanted = ["/", "/dev", "/dev/mqueue", "/dev/pts", "/dev/shm", "/proc", "/proc/bus", "/proc/fs", "/proc/irq",
              "/proc/sys", "/sys"]
    assert {line.split()[4] for line in mounts} - {"/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
                                                   "/proc/timer_list", "/proc/scsi", "/sys/firmware", "/proc/sysrq-trigger"} == set(wanted)


def test_identity(keeper):
    text = keeper.sh("id; grep -E 'Cap|NoNewPrivs|Groups' /proc/self/status", uid=65534, gid=65534, groups=[7, 8],
                     flags=NO_NEW_PRIVILEGES)
    assert "uid=65534(nobody) gid=65534" in text and "Groups:\t7 8" in text and "NoNewPrivs:\t1" in text
    assert f"CapBnd:\t{DOCKER_CAPABILITIES:016x}" in text and "CapEff:\t" + "0" * 16 in text
    text = keeper.sh("grep -E 'Cap|NoNewPrivs' /proc/self/status")
    assert f"CapEff:\t{DOCKER_CAPABILITIES:016x}" in text and "NoNewPrivs:\t0" in text


def test_limits(keeper):
    limits = [{"resource": 7, "soft": 100, "hard": 200}, {"resource": 4, "soft": 0, "hard": 0}]
    text = keeper.sh("ulimit -n; ulimit -Hn; ulimit -c; cat /proc/self/oom_score_adj", rlimits=limits, flags=OOM_SCORE,
                     oom_score_adj=123)
    assert text.split() == ["100", "200", "0", "123"]
    ours = run("sh", "-c", "ulimit -n; cat /proc/self/oom_score_adj").stdout
    assert keeper.sh("ulimit -n; cat /proc/self/oom_score_adj") == ours, "the keeper's own must not be inherited"
    assert keeper.sh("grep -E 'Sig(Ign|Blk)' /proc/self/status | cut -f2").split() == ["0" * 16] * 2


def test_sysctls(keeper):
    text = keeper.sh("cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmni", namespaces=PRIVATE | CLONE["net"],
                     sysctls=[{"name": "net.ipv4.ip_forward", "value": "1"}, {"name": "kernel.shmmni", "value": "77"}])
    assert text.split() == ["1", "77"]
    assert pathlib.Path("/proc/sys/kernel/shmmni").read_text(encoding="utf-8") != "77\n"


def test_masked_and_readonly_paths(keeper):
    text = keeper.sh("cat /proc/keys | wc -c; ls /sys/firmware | wc -l; echo 1 > /proc/sys/kernel/pid_max; "
                     "echo 1 > /proc/irq/default_smp_affinity; true")
    assert text.split("\n")[:2] == ["0", "0"] and text.count("Read-only file system") == 2
    text = keeper.sh("cat /etc/passwd | wc -c; ls /data | wc -l; touch /root/x; true", masked=["/etc/passwd", "/data"],
                     readonly=["/root"])
    assert text.split("\n")[:2] == ["0", "0"] and "Read-only" in text


def test_readonly_root(keeper, rootfs):
    text = keeper.sh("touch /x; touch /tmp/y && echo fine", flags=ROOT_READONLY,
                     mounts=[{"kind": "tmpfs", "target": "/tmp", "data": "size=64k"}])
    assert "Read-only file system" in text and "fine" in text and not (rootfs / "x").exists()
    run("mount", "--version")
    failure = keeper.spawn("true", rootfs=None).failed()
    assert failure["kind"] == "invalid"


def test_binds(keeper, tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "source/file").write_text("there\n", encoding="utf-8")
    (tmp_path / "one").write_text("alone\n", encoding="utf-8")
    mounts = [{"kind": "fd", "source": str(tmp_path / "source"), "target": "/data/deep/er"},
              {"kind": "fd", "source": str(tmp_path / "source"), "target": "/data/ro", "attributes": RDONLY,
               "recursive": 1},
              {"kind": "fd", "source": str(tmp_path / "one"), "target": "/data/new/one"}]
    text = keeper.sh("cat /data/deep/er/file /data/new/one; echo new > /data/deep/er/made; echo x > /data/ro/y; true",
                     mounts=mounts)
    assert text.startswith("there\nalone\n") and "Read-only" in text
    assert (tmp_path / "source/made").read_text(encoding="utf-8") == "new\n"


def test_devices(keeper):
    text = keeper.sh("ls -l /dev/mine /dev/sub/kmsg; echo x > /dev/mine; head -c 3 /dev/zero | wc -c; echo hi >/dev/null; "
                     "ls /dev", devices=[{"path": "/dev/mine", "mode": 0o20660, "major": 1, "minor": 3},
                                         {"path": "/dev/sub/kmsg", "mode": 0o20600, "major": 1, "minor": 11}])
    assert "crw-rw----" in text and "1,   3" in text and "1,  11" in text and "\n3\n" in text
    assert text.split()[-16:] == ["fd", "full", "mine", "mqueue", "null", "ptmx", "pts", "random", "shm", "stderr",
                                  "stdin", "stdout", "sub", "tty", "urandom", "zero"]


def test_working_directory(keeper):
    assert keeper.sh("pwd", cwd="/root") == "/root\n"
    assert keeper.spawn("true", cwd="/none").failed()["message"].startswith("working directory /none: No such file")
    assert keeper.sh("pwd", cwd="/made/here", flags=MAKE_CWD, uid=65534) == "/made/here\n"
    assert keeper.spawn("true", cwd="/etc/passwd/x", flags=MAKE_CWD).failed()["message"].startswith("working directory")
    keeper.sh("rmdir /made/here /made")


def test_lean(keeper):
    mounts = [{"kind": "lean-dev", "target": "/dev"}]
    text = keeper.sh("ls /dev; echo x > /dev/null; ls /proc; touch /x; touch /dev/x; true", mounts=mounts, masked=[],
                     readonly=[], flags=ROOT_READONLY, namespaces=CLONE["pid"] | CLONE["uts"])
    assert text.startswith("full\nnull\nrandom\ntty\nurandom\nzero\n") and text.count("Read-only") == 2


def test_seccomp(keeper):
    script = ("for c in 'unshare -m true' 'unshare -U true' 'mount -t tmpfs x /tmp' 'pivot_root /tmp /tmp' "
              "'nsenter -t 1 -m true' 'hostname x' 'umount /dev'; do $c 2>&1 && echo DONE $c; done;"
              " grep Seccomp /proc/self/status; chroot / true && mknod /tmp/n p && rm /tmp/n && echo fine")
    text = keeper.sh(script, capabilities=ALL_CAPABILITIES)
    assert "DONE" not in text and "Seccomp:\t2" in text and "Seccomp_filters:\t2" in text and "fine" in text
    keeper.launcher("default", capabilities=ALL_CAPABILITIES)
    assert keeper.sh("unshare -m true && grep Seccomp: /proc/self/status", capabilities=ALL_CAPABILITIES) == "Seccomp:\t2\n"
    keeper.launcher("unconfined")
    text = keeper.sh("unshare -m true && grep Seccomp: /proc/self/status", capabilities=ALL_CAPABILITIES)
    assert text == "Seccomp:\t0\n"


def test_joined_namespaces(keeper, netns):
    text = keeper.sh("ip -o link | wc -l; readlink /proc/self/ns/net", joins=[
        {"type": CLONE["net"], "path": f"/proc/{netns.holder.pid}/ns/net"}])
    assert text.split()[1] == os.readlink(f"/proc/{netns.holder.pid}/ns/net")
    first = keeper.spawn("sleep", "1000", hostname="first").started()
    text = keeper.sh("ps | grep -c 'sleep 1000'; hostname; echo $$", namespaces=0, joins=[
        {"type": CLONE[kind], "path": f"/proc/{first.pid}/ns/{kind}"} for kind in ("pid", "ipc", "uts")])
    assert text.split()[1] == "first" and text.split()[2] != "1", text


def test_user_namespace(keeper, rootfs, tmp_path):
    root = make_rootfs(tmp_path / "shifted")
    run("chown", "-R", "100000:100000", root)
    mounts = [{"kind": "proc", "target": "/proc"}, {"kind": "dev", "target": "/dev"}]
    container = keeper.spawn("sh", "-c", "id -u; cat /proc/self/uid_map; touch /made; echo ready; sleep 1000",
                             rootfs=str(root), namespaces=PRIVATE | CLONE["user"], id_map=[0, 100000, 65536],
                             mounts=mounts, masked=[], readonly=[]).started()
    container.says("ready")
    assert container.text().split() == ["0", "0", "100000", "65536", "ready"]
    assert os.stat(root / "made").st_uid == 100000 and os.stat(f"/proc/{container.pid}").st_uid == 100000
    inside = keeper.exec(container, "sh", "-c", "id -u; touch /again")
    assert inside.exit() == 0 and inside.text() == "0\n" and os.stat(root / "again").st_uid == 100000


# --- exec, terminals, init ------------------------------------------------------------------------------------------------


def test_exec(keeper):
    cgroup = keeper.make_cgroup()
    container = keeper.spawn("sleep", "1000", hostname="box", cgroup=str(cgroup),
                             namespaces=PRIVATE | CLONE["net"] | CLONE["cgroup"]).started()
    inside = keeper.exec(container, "sh", "-c", "hostname; id -u; pwd; echo $A; grep Seccomp_f /proc/self/status; "
                         "cat /proc/self/cgroup | tail -1; ps | grep -c sleep; sleep 1000; exit 3", uid=65534,
                         cwd="/tmp", env=["PATH=/bin", "A=b"], cgroup=str(cgroup)).started()
    inside.says("box\n65534\n/tmp\nb\nSeccomp_filters:\t2\n0::/\n")
    for name in ("mnt", "pid", "uts", "ipc", "net", "cgroup"):
        assert os.readlink(f"/proc/{inside.pid}/ns/{name}") == os.readlink(f"/proc/{container.pid}/ns/{name}"), name
    assert str(inside.pid) in (cgroup / "cgroup.procs").read_text(encoding="utf-8").split()
    # The shell has a pipe of its own for a moment.
    wait_until(lambda: sorted(os.listdir(f"/proc/{inside.pid}/fd")) == ["0", "1", "2"], "it has its streams and nothing else")
    container.signal(signal.SIGKILL)
    assert container.exit() == -9
    assert inside.exit() == -9, "it dies with the container's pid namespace"


def test_exec_failures(keeper):
    container = keeper.spawn("sleep", "1000").started()
    assert keeper.exec(container, "nosuch").failed()["kind"] == "no command"
    assert keeper.exec(container, "true", cwd="/none").failed()["kind"] == "not found"
    container.signal(signal.SIGKILL)
    assert container.exit() == -9
    keeper.send_spawn("true", do="exec", container=container.id, id="11" * 32, rootfs=None)
    assert keeper.client.reply("11" * 32)["kind"] == "conflict"
    wait_until(lambda: "Z" not in keeper.children().values(), "helpers are reaped")


def test_terminal(keeper):
    container = keeper.spawn("sh", "-c", "tty; stty size; ls -l /dev/console; (exec < /dev/tty) && echo controls; "
                             "sleep 1000", flags=TTY, columns=90, rows=30)
    event = keeper.client.wait("started", id=container.id)
    assert event["status"] == 1, "the master comes with it"
    reply = keeper.client.request(do="tty", id=container.id)
    assert os.major(reply["rdev"]) == 5 and os.minor(reply["rdev"]) == 2
    fds = os.listdir(f"/proc/{event['pid']}/fd")
    assert {os.readlink(f"/proc/{event['pid']}/fd/{fd}") for fd in fds} == {"/dev/pts/0"}
    stat = pathlib.Path(f"/proc/{event['pid']}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    assert stat[4] != "0", "it has a controlling terminal"
    inside = keeper.exec(container, "sleep", "1000", flags=TTY)
    event = keeper.client.wait("started", id=inside.id)
    assert os.readlink(f"/proc/{event['pid']}/fd/0") == "/dev/pts/1"
    container.signal(signal.SIGKILL)
    assert container.exit() == -9
    assert keeper.client.request(do="tty", id=container.id)["ok"], "kept until the record is acknowledged"
    container.ack()
    assert keeper.client.request(check=False, do="tty", id=container.id)["kind"] == "not found"


def test_init(keeper):
    script = "(sleep 0.1 &) ; trap 'echo got; exit 5' TERM; echo ready; while :; do sleep 0.05; done"
    container = keeper.spawn("sh", "-c", script, flags=INIT).started()
    container.says("ready")
    assert pathlib.Path(f"/proc/{container.pid}/comm").read_text(encoding="utf-8") == "init\n"
    assert os.listdir(f"/proc/{container.pid}/fd") == []
    wait_until(lambda: len(run("pgrep", "-P", container.pid).stdout.split()) == 1, "orphans are reaped: the payload is left")
    container.signal(signal.SIGTERM)
    assert container.exit() == 5 and container.text() == "ready\ngot\n"
    assert keeper.run("sh", "-c", "kill -9 $$", flags=INIT)[0] == 137
    assert keeper.spawn("nosuch", flags=INIT).failed()["kind"] == "no command"


def test_a_shared_pid_namespace_ends_with_its_cgroup(keeper):
    cgroup = keeper.make_cgroup()
    container = keeper.spawn("sh", "-c", "setsid sleep 1000 & echo ready; sleep 1000", cgroup=str(cgroup),
                             namespaces=CLONE["uts"] | CLONE["ipc"], keeper_flags=KILL_CGROUP).started()
    container.says("ready")
    assert len((cgroup / "cgroup.procs").read_text(encoding="utf-8").split()) > 1
    container.signal(signal.SIGKILL)
    assert container.exit() == -9
    wait_until(lambda: not (cgroup / "cgroup.procs").read_text(encoding="utf-8"), "its processes are gone")


# --- Crashes --------------------------------------------------------------------------------------------------------------


def test_the_daemon_is_killed(keeper):
    lives, ends, failed = (keeper.spawn("sleep", "1000").started(),
                           keeper.spawn("sh", "-c", "sleep 0.2; exit 42").started(), keeper.spawn("nosuch"))
    failed.failed()
    in_flight = keeper.send_spawn("sleep", "1000")
    keeper.client.kill()
    wait_until(lambda: not os.path.exists(f"/proc/{ends.pid}"), "its end, while no daemon is there")
    keeper.client = keeper.connect()
    listed = keeper.client.listed()
    assert listed[lives.id]["state"] == RUNNING and listed[lives.id]["pid"] == lives.pid
    assert listed[ends.id]["state"] == EXITED and os.waitstatus_to_exitcode(listed[ends.id]["status"]) == 42
    assert listed[failed.id]["state"] == FAILED
    assert set(listed) - {in_flight.id} == {lives.id, ends.id, failed.id}
    keeper.client.request(do="ack", id=ends.id)
    assert ends.id not in keeper.reconnect().listed()
    assert lives.id in keeper.client.listed()


def test_a_newer_daemon_takes_over(keeper):
    container = keeper.spawn("sleep", "1000").started()
    old = keeper.client
    keeper.client = keeper.connect()
    old.wait("lost")
    assert keeper.client.listed()[container.id]["state"] == RUNNING
    container.client = keeper.client
    container.signal(signal.SIGKILL)
    assert container.exit() == -9


def test_a_launcher_is_killed(keeper):
    lives = keeper.spawn("sleep", "1000").started()
    launchers = [pid for pid in keeper.children() if pid != lives.pid]
    assert len(launchers) == 1
    os.kill(launchers[0], 9)
    wait_until(lambda: launchers[0] not in keeper.children(), "it is reaped")
    assert keeper.run("true")[0] == 0, "the next request starts it again"
    lives.signal(signal.SIGKILL)
    assert lives.exit() == -9


def test_a_launcher_that_does_not_come_after(keeper):
    """Its socket fills up: the keeper makes the daemon wait, loses nothing, and goes on with everything else."""
    running = keeper.spawn("sh", "-c", "read x; exit 4", stdin="/dev/zero").started()
    launcher = next(pid for pid in keeper.children() if pid != running.pid)
    os.kill(launcher, signal.SIGSTOP)
    large = ["PATH=/bin"] + [f"V{number}=" + "x" * 1000 for number in range(100)]
    containers = [keeper.send_spawn("sh", "-c", "exit 5", env=large) for _ in range(40)]
    os.kill(running.pid, signal.SIGKILL)
    assert running.exit() == -9, "while the launcher sleeps"
    os.kill(launcher, signal.SIGCONT)
    assert [container.exit() for container in containers] == [5] * len(containers)


def test_reexec(keeper, build):
    lives = keeper.spawn("sleep", "1000").started()
    terminal = keeper.spawn("sleep", "1000", flags=TTY).started()
    ends = keeper.spawn("sh", "-c", "exit 3").started()
    assert ends.exit() == 3
    keeper.client.request(do="store", name="thing", path="/etc/passwd")
    pid = keeper.pid
    busy = [keeper.send_spawn("sh", "-c", "exit 6") for _ in range(20)]
    reply = keeper.client.request(do="reexec", path=str(build / "shoal-keeper"))
    assert reply["ok"] and keeper.process.poll() is None
    for container in busy:
        assert container.exit() == 6
    listed = keeper.reconnect().listed()
    assert keeper.client.welcome["status"] == 1 and keeper.client.welcome["pid"] == pid
    assert listed[lives.id]["pid"] == lives.pid and listed[terminal.id]["tty"]
    assert os.waitstatus_to_exitcode(listed[ends.id]["status"]) == 3
    assert keeper.client.request(do="take", name="thing")["inode"] == os.stat("/etc/passwd").st_ino
    keeper.launcher()
    assert keeper.run("true")[0] == 0
    for container in (lives, terminal):
        container.client = keeper.client
        container.signal(signal.SIGKILL)
        assert container.exit() == -9
    wait_until(lambda: len(keeper.children()) == 1, "one launcher, of the new program")


def test_a_program_that_cannot_take_over_is_refused(keeper):
    lives = keeper.spawn("sleep", "1000").started()
    for path in ("/bin/false", "/etc/passwd"):
        reply = keeper.client.request(check=False, do="reexec", path=path)
        assert not reply["ok"] and reply["kind"] == "invalid", reply
    assert keeper.client.request(check=False, do="reexec", path="/proc")["kind"] == "invalid"
    lives.signal(signal.SIGKILL)
    assert lives.exit() == -9 and keeper.run("true")[0] == 0


def test_store(keeper, tmp_path):
    (tmp_path / "a").touch()
    (tmp_path / "b").touch()
    request = keeper.client.request
    assert request(check=False, do="take", name="x")["kind"] == "not found"
    request(do="store", name="x", path=str(tmp_path / "a"))
    request(do="store", name="y", path=str(tmp_path / "b"))
    keeper.reconnect()
    request = keeper.client.request
    assert request(do="take", name="x")["inode"] == os.stat(tmp_path / "a").st_ino
    request(do="store", name="x", path=str(tmp_path / "b"))
    assert request(do="take", name="x")["inode"] == os.stat(tmp_path / "b").st_ino
    request(do="drop", name="x")
    assert request(check=False, do="take", name="x")["kind"] == "not found"
    assert request(check=False, do="store", name="z" * 128, path=str(tmp_path / "a"))["kind"] == "invalid"
    assert request(do="stored")["size"] == 8 + 128


def test_storm(keeper):
    """1,000 containers, and nothing remains: no descriptor, no zombie, and memory of a few pages."""
    keeper.run("true")
    before = keeper.descriptors()
    containers = [keeper.send_spawn("sh", "-c", f"exit {number % 200}") for number in range(1000)]
    for number, container in enumerate(containers):
        assert container.exit(seconds=180) == number % 200
    for container in containers:
        container.ack()
    wait_until(lambda: keeper.descriptors() == before, lambda: f"{before} descriptors: {keeper.descriptors()}")
    wait_until(lambda: list(keeper.children().values()) == ["S"], "the launcher alone is left, and sleeps")
    assert keeper.reconnect().listed() == {}


def test_many_at_once(keeper):
    """Killed all together by their cgroup: the ends coalesce into few signals, and each is noticed."""
    cgroup = keeper.make_cgroup()
    containers = [keeper.send_spawn("sleep", "1000", cgroup=str(cgroup), mounts=[], masked=[], readonly=[])
                  for _ in range(300)]
    for container in containers:
        container.started()
    (cgroup / "cgroup.kill").write_text("1", encoding="utf-8")
    assert {container.exit() for container in containers} == {-9}


def test_memory(keeper):
    """The figures that the design promises, with a margin: keeper and launcher are tiny."""
    keeper.run("true")
    launcher = next(iter(keeper.children()))
    for pid in (keeper.pid, launcher):
        rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
        pss = int(next(line.split()[1] for line in rollup.splitlines() if line.startswith("Pss:")))
        assert pss < 150, f"{pss} KiB"
        assert len(os.listdir(f"/proc/{pid}/task")) == 1
    assert subprocess.run(["stat", "-fc", "%T", f"/proc/{keeper.pid}/root"], check=True, capture_output=True,
                          text=True).stdout == "overlayfs\n"
    mounts = pathlib.Path(f"/proc/{keeper.pid}/mountinfo").read_text(encoding="utf-8")
    assert mounts.count("\n") == 1
