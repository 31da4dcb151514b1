"""shoal bench: what it says has the shape that bench/README.md promises, and nothing is left. No figure is judged."""
import json
import os
import pathlib
import signal
import subprocess

import pytest
from harness.machine import wait_until

CLASSES = ("lean", "read-only", "default", "logged")
PARTS = {"used", "unavailable", "slab", "slab_reclaimable", "slab_unreclaimable", "kernel_stack", "page_tables", "private",
         "shared", "percpu", "other"}
SHORT = ("--idle", "1", "--rest", "1")
LABEL = "io.shoal.bench"


@pytest.fixture
def loaded(daemon, images):
    daemon.cli("load", "-i", images("hello"))
    return daemon


def copies():
    """What plain processes run, of a benchmark that is under way."""
    return set(pathlib.Path("/tmp").glob("shoal-bench-??????/nano-httpd"))


def ours(daemon):
    return daemon.ask("GET", "/containers/json?all=1&filters=" + json.dumps({"label": [LABEL]}, separators=(",", ":")))


def bench(daemon, *words):
    before = copies()
    found = daemon.json("bench", *words)
    assert not ours(daemon) and not daemon.processes("nano-httpd")
    assert copies() <= before
    return found


def check_machine(found):
    assert set(found) == {"scenario", "time", "version", "machine", "options", "results"}
    assert found["machine"]["cpus"] == len(os.sched_getaffinity(0)) or found["machine"]["cpus"] > 0
    assert found["machine"]["memory_kib"] > 0 and found["machine"]["kernel"].startswith("Linux ")


def check_times(result, count):
    assert result["count"] == count
    assert result["starts_per_second"] > 0 and result["stops_per_second"] > 0
    if result["class"]:
        assert result["starts_ratio"] > 0 and result["list_ms"] > 0
        for step in ("create", "start", "stop", "remove"):
            assert 0 < result[step]["median_ms"] <= result[step]["p99_ms"]


def check_density(result, count):
    memory = result["memory_kib_each"]
    assert set(memory) == PARTS
    assert abs(sum(memory[part] for part in PARTS - {"used", "unavailable", "slab_reclaimable", "slab_unreclaimable"})
               - memory["used"]) < 0.01
    if result["class"]:
        assert result["files_fetched"] == 2 * (count + 1)
        before, after = result["engine_before"], result["engine_after"]
        # daemon, keeper, logger and a launcher: one thread each, however many containers there are.
        assert before["processes"] == after["processes"] == 4 and before["threads"] == after["threads"] == 4
        assert after["pss_kib"] > 0
    else:
        assert result["files_fetched"] == 2 * count


def test_density_of_every_class(loaded):
    found = bench(loaded, "density", "--n", "20", "--class", "all", *SHORT)
    check_machine(found)
    assert [result["class"] for result in found["results"]] == [None, *CLASSES]
    for result in found["results"]:
        check_times(result, 20)
        check_density(result, 20)


def test_start(loaded):
    found = bench(loaded, "start", "--n", "50", "--clients", "8")
    check_machine(found)
    assert [(result["engine"], result["class"]) for result in found["results"]] == [
        ("plain processes", None), ("Shoal " + found["version"], "default")]
    for result in found["results"]:
        check_times(result, 50)
        assert "memory_kib_each" not in result


def test_tables(loaded):
    printed = loaded.cli("bench", "density", "--n", "3", *SHORT).stdout
    assert "KIB EACH" in printed and "WAKE-UPS/S" in printed and "STARTS/S" in printed
    assert "plain processes" in printed


def test_a_peer_stands_beside(loaded):
    """The same daemon as its own peer: it is measured twice, without the classes that only Shoal is asked for."""
    found = bench(loaded, "start", "--n", "3", "--peer", loaded.host)
    assert [result["class"] for result in found["results"]] == [None, "default", "default"]


def start_long(daemon, **environment):
    """A benchmark of many containers, of which some are there."""
    process = subprocess.Popen(daemon.netns.command(daemon.build / "shoal", "--host", daemon.host, "bench", "start", "--n", "5000"),
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment})
    wait_until(lambda: len(ours(daemon)) > 20, "containers are made", 60)
    return process


def test_an_interrupt_leaves_nothing(loaded):
    before = copies()
    with start_long(loaded) as process:
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=120)[1]
    assert process.returncode == 130, said
    assert not ours(loaded) and not loaded.processes("nano-httpd")
    assert copies() <= before


def test_what_a_killed_one_left(loaded, tmp_path):
    # A killed one leaves its copies too: in a folder of this test's.
    with start_long(loaded, TMPDIR=str(tmp_path)) as process:
        process.kill()
    before = copies()
    left = len(ours(loaded))
    refused = loaded.cli("bench", "density", "--n", "3", check=False)
    assert refused.returncode == 1 and "bench clean" in refused.stderr
    assert len(ours(loaded)) == left
    assert f"{left} containers removed" in loaded.cli("bench", "clean").stdout
    assert not ours(loaded)
    assert copies() == before


@pytest.mark.parametrize(("words", "message"), [
    (["--class", "thin"], "there is no class thin"),
    (["--n", "70000"], "--n must be"),
    (["--first-port", "65000", "--n", "1000"], "--first-port"),
    (["--image", "shoal/none"], "has no image shoal/none"),
    (["--peer", "tcp://127.0.0.1:9"], "is not a unix socket"),
])
def test_refused(loaded, words, message):
    refused = loaded.cli("bench", "density", *words, check=False)
    assert refused.returncode != 0 and message in refused.stderr
    assert not ours(loaded)
