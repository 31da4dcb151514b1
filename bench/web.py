#!/usr/bin/python3
"""nano-httpd against nginx on one core: requests a second and CPU time a request, both in the same run.

    sudo bench/web.py [--rounds N] [--seconds N] [--json] [--build FOLDER]

A page of 300 bytes and a picture of 83,052 bytes, with keep-alive and with 'Connection: close'. The server has one core,
wrk (one thread, 32 connections) another; both servers read their files from the page cache. nginx is Debian's, twice: with
one worker, sendfile and no access log, opening the file for each request as nano-httpd does; and tuned, with tcp_nopush,
'listen deferred', as nano-httpd has it, and open_file_cache, by which it sends files for up to a minute after they have
changed, as nano-httpd never does. Rounds alternate between the servers. A figure is the median of a case's rounds, a ratio
that of the rounds' ratios. Where wrk is slower than the server the CPU time is what tells them apart.

Runs as root, in a network namespace of its own, and takes four minutes.
"""
import argparse
import contextlib
import json
import os
import pathlib
import platform
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
PORTS = {"nano-httpd": 8001, "nginx": 8002, "nginx, tuned": 8003}
FILES = {"page.html": 300, "picture.png": 83052}
SERVER_CPU, CLIENT_CPU = 0, 1
CONNECTIONS = 32

NGINX_CONF = """daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr error;
events {{ worker_connections 1024; }}
http {{
    types {{ text/html html; image/png png; }}
    access_log off; sendfile on; keepalive_requests 1000000000; {options}
    {temporary}
    server {{ listen {port} backlog=511 {listen}; root {www}; }}
}}
"""


def program(name, path, folder):
    """A command out of a set of Debian packages (tools/debs), with its own libraries."""
    root = folder / name
    if not root.exists():
        subprocess.run([ROOT / "tools" / "debs", "extract", name, root], check=True)
    libraries = ":".join(str(path) for path in (root / "usr/lib").glob("*-linux-*")) + ":" + \
        ":".join(str(path) for path in (root / "lib").glob("*-linux-*"))
    loader = next(path for path in (root / "lib").glob("*-linux-*/ld-linux*"))
    return [loader, "--library-path", libraries, root / path]


def nginx(name, folder, options="", listen=""):
    home = folder / f"home-{PORTS[name]}"
    home.mkdir()
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    (home / "nginx.conf").write_text(NGINX_CONF.format(
        folder=home, port=PORTS[name], www=folder / "www", options=options, listen=listen,
        temporary=" ".join(f"{kind}_temp_path {home}/{kind};" for kind in kinds)))
    return [*program("nginx", "usr/sbin/nginx", folder), "-p", home, "-c", home / "nginx.conf", "-e", "stderr"]


def commands(build, folder):
    return {
        "nano-httpd": [build / "nano-httpd", "-p", str(PORTS["nano-httpd"]), folder / "www"],
        "nginx": nginx("nginx", folder),
        "nginx, tuned": nginx("nginx, tuned", folder, "open_file_cache max=100; tcp_nopush on;", "deferred"),
    }


def wait_until_serving(name):
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", PORTS[name])).close()
            return
        except ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def worker_of(process):
    """The process that serves: nginx's is a child of its master."""
    children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(children[0]) if children else process.pid


@contextlib.contextmanager
def servers(build, folder):
    """name → pid of the process that serves."""
    processes = {}
    try:
        for name, command in commands(build, folder).items():
            processes[name] = subprocess.Popen(["taskset", "-c", str(SERVER_CPU), *command], stdout=subprocess.DEVNULL)
            wait_until_serving(name)
        yield {name: worker_of(process) for name, process in processes.items()}
    finally:
        for process in processes.values():
            process.send_signal(signal.SIGTERM)
        for process in processes.values():
            process.wait(10)


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(wrk, name, pid, file, keep_alive, seconds):
    """(requests a second, microseconds of the server's CPU time a request)"""
    before = cpu_seconds(pid)
    done = subprocess.run(["taskset", "-c", str(CLIENT_CPU), *wrk, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s",
                           *([] if keep_alive else ["-H", "Connection: close"]),
                           f"http://127.0.0.1:{PORTS[name]}/{file}"], capture_output=True, text=True, check=True)
    used = cpu_seconds(pid) - before
    text = done.stdout
    if "Non-2xx" in text or re.search(r"(read|write|timeout) [1-9]", text):
        raise RuntimeError(f"{name} {file}: {text}")
    requests = int(re.search(r"(\d+) requests in", text)[1])
    return float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]), used / requests * 1e6


def machine():
    model = re.search(r"^(?:model name|Model)\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {"cpu": model[1] if model else platform.machine(), "cpus": os.cpu_count(), "architecture": platform.machine(),
            "kernel": platform.release()}


def run(arguments):
    """The rows: a case and what each server did in it."""
    with tempfile.TemporaryDirectory(prefix="shoal-web-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)  # nginx's worker is nobody
        (folder / "www").mkdir()
        for file, size in FILES.items():
            (folder / "www" / file).write_bytes(bytes(i * i % 251 for i in range(size)))
        wrk = program("wrk", "usr/bin/wrk", folder)
        cases = [(file, keep_alive) for file in FILES for keep_alive in (True, False)]
        found = {(case, server): [] for case in cases for server in PORTS}
        with servers(arguments.build, folder) as pids:
            for _ in range(arguments.rounds):
                for case in cases:
                    for server, pid in pids.items():
                        found[case, server].append(measure(wrk, server, pid, *case, arguments.seconds))
        return [row(case, {server: found[case, server] for server in PORTS}) for case in cases]


def row(case, found):
    file, keep_alive = case
    rates = {server: statistics.median(rate for rate, _ in rounds) for server, rounds in found.items()}
    others = [server for server in found if server != "nano-httpd"]
    pairs = {server: list(zip(found["nano-httpd"], found[server])) for server in others}
    return {
        "file": file, "bytes": FILES[file], "keep_alive": keep_alive,
        "requests_per_second": {server: round(rate) for server, rate in rates.items()},
        "cpu_microseconds_per_request": {server: round(statistics.median(cpu for _, cpu in rounds), 2)
                                         for server, rounds in found.items()},
        "ratio": {server: round(statistics.median(ours[0] / theirs[0] for ours, theirs in pairs[server]), 3)
                  for server in others},
        "cpu_ratio": {server: round(statistics.median(theirs[1] / ours[1] for ours, theirs in pairs[server]), 3)
                      for server in others},
    }


def print_table(rows):
    print(f"{'':24}{'':12}" + "".join(f"{server:>24}" for server in PORTS))
    for row in rows:
        label = f"{row['bytes']:,} bytes, {'keep-alive' if row['keep_alive'] else 'close'}"
        print(f"{label:24}{'requests/s':>12}" + "".join(f"{rate:24,}" for rate in row["requests_per_second"].values()))
        print(f"{'':24}{'CPU µs':>12}" + "".join(f"{cpu:24.2f}" for cpu in row["cpu_microseconds_per_request"].values()))
        print(f"{'':24}{'÷ it':>12}{'':24}" + "".join(f"{ratio:24.2f}" for ratio in row["ratio"].values()))
        print(f"{'':24}{'CPU: it ÷':>12}{'':24}" + "".join(f"{ratio:24.2f}" for ratio in row["cpu_ratio"].values()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not arguments.inside:
        os.execvp("unshare", ["unshare", "-n", sys.executable, __file__, "--inside", *sys.argv[1:]])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    rows = run(arguments)
    if arguments.json:
        print(json.dumps({"benchmark": "web", "machine": machine(), "rows": rows}, indent=2))
    else:
        print_table(rows)


if __name__ == "__main__":
    main()
