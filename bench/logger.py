#!/usr/bin/python3
"""How fast the logger is: lines a second from a FIFO into a json-file log, against the same bytes through `cat >file`.

    bench/logger.py [BUILD]     takes half a minute; writes to the current folder's file system
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "system"))
os.environ["SHOAL_BUILD"] = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "build")

import harness.logger as logger_client  # noqa: E402 (it reads SHOAL_BUILD)

RUNS = 3
CASES = [(20, 3_000_000), (100, 1_000_000), (1000, 200_000)]


def seconds(run):
    start = time.monotonic()
    run()
    return time.monotonic() - start


def log(logger, source, id):
    logger.open(id, max_size=1 << 40)
    out, err = logger.writer(id), logger.writer(id, logger_client.STDERR)
    with subprocess.Popen(["cat", source], stdout=out):
        os.close(out)
        os.close(err)
        logger.wait_for(logger_client.DRAINED, id)


def measure(folder, size, count):
    source = folder / "source"
    source.write_bytes((b"x" * (size - 1) + b"\n") * count)
    plain = min(seconds(lambda: subprocess.run(f"cat {source} | cat >{folder}/plain", shell=True, check=True))
                for _ in range(RUNS))
    logger = logger_client.Logger(folder)
    logged = min(seconds(lambda: log(logger, source, logger_client.new_id(run))) for run in range(RUNS))
    logger.stop()
    print(f"{size:5} bytes a line: {count / logged / 1e6:6.2f} M lines/s, {size * count / logged / 1e6:5.0f} MB/s; "
          f"cat {size * count / plain / 1e6:5.0f} MB/s, ratio {logged / plain:.1f}")


def main():
    for size, count in CASES:
        folder = pathlib.Path(tempfile.mkdtemp(dir="."))
        try:
            measure(folder, size, count)
        finally:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
