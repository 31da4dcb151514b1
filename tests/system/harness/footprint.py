"""What the processes of a daemon, not those of its containers, cost the machine while nothing happens."""
import pathlib
import time

from .machine import wait_until

QUIET = 3  # seconds: whoever looks after something regularly, does so within them
SETTLED_IN = 60


def own(daemon):
    """Our own processes: the daemon, the keeper and its launchers, the logger."""
    return [process for process in daemon.processes("shoal") if f"shoal-{daemon.instance}/" not in process.cgroup]


def private_kib(daemon):
    """
    The memory of our processes that is nobody else's. What they share with others, the pages of libraries and programs,
    does not grow with containers; how much of it counts as ours changes with who else runs on the machine.
    """
    rollups = [pathlib.Path(f"/proc/{process.pid}/smaps_rollup").read_text(encoding="ascii") for process in own(daemon)]
    return sum(int(line.split()[1]) for text in rollups for line in text.splitlines() if line.startswith("Pss_Anon:"))


def switches(daemon):
    """pid → (name, how often it was put on a processor): a process that sleeps keeps its number."""
    found = {}
    for process in own(daemon):
        fields = dict(line.split(":\t", 1) for line in
                      pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8").splitlines() if ":\t" in line)
        found[process.pid] = (fields["Name"], int(fields["voluntary_ctxt_switches"]) + int(fields["nonvoluntary_ctxt_switches"]))
    return found


def wait_until_quiet(daemon):
    """Waits until none of our processes has run for a while: what was begun is done, and nobody looks again and again."""
    seen = {}

    def quiet():
        before = switches(daemon)
        time.sleep(QUIET)
        seen["before"], seen["after"] = before, switches(daemon)
        return seen["before"] == seen["after"]

    wait_until(quiet, lambda: f"nobody wakes up: {seen}", SETTLED_IN)
