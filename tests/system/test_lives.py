"""Everything that containers and stacks go through, with clients that go away in the middle. Runs with sanitizers too."""
import contextlib
import json
import re
import signal
import socket

import pytest
from harness.machine import Process, run, wait_until

IMAGE = "shoal/busybox"
REPORT = re.compile(r"ERROR: (Address|Leak)Sanitizer|runtime error:")
STACK = """
services:
  web:
    image: shoal/busybox
    command: sleep 1000
    stop_signal: SIGKILL
    deploy: {replicas: %d}
    healthcheck: {test: "true", interval: 1s, start_interval: 1s}
    volumes: [data:/data]
volumes: {data: {}}
"""


@pytest.fixture
def loaded(daemon, images):
    run("curl", "-sSf", "--unix-socket", daemon.socket, "--data-binary", f"@{images('busybox')}", "-H",
        "Content-Type: application/x-tar", "http://shoal/images/load")
    yield daemon
    if daemon.running:
        daemon.remove_containers()
        assert daemon.stop() == 0, daemon.said()
    assert not REPORT.search(daemon.said()), daemon.said()


def ask(daemon, method, path, body=None, expected=(200, 201, 202, 204, 304)):
    status, answer = daemon.api(method, path, body)
    assert status in expected, (method, path, status, answer)
    return answer


def create(daemon, name, command, **body):
    ask(daemon, "POST", f"/containers/create?name={name}", {"Image": IMAGE, "Cmd": ["sh", "-c", command], **body})


def hang_up(daemon, method, path, body=None):
    """Asks, reads the first of what comes, and goes away."""
    data = json.dumps(body).encode() if body is not None else b""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(0.3)
        client.connect(str(daemon.socket))
        client.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                       f"Content-Length: {len(data)}\r\n\r\n".encode() + data)
        with contextlib.suppress(TimeoutError):
            client.recv(64)


def inside(daemon, name, *command):
    client = daemon.client()
    try:
        return client.containers.get(name).exec_run(command).output.decode()
    finally:
        client.close()


def state(daemon, name):
    return ask(daemon, "GET", f"/containers/{name}/json")["State"]


def test_container_and_clients_that_leave(loaded):
    create(loaded, "one", "while :; do echo line; sleep 0.05; done", OpenStdin=True, StopSignal="SIGKILL",
           Healthcheck={"Test": ["CMD", "true"], "Interval": 1000000000, "StartInterval": 1000000000})
    hang_up(loaded, "POST", "/containers/one/wait?condition=next-exit")
    ask(loaded, "POST", "/containers/one/start")
    exec_id = ask(loaded, "POST", "/containers/one/exec",
                  {"Cmd": ["sleep", "1000"], "AttachStdout": True, "AttachStdin": True})["Id"]
    for method, path, body in (("POST", "/containers/one/attach?stream=1&stdout=1&stdin=1", None),
                               ("GET", "/containers/one/logs?follow=1&stdout=1", None),
                               ("GET", "/events", None),
                               ("GET", "/containers/one/stats", None),
                               ("POST", "/containers/one/wait?condition=removed", None),
                               ("POST", f"/exec/{exec_id}/start", {"Detach": False, "Tty": False}),
                               ("POST", "/containers/one/stop?t=5", None)):
        hang_up(loaded, method, path, body)
    wait_until(lambda: not state(loaded, "one")["Running"], "it is stopped although nobody waits for that")
    ask(loaded, "POST", "/containers/one/start")
    for path in ("pause", "unpause", "restart?t=0", "rename?name=uno"):
        ask(loaded, "POST", f"/containers/one/{path}")
    wait_until(lambda: state(loaded, "uno")["Health"]["Status"] == "healthy", "it is healthy")
    ask(loaded, "DELETE", "/containers/uno?force=1")
    assert loaded.api("GET", "/containers/uno/json")[0] == 404


def test_removed_while_it_restarts(loaded):
    """A restart that a removal overtakes is answered, and the container goes."""
    create(loaded, "slow", "trap 'echo asked' TERM; while :; do sleep 0.1; done")
    ask(loaded, "POST", "/containers/slow/start")
    wait_until(lambda: Process(state(loaded, "slow")["Pid"]).catches(signal.SIGTERM), "it is ready for the signal")
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(60)
        client.connect(str(loaded.socket))
        client.sendall(b"POST /containers/slow/restart?t=30 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        wait_until(lambda: "asked" in ask(loaded, "GET", "/containers/slow/logs?stdout=1"), "it is asked to end")
        ask(loaded, "DELETE", "/containers/slow?force=1")
        assert client.recv(4096).split()[1] == b"409"
    assert loaded.api("GET", "/containers/slow/json")[0] == 404


def test_removed_while_it_runs_an_exec(loaded):
    create(loaded, "busy", "sleep 1000")
    ask(loaded, "POST", "/containers/busy/start")
    exec_id = ask(loaded, "POST", "/containers/busy/exec", {"Cmd": ["sleep", "1000"]})["Id"]
    ask(loaded, "POST", f"/exec/{exec_id}/start", {"Detach": True})
    ask(loaded, "DELETE", "/containers/busy?force=1")
    assert loaded.api("GET", f"/exec/{exec_id}/json")[0] == 404


def test_networks_and_volumes(loaded):
    ask(loaded, "POST", "/networks/create", {"Name": "inside", "Internal": True})
    ask(loaded, "POST", "/networks/create", {"Name": "outside"})
    ask(loaded, "POST", "/volumes/create", {"Name": "kept"})
    create(loaded, "two", "sleep 1000", HostConfig={"NetworkMode": "inside", "Binds": ["kept:/kept"]},
           NetworkingConfig={"EndpointsConfig": {"inside": {}, "outside": {}}})
    ask(loaded, "POST", "/containers/two/start")
    routes = inside(loaded, "two", "cat", "/proc/net/route")
    default = [line.split()[0] for line in routes.splitlines() if line.split()[1] == "00000000"]
    assert default == ["eth1"], routes  # never the internal one
    assert inside(loaded, "two", "cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start").strip() == "0"
    assert inside(loaded, "two", "cat", "/proc/sys/net/ipv4/ping_group_range").split() == ["0", "2147483647"]
    ask(loaded, "DELETE", "/containers/two?force=1")
    for path in ("/networks/inside", "/networks/outside", "/volumes/kept"):
        ask(loaded, "DELETE", path)


def test_stack(loaded, tmp_path):
    file = tmp_path / "compose.yaml"
    for replicas in (2, 4, 1):
        file.write_text(STACK % replicas, encoding="utf-8")
        loaded.cli("-f", file, "-p", "lives", "plan")
        loaded.cli("-f", file, "-p", "lives", "up", "-d")
        names = [c for c in ask(loaded, "GET", "/containers/json") if "lives" in c["Names"][0]]
        assert len(names) == replicas
    action = ask(loaded, "DELETE", "/shoal/v1/stacks/lives?volumes=1")["action"]
    hang_up(loaded, "GET", f"/shoal/v1/actions/{action}/events")
    wait_until(lambda: ask(loaded, "GET", f"/shoal/v1/actions/{action}")["status"] == "done", "it is down")
    assert not ask(loaded, "GET", "/containers/json?all=1")


def service(**fields):
    return {"spec": {"name": "odd", "services": [{"name": "a", "container": {"Image": IMAGE}, **fields}]}}


ODD_CONTAINERS = [
    {"Env": ["A=1", "B=2", "C=3"], "env": []},
    {"HostConfig": {"PortBindings": {"80/tcp": [], "81/tcp": []}, "portbindings": {"82/tcp": [{"HostPort": "x"}]}}},
    {"HostConfig": {"Mounts": [{}]}},
    {"HostConfig": {"Ulimits": [{}], "Devices": [{}]}},
    {"HostConfig": {"PortBindings": {"80/tcp": [None]}}},
    {"HostConfig": {"LogConfig": {"Type": "json-file", "Config": {"labels": None, "max-size": None}}}},
    {"NetworkingConfig": {"EndpointsConfig": {"bridge": None, "host": {}}}},
    {"NetworkingConfig": {"EndpointsConfig": {"bridge": {}, "default": {"MacAddress": "02:42:00:00:00:01"}}}},
    {"Labels": {"com.docker.compose.project": "..", "com.docker.compose.service": "a"}},
]
ODD_STACKS = [
    service(container={}), service(name=""), service(name="../a"), service(replicas=2**31 - 1), service(replicas=-1),
    {"spec": {**service()["spec"], "services": service()["spec"]["services"] * 2}},
    {"spec": {**service()["spec"], "networks": [{"key": "a"}]}},
    {"spec": {**service()["spec"], "volumes": [{"key": "a"}]}},
    {"spec": {"name": "odd", "services": [None]}},
]


def test_requests_that_no_client_sends(loaded):
    """They are refused, or carried out as far as they make sense: the daemon lives, and its data are there."""
    for body in ODD_CONTAINERS:
        status, _ = loaded.api("POST", "/containers/create?name=odd", {"Image": IMAGE, "Cmd": ["true"], **body})
        assert status in (201, 400), body
        if status == 201:
            loaded.api("POST", "/containers/odd/start")
            if "Labels" in body:
                assert loaded.api("DELETE", "/shoal/v1/stacks/%2e%2e")[0] in (400, 404)
            ask(loaded, "DELETE", "/containers/odd?force=1")
    for body in ODD_STACKS:
        assert loaded.api("PUT", "/shoal/v1/stacks/odd", body)[0] == 400, body
    assert ask(loaded, "GET", "/images/json"), "the data directory is there"
