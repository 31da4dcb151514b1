"""Where figures are kept, and how they read."""
import datetime
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent
PARTS = ("slab", "kernel_stack", "page_tables", "private", "shared", "percpu", "other")


def commit():
    """The commit that was measured; with a mark where files differ from it."""
    words = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=-changed", "--abbrev=10", "--exclude=*"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def machine_name(machine):
    """"intel-r-xeon-r-processor-2cpu-24gib": one folder for each kind of machine."""
    gib = round(machine["memory_kib"] / (1 << 20))
    size = f"{gib}gib" if gib else f"{round(machine['memory_kib'] / 1024)}mib"
    text = f"{machine['cpu'] or machine['architecture']} {machine['cpus']}cpu {size}"
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def place(machine, scenario):
    folder = ROOT / "results" / machine_name(machine)
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{datetime.date.today().isoformat()}-{commit()}-{scenario}.json"


def label(result):
    return f"{result['engine']}, {result['class']}" if result["class"] else result["engine"]


def _row(result):
    def of(key, digits, where=result):
        return f"{where[key]:.{digits}f}" if key in where else ""
    memory = result.get("memory_kib_each", {})
    return [label(result), of("used", 1, memory), of("over_plain_kib_each", 1), *(of(part, 1, memory) for part in PARTS),
            of("left_kib_each", 1), str(result.get("engine_after", {}).get("threads", "")), of("engine_pss_kib_each", 1),
            of("engine_wakeups_per_second", 1), of("starts_per_second", 0), of("starts_ratio", 3), of("stops_per_second", 0),
            of("list_ms", 1)]


def table(found):
    """The figures as a table in Markdown; KiB are of each."""
    head = ["", "KiB", "over plain", *PARTS, "left", "threads", "engine PSS", "wake-ups/s", "starts/s", "÷ plain", "stops/s", "list ms"]
    rows = [_row(result) for result in found["results"]]
    kept = [i for i in range(len(head)) if i == 0 or any(row[i] for row in rows)]
    lines = [[head[i] for i in kept], ["---"] * len(kept), *([row[i] for i in kept] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
