"""Limits that the kernel enforces, on a kernel of Debian 12 with cgroup v2 alone; and what it does not have of newer ones."""
import json

RUN = "shoal container run"


def inspect(machine, name):
    return json.loads(machine.run(f"shoal container inspect --json {name}"))[0]


def cgroup(machine, name):
    pid = inspect(machine, name)["State"]["Pid"]
    return "/sys/fs/cgroup" + machine.read(f"/proc/{pid}/cgroup").removeprefix("0::")


def test_no_limit_switches_no_controller_on(machine):
    """First of all tests: nothing here asked for a limit yet."""
    machine.run(f"{RUN} -d --name free --network none shoal/hello")
    folder = cgroup(machine, "free")
    assert machine.read(f"{folder}/cgroup.controllers") == ""
    assert machine.read(f"{folder}/cgroup.subtree_control") == ""
    assert machine.run(f"ls {folder} | grep -E '^(memory.max|cpu.max|pids.max)' || true") == ""
    machine.run("shoal container rm -f free")


def test_limits_stand_in_the_cgroup(machine):
    machine.run(f"{RUN} -d --name limited --network none -m 64m --cpus 0.25 --pids-limit 7 shoal/hello")
    folder = cgroup(machine, "limited")
    assert machine.read(f"{folder}/memory.max") == str(64 << 20)
    assert machine.read(f"{folder}/cpu.max") == "25000 100000"
    assert machine.read(f"{folder}/pids.max") == "7"
    assert machine.read(f"{folder}/cgroup.subtree_control") == ""

    # A container without limits does not pay for it.
    machine.run(f"{RUN} -d --name unlimited --network none shoal/hello")
    assert machine.read(f"{cgroup(machine, 'unlimited')}/cgroup.controllers") == ""
    machine.run("shoal container rm -f limited unlimited")


def test_too_much_memory_is_the_end(machine):
    machine.run(f"{RUN} -d --name greedy --network none -m 16m shoal/busybox sh -c 'x=0123456789; while true; do x=$x$x; done'")
    machine.run("for i in $(seq 200); do shoal container inspect greedy | grep -q '\"exited\"' && break; sleep 0.1; done")
    state = inspect(machine, "greedy")["State"]
    assert state["Status"] == "exited" and state["OOMKilled"] is True and state["ExitCode"] == 137, state
    machine.run("shoal container rm -f greedy")


def test_too_many_processes_are_refused(machine):
    script = 'sh -c "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 100 & done"; exec sleep 100'
    machine.run(f"{RUN} -d --name bomb --network none --pids-limit 5 shoal/busybox sh -c '{script}'")
    folder = cgroup(machine, "bomb")
    machine.run(f"for i in $(seq 100); do grep -q 'max [1-9]' {folder}/pids.events && break; sleep 0.1; done")
    assert int(machine.read(f"{folder}/pids.events").split()[1]) > 0
    assert int(machine.read(f"{folder}/pids.current")) <= 5
    machine.run("shoal container rm -f bomb")


def test_processor_time_is_dealt_out(machine):
    machine.run(f"{RUN} -d --name busy --network none --cpus 0.1 shoal/busybox sh -c 'while true; do true; done'")
    folder = cgroup(machine, "busy")
    machine.run(f"for i in $(seq 100); do grep -q 'nr_throttled [1-9]' {folder}/cpu.stat && break; sleep 0.1; done")
    before = int(machine.run(f"grep usage_usec {folder}/cpu.stat").split()[1])
    machine.run("sleep 2")
    used = int(machine.run(f"grep usage_usec {folder}/cpu.stat").split()[1]) - before
    assert used < 600000, f"{used} µs of 2 s, and 10 % are allowed"
    machine.run("shoal container rm -f busy")


def test_lean_roots_are_one_before_mounts_could_be_cloned_detached(machine):
    """Linux 6.15 clones detached mounts: here the daemon has to attach the root that is shared."""
    for name in ("one", "two"):
        machine.run(f"{RUN} -d --name {name} --runtime lean shoal/hello")
    roots = [machine.run(f"grep ' / / ' /proc/{inspect(machine, name)['State']['Pid']}/mountinfo").split()[2]
             for name in ("one", "two")]
    assert roots[0] == roots[1]
    assert machine.run("grep -c /run/shoal/roots/ /proc/mounts") == "1"
    machine.run("shoal container rm -f one two")
    assert machine.run("grep -c /run/shoal/roots/ /proc/mounts || true") == "0"


def test_a_published_port_answers(machine):
    machine.run(f"{RUN} -d --name web -p 8080:80 shoal/hello")
    assert "Hello from Shoal" in machine.run("curl -sS --max-time 20 http://127.0.0.1:8080/")
    machine.run("shoal container rm -f web")
