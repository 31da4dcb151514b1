"""The first of the two commands: ./quickstart, on directories and in namespaces of the test's own."""
import os
import pathlib
import re
import signal

from harness.machine import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "hello" / "compose.yaml"


def quickstart(daemon):
    environment = {**os.environ, "SHOAL_DATA_DIR": str(daemon.data_dir), "SHOAL_RUN_DIR": str(daemon.run_dir), "HELLO_PORT": "8099"}
    return daemon.netns.run(ROOT / "quickstart", timeout=600, env=environment).stdout


def test_quickstart_twice_and_what_it_says_next(daemon, outside):
    daemon.stop()
    said = quickstart(daemon)
    assert "It works: 20 web servers and redis answer." in said
    made = {c["Id"] for c in daemon.ask("GET", "/containers/json")}
    assert len(made) == 21

    # Harmless when run again: nothing is made anew.
    assert "the daemon is running already" in quickstart(daemon)
    assert {c["Id"] for c in daemon.ask("GET", "/containers/json")} == made

    # Another machine reaches the published port.
    page = outside.run("curl", "--silent", "--fail", "--max-time", "60", "http://192.0.2.1:8099/").stdout
    assert "<html" in page

    # The three commands that it names are commands.
    named = re.findall(r"^  build/shoal --host \S+ -f \S+ (.*)$", said, re.M)
    assert [words.split()[0] for words in named] == ["ps", "up", "down"]
    assert "hello-web-20" in daemon.cli("-f", EXAMPLE, "ps").stdout
    daemon.cli("-f", EXAMPLE, "up", "-d", "--scale", "web=30")
    assert len(daemon.ask("GET", "/containers/json")) == 31
    daemon.cli("-f", EXAMPLE, "down", "-v")
    assert daemon.ask("GET", "/containers/json?all=1") == []

    # It started the daemon by itself; here it is ended as one would end it.
    started, = [process for process in daemon.processes("shoal daemon")]
    started.kill(signal.SIGTERM)
    wait_until(lambda: not daemon.processes("shoal daemon"), "the daemon has ended")
