"""The real logger: lines of FIFOs and terminals into files and attachments, whatever is killed, full or slow."""
import contextlib
import fcntl
import json
import os
import pathlib
import pty
import random
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import time

import pytest
from harness.logger import (ATTACH_CLOSED, ATTACH_ONLY, CLOSE, CONTAINER, DETACH, DRAINED, FRESH, LIST, NON_BLOCKING, OPEN,
                            REOPEN, ROTATE, SHUTDOWN, STDERR, STDOUT, TTY, Logger, Refused, frames, new_id)
from harness.machine import Process, sleeps, wait_until

A, B = new_id(0xA), new_id(0xB)


@pytest.fixture
def logger(tmp_path):
    logger = Logger(tmp_path)
    yield logger
    if logger.process.poll() is None:
        logger.stop()


def end(logger, id, *descriptors):
    """The payload ends: its descriptors close, and the log is complete."""
    for fd in descriptors:
        os.close(fd)
    logger.wait_for(DRAINED, id)


# --- what is written


def test_lines_of_both_streams(logger):
    logger.open(A)
    out, err = logger.writer(A), logger.writer(A, STDERR)
    os.write(out, b"hello\n\nsecond \xff<\n")
    os.write(err, b"oops\n")
    os.write(out, b"no end")
    end(logger, A, out, err)
    assert logger.text(A) == "hello\n\nsecond \ufffd<\nno end"
    assert logger.text(A, "stderr") == "oops\n"
    record = logger.records(A)[0]
    assert list(record) == ["log", "stream", "time"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", record["time"])
    assert r"\u003c" in logger.files(A)[0].read_text()
    assert logger.files(A)[0].stat().st_mode & 0o777 == 0o640


def test_long_lines_are_cut_into_pieces_of_16_kib(logger):
    logger.open(A)
    out, err = logger.writer(A), logger.writer(A, STDERR)
    line = os.urandom(25_000).hex() + "\n"
    os.write(out, line.encode())
    end(logger, A, out, err)
    pieces = [record["log"] for record in logger.records(A)]
    assert [len(piece) for piece in pieces] == [16384, 16384, 16384, 50_001 - 3 * 16384]
    assert "".join(pieces) == line


def test_an_unfinished_line_waits_for_its_end(logger):
    logger.open(A)
    out, err = logger.writer(A), logger.writer(A, STDERR)
    os.write(out, b"Pass")
    time.sleep(0.1)
    os.write(out, b"word: ")
    time.sleep(0.1)
    assert not logger.files(A)
    os.write(out, b"ok\n")
    end(logger, A, out, err)
    assert [record["log"] for record in logger.records(A)] == ["Password: ok\n"]


def test_a_pipe_that_is_full_without_a_whole_line_is_emptied(logger):
    """Sixteen writes of a byte in packet mode fill a pipe of sixteen pages."""
    logger.open(A)
    out, err = logger.writer(A), logger.writer(A, STDERR)
    fcntl.fcntl(out, fcntl.F_SETFL, fcntl.fcntl(out, fcntl.F_GETFL) | os.O_DIRECT)
    for byte in range(100):
        os.write(out, b"%d" % (byte % 10))
    end(logger, A, out, err)
    assert logger.text(A) == "0123456789" * 10


@pytest.mark.parametrize("beginning", [b"", b"x", b"a\nx", b"x" * 16383, b"x" * 40000], ids=["none", "byte", "line", "piece", "pieces"])
def test_a_write_larger_than_the_pipe_after_an_unfinished_line(logger, beginning):
    """The kernel tells no poll(2) of it: the pipe is not empty, and the write does not end."""
    logger.open(A)
    out, err = logger.writer(A), logger.writer(A, STDERR)
    os.write(out, beginning)
    time.sleep(0.05)
    large = b"y" * 1000 + b"\n" + b"z" * 300_000 + b"\n"
    process = subprocess.Popen([sys.executable, "-S", "-c", "import os, sys; os.write(1, sys.stdin.buffer.read())"],
                               stdin=subprocess.PIPE, stdout=out)
    process.communicate(large, timeout=120)
    end(logger, A, out, err)
    assert logger.text(A).encode() == beginning + large


@pytest.mark.parametrize("line", [19, 100, 1000, 20_000])
@pytest.mark.parametrize("write", [1000, 4096, 1 << 20])
def test_a_flood_arrives_whole(logger, tmp_path, line, write):
    flood = (os.urandom(line // 2).hex().encode() + b"\n") * (4_000_000 // line)
    (tmp_path / "flood").write_bytes(flood)
    logger.open(A, max_size=1 << 40)
    out, err = logger.writer(A), logger.writer(A, STDERR)
    with subprocess.Popen(["dd", f"if={tmp_path}/flood", f"bs={write}", "status=none"], stdout=out) as payload:
        assert payload.wait(120) == 0
    end(logger, A, out, err)
    assert logger.text(A).encode() == flood


def test_attributes_stand_in_each_line(logger):
    logger.open(A, text=b'{"tag":"web","x":"\\""}')
    out, err = logger.writer(A), logger.writer(A, STDERR)
    os.write(out, b"a\nb\n")
    end(logger, A, out, err)
    assert [record["attrs"] for record in logger.records(A)] == [{"tag": "web", "x": '"'}] * 2


def test_a_terminal(logger):
    logger.fifos(A)
    master, slave = pty.openpty()
    logger.request(OPEN, A, driver=1, streams=STDOUT, flags=TTY | FRESH, fds=[master])
    ours, _ = logger.attach(A, STDOUT)
    os.close(master)
    os.write(slave, b"prompt> ")
    assert ours.recv(100) == b"prompt> "  # raw, and before its line ends
    os.write(slave, b"x" * 3000 + b"\nbye")
    os.close(slave)
    logger.wait_for(DRAINED, A)
    assert logger.text(A) == "prompt> " + "x" * 3000 + "\r\nbye"
    data = b""
    while piece := ours.recv(65536):
        data += piece
    assert data == b"x" * 3000 + b"\r\nbye"


def test_close_drains_a_payload_that_is_gone_already(logger):
    """The FIFO was closed before the logger opened it again: no hang-up will come."""
    logger.open(A)
    logger.request(CLOSE, A)
    logger.wait_for(DRAINED, A)
    logger.request(CLOSE, A)
    logger.wait_for(DRAINED, A)
    logger.open(B)
    out = logger.writer(B)
    os.write(out, b"left over")
    logger.request(CLOSE, B)
    logger.wait_for(DRAINED, B)
    os.close(out)
    assert logger.text(B) == "left over"


# --- rotation


def test_rotation_keeps_its_bounds(logger):
    logger.open(A, max_size=20_000, max_files=3)
    out, err = logger.writer(A), logger.writer(A, STDERR)
    lines = [f"line {number} {'x' * random.randrange(200)}\n" for number in range(2000)]
    for line in lines:
        os.write(out, line.encode())
    end(logger, A, out, err)
    files = logger.files(A)
    assert [path.name for path in files] == [f"{A}-json.log{suffix}" for suffix in (".2", ".1", "")]
    assert all(path.stat().st_size <= 20_000 for path in files)
    assert all(path.stat().st_size > 19_000 for path in files[:2])
    text = logger.text(A)
    assert "".join(lines).endswith(text) and len(text) > 10_000


def test_one_file_alone_and_rotation_on_request(logger):
    logger.open(A, max_size=10_000, max_files=1)
    logger.open(B)
    writers = [logger.writer(id, stream) for id in (A, B) for stream in (STDOUT, STDERR)]
    for number in range(1000):
        os.write(writers[0], b"line %d\n" % number)
    os.write(writers[2], b"one\n")
    wait_until(lambda: logger.files(B), "B is logged")
    logger.request(ROTATE, B)
    os.write(writers[2], b"two\n")
    wait_until(lambda: logger.text(B) == "one\ntwo\n", "it is logged")
    assert len(logger.files(B)) == 2
    logger.files(B)[1].rename(logger.data / "moved")
    logger.request(REOPEN, B)
    os.write(writers[2], b"three\n")
    wait_until(lambda: logger.text(B) == "one\nthree\n", "it is logged")
    for fd in writers:
        os.close(fd)
    logger.wait_for(DRAINED, A)
    assert len(logger.files(A)) == 1 and logger.files(A)[0].stat().st_size <= 10_000
    assert logger.records(A)[-1]["log"] == "line 999\n"


# --- kills

LINES = 20_000
STORM = """
import os, random, sys
out, err, count, seed = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
random.seed(seed)
for number in range(count):
    size = random.choice([0, 5, 80, 300, 300, 5000, 20000])
    line = b"%d %s\\n" % (number, b"x" * random.randrange(size + 1))
    at = random.randrange(len(line))
    fd = err if number % 5 == 0 else out
    for piece in (line[:at], line[at:]) if random.random() < 0.2 else (line,):
        while piece:
            piece = piece[os.write(fd, piece):]
"""


def storm(logger, id, count, seed):
    out, err = logger.writer(id), logger.writer(id, STDERR)
    process = subprocess.Popen([sys.executable, "-S", "-c", STORM, str(out), str(err), str(count), str(seed)],
                               pass_fds=[out, err])
    os.close(out)
    os.close(err)
    return process


def test_killed_in_a_storm_no_line_is_lost_or_doubled(logger):
    """SIGKILL at random instants; the payloads write on, and every line is in the log once, whole and in order."""
    ids = [new_id(number) for number in range(4)]
    for id in ids:
        logger.open(id, max_size=1_000_000, max_files=100)
    keep = [logger.writer(id, stream) for id in ids for stream in (STDOUT, STDERR)]  # payloads that outlive the storm
    payloads = [storm(logger, id, LINES, seed) for seed, id in enumerate(ids)]
    kills = 0
    while any(payload.poll() is None for payload in payloads):
        time.sleep(random.uniform(0, 0.02))
        logger.kill()
        logger.start()
        kills += 1
        for id in ids:
            logger.open(id, max_size=1_000_000, max_files=100, flags=0)
    assert kills > 2
    assert all(payload.wait() == 0 for payload in payloads)
    for fd in keep:
        os.close(fd)
    for id in ids:
        logger.wait_for(DRAINED, id)
    for id in ids:
        for stream, wanted in (("stdout", [n for n in range(LINES) if n % 5]), ("stderr", range(0, LINES, 5))):
            numbers = [int(line.split()[0]) for line in logger.text(id, stream).splitlines()]
            assert numbers == list(wanted)


def test_killed_between_two_writes_of_a_line(logger):
    logger.open(A)
    out, err = logger.writer(A), logger.writer(A, STDERR)
    os.write(out, b"first\nsec")
    wait_until(lambda: logger.text(A) == "first\n", "it is logged")
    logger.kill()
    os.write(out, b"ond\n")
    logger.start()
    logger.open(A, flags=0)
    end(logger, A, out, err)
    assert [record["log"] for record in logger.records(A)] == ["first\n", "second\n"]


def test_a_torn_record_is_cut(logger):
    (logger.data / A).mkdir()
    (logger.data / A / f"{A}-json.log").write_text('{"log":"whole\\n","stream":"stdout"}\n{"log":"to')
    logger.open(A, flags=0)
    out, err = logger.writer(A), logger.writer(A, STDERR)
    os.write(out, b"next\n")
    end(logger, A, out, err)
    assert logger.text(A) == "whole\nnext\n"


def test_a_dead_daemon_changes_nothing(logger):
    logger.open(A)
    out, err = logger.writer(A), logger.writer(A, STDERR)
    logger.socket.close()
    os.write(out, b"alone\n")
    wait_until(lambda: logger.text(A) == "alone\n", "it is logged")
    logger.connect()
    logger.request(OPEN, A, driver=1, streams=3, flags=0)
    os.write(out, b"again\n")
    end(logger, A, out, err)
    assert logger.text(A) == "alone\nagain\n"


# --- full disks, and payloads that must not wait


@pytest.fixture
def small_disk(tmp_path):
    """The logger in a mount namespace of its own, with a disk of 256 KiB for its logs."""
    (tmp_path / "data").mkdir()
    script = f'mount -t tmpfs -o size=256k shoal-test "{tmp_path}/data" && mkdir "{tmp_path}/data/containers" && exec "$@"'
    logger = Logger.__new__(Logger)
    logger.__init__(tmp_path, prefix=("unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"))
    yield logger
    logger.stop()


def test_a_full_disk_drops_whole_lines_and_says_so(small_disk):
    logger = small_disk
    logger.data = pathlib.Path(f"/proc/{logger.process.pid}/root{logger.data}")
    logger.socket.close()
    logger.connect()  # with the folder of that namespace
    ballast = logger.data / "ballast"
    logger.open(A, max_size=1 << 20)
    out, err = logger.writer(A), logger.writer(A, STDERR)
    os.write(out, b"before\n")
    wait_until(lambda: logger.text(A) == "before\n", "it is logged")
    ballast.write_bytes(bytes(240_000))
    for number in range(5000):  # far more than the disk and the pipe hold: a payload that waited would stay here
        os.write(out, b"%d %s\n" % (number, b"x" * 50))
    wait_until(lambda: logger.stats(A).dropped + logger.stats(A).lines >= 5001, "each line is logged or dropped")
    dropped = logger.stats(A).dropped
    assert dropped > 4000
    ballast.unlink()
    os.write(out, b"after\n")
    end(logger, A, out, err)
    lines = logger.text(A).splitlines()
    numbers = [int(line.split()[0]) for line in lines[1:-1]]
    assert lines[0] == "before" and lines[-1] == "after"
    assert all(line.endswith("x" * 50) for line in lines[1:-1])
    marks = re.findall(r"\[shoal: (\d+) lines? dropped: disk full\]\n", logger.text(A, "stderr"))
    assert len(numbers) == len(set(numbers)) and sum(map(int, marks)) + len(numbers) == 5000


def waiting_bytes(pipe):
    """How much is in the pipe."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), "little")


def test_non_blocking_drops_whole_lines_and_says_so(logger):
    logger.open(A, flags=FRESH | NON_BLOCKING, max_buffer=128 * 1024)
    out, err = logger.writer(A), logger.writer(A, STDERR)
    assert fcntl.fcntl(out, 1032) == 128 * 1024  # F_GETPIPE_SZ
    logger.process.send_signal(signal.SIGSTOP)  # a disk that does not answer
    wait_until(lambda: Process(logger.process.pid).state == "T", "it stands still")
    line, count = b"x" * 99 + b"\n", 0
    while select.select([], [out], [], 0)[1]:
        os.write(out, line)
        count += 1
    logger.process.send_signal(signal.SIGCONT)
    wait_until(lambda: waiting_bytes(out) == 0, "it has read all")  # after the end nothing would be dropped
    os.write(out, b"y" * 99 + b"\n")
    end(logger, A, out, err)
    text, marks = logger.text(A), logger.text(A, "stderr")
    dropped = int(re.fullmatch(r"\[shoal: (\d+) lines dropped: the log is slower than the container\]\n", marks)[1])
    assert dropped > 100 and set(text.splitlines()) == {"x" * 99, "y" * 99}
    assert len(text.splitlines()) + dropped == count + 1


# --- attachments


def read_all(ours):
    data = b""
    while piece := ours.recv(1 << 20):
        data += piece
    return data


def test_attach_gets_both_streams_framed(logger):
    logger.open(A)
    out, err = logger.writer(A), logger.writer(A, STDERR)
    ours, number = logger.attach(A)
    only_err, _ = logger.attach(A, STDERR)
    os.write(out, b"prompt")
    assert ours.recv(100) == b"\1\0\0\0\0\0\0\6prompt"
    os.write(err, b"warning\n")
    assert ours.recv(100) == b"\2\0\0\0\0\0\0\x08warning\n"
    os.write(out, b" done\n")
    assert ours.recv(100) == b"\1\0\0\0\0\0\0\6 done\n"
    end(logger, A, out, err)
    assert logger.wait_for(ATTACH_CLOSED).attachment == number
    assert read_all(ours) == b"" and read_all(only_err) == b"\2\0\0\0\0\0\0\x08warning\n"
    assert logger.text(A) == "prompt done\n"


def test_attach_only_writes_no_file(logger):
    logger.open(A, driver=ATTACH_ONLY)
    out, err = logger.writer(A), logger.writer(A, STDERR)
    ours, _ = logger.attach(A)
    for number in range(1000):
        os.write(out, b"%d\n" % number)
    for fd in (out, err):
        os.close(fd)
    data = b"".join(data for _, data in frames(read_all(ours)))
    assert data == b"".join(b"%d\n" % number for number in range(1000))
    logger.wait_for(DRAINED, A)
    assert not logger.files(A)


def fill(fd):
    """Writes lines until there has been no room for a while; what it wrote. Nobody takes it out, so that it must end."""
    os.set_blocking(fd, False)
    sent = b""
    while select.select([], [fd], [], 0.5)[1]:
        with contextlib.suppress(BlockingIOError):
            piece = b"%d\n" % len(sent) * 100
            sent += piece[:os.write(fd, piece)]
        assert len(sent) < 64 << 20, "somebody takes it out"
    return sent


def test_a_slow_attachment_holds_up_its_own_container_alone(logger):
    logger.open(A)
    logger.open(B)
    writers = [logger.writer(id, stream) for id in (A, B) for stream in (STDOUT, STDERR)]
    ours, _ = logger.attach(A)
    sent = fill(writers[0])  # it waits, as Docker's attach makes it wait
    os.write(writers[2], b"free\n")
    wait_until(lambda: logger.text(B) == "free\n", "it is logged")
    got = b""
    while len(frames_text := b"".join(d for _, d in whole_frames(got))) < len(sent):
        got += ours.recv(1 << 20)
    assert frames_text == sent
    wait_until(lambda: logger.text(A).encode() == sent[:sent.rindex(b"\n") + 1], "it is logged")
    for fd in writers:
        os.close(fd)


def whole_frames(data):
    found = []
    while len(data) >= 8:
        stream, size = struct.unpack(">BxxxI", data[:8])
        if len(data) < 8 + size:
            found.append((stream, data[8:]))
            break
        found.append((stream, data[8:8 + size]))
        data = data[8 + size:]
    return found


@pytest.mark.parametrize("how", ["killed", "detached"])
def test_an_attachment_that_is_gone_releases_the_payload(logger, how):
    logger.open(A)
    out, err = logger.writer(A), logger.writer(A, STDERR)
    ours, number = logger.attach(A)
    sent = len(fill(out))
    if how == "killed":
        ours.close()
        assert logger.wait_for(ATTACH_CLOSED, A).attachment == number
    else:
        logger.request(DETACH, value=number)
    assert select.select([], [out], [], 60)[1]
    end(logger, A, out, err)
    assert len(logger.text(A)) == sent


def test_an_attachment_gets_the_rest_after_the_end(logger):
    logger.open(A)
    out, err = logger.writer(A), logger.writer(A, STDERR)
    ours, _ = logger.attach(A)
    sent = len(fill(out))
    end(logger, A, out, err)  # the log does not wait for it
    assert len(logger.text(A)) == sent
    assert sum(len(data) for _, data in frames(read_all(ours))) == sent
    logger.wait_for(ATTACH_CLOSED, A)


# --- life


def test_shutdown_waits_for_what_is_open(logger):
    logger.open(A)
    out, err = logger.writer(A), logger.writer(A, STDERR)
    logger.request(SHUTDOWN)
    os.write(out, b"still\n")
    wait_until(lambda: logger.text(A) == "still\n", "it is logged")
    assert logger.process.poll() is None
    end(logger, A, out, err)
    assert logger.process.wait(60) == 0


def test_refusals(logger):
    with pytest.raises(Refused, match="no container"):
        logger.request(ROTATE, A)
    with pytest.raises(Refused, match="cannot read stdout"):
        logger.request(OPEN, A, driver=1, streams=3)
    with pytest.raises(Refused, match="64 hex digits"):
        logger.request(OPEN, "../" + A[3:], driver=1, streams=3)
    with pytest.raises(Refused, match="descriptors"):
        logger.request(OPEN, A, driver=1, streams=1, flags=TTY)
    (logger.run / "containers" / A).mkdir()
    (logger.run / "containers" / A / "stdout").write_text("")
    with pytest.raises(Refused, match="no FIFO"):
        logger.request(OPEN, A, driver=1, streams=1)
    logger.open(B)
    (logger.data / B / f"{B}-json.log").symlink_to("/tmp/elsewhere")
    out, err = logger.writer(B), logger.writer(B, STDERR)
    os.write(out, b"secret\n")
    wait_until(lambda: logger.stats(B).dropped == 1, "it is dropped")
    with open(logger.run / "containers" / A / "stdout") as file, pytest.raises(Refused, match="no pipe"):
        logger.request(4, B, streams=1, fds=[file.fileno()])
    second = subprocess.run([*logger.command], capture_output=True, text=True, timeout=60)
    assert second.returncode == 1 and "another logger runs" in second.stderr
    end(logger, B, out, err)


def test_too_many_descriptors_are_refused(tmp_path):
    logger = Logger(tmp_path, prefix=("prlimit", "--nofile=516:516"))
    logger.open(A)
    logger.open(B)
    with pytest.raises(Refused, match="reads 4 streams, all that its limit"):
        logger.open(new_id(0xC))
    logger.stop()


# --- cost


def pss_kib(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+)", text, re.M)[1])


def test_a_thousand_silent_containers_cost_little_and_wake_nobody(logger):
    before = pss_kib(logger.process.pid)
    ids = [new_id(number) for number in range(1000)]
    writers = []
    for id in ids:
        logger.open(id)
    for id in ids:
        writers += [logger.writer(id), logger.writer(id, STDERR)]
    os.write(writers[0], b"half a line")  # unfinished lines are no reason to wake up
    wait_until(lambda: sleeps(Process(logger.process.pid), 1), "it sleeps")
    each = (pss_kib(logger.process.pid) - before) / len(ids)
    print(f"{each:.2f} KiB PSS for each silent container, {before} KiB without any")
    assert each < 1
    logger.send(LIST)
    assert sum(logger.wait_for(CONTAINER).type == CONTAINER for _ in ids) == 1000
    for fd in writers:
        os.close(fd)
    for id in ids:
        logger.wait_for(DRAINED, id)
