"""The Docker API itself: versions, what is refused and how, what lists cost."""
import json
import socket
import time

import pytest
from harness.machine import run

IMAGE = "shoal/busybox"


@pytest.fixture
def loaded(daemon, images):
    run("curl", "-sSf", "--unix-socket", daemon.socket, "--data-binary", f"@{images('busybox')}", "-H",
        "Content-Type: application/x-tar", "http://shoal/images/load")
    return daemon


def create(daemon, name, **body):
    status, answer = daemon.api("POST", f"/containers/create?name={name}", {"Image": IMAGE, **body})
    assert status == 201, answer
    return answer


def raw(daemon, request):
    """What a connection answers to these bytes, up to its end."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(60)
        client.connect(str(daemon.socket))
        client.sendall(request)
        data = b""
        while piece := client.recv(65536):
            data += piece
        return data.decode()


def test_ping(daemon):
    answer = raw(daemon, b"HEAD /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    head = dict(line.split(": ", 1) for line in answer.split("\r\n")[1:] if ": " in line)
    assert answer.startswith("HTTP/1.1 200 OK\r\n") and answer.endswith("\r\n\r\n")
    assert head["Api-Version"] == "1.44" and head["Ostype"] == "linux" and head["Docker-Experimental"] == "false"
    assert head["Server"].startswith("Shoal/")
    assert daemon.api("GET", "/_ping") == (200, "OK")


ANSWERS = [
    ("/v1.24/version", 200, None),
    ("/v1.44/version", 200, None),
    ("/version", 200, None),
    ("/v1.45/version", 400, "client version 1.45 is too new. Maximum supported API version is 1.44"),
    ("/v1.23/version", 400, "client version 1.23 is too old. Minimum supported API version is 1.24"),
    ("/nothing", 404, "page not found"),
    ("/v1.44/nothing", 404, "page not found"),
    ("/containers/x/stats", 501, "GET /containers/{id}/stats is not offered"),
    ("/swarm", 501, "GET /swarm is not offered"),
    ("/containers/json?colour=red", 400, "the parameter 'colour' is not known for GET /containers/json"),
    ("/containers/json?colour=0", 200, None),
    ("/containers/json?limit=x", 400, "'limit'"),
    ("/containers/json?filters=%7B%22a%22%3A%5B%5D%7D", 400, "invalid filter 'a'"),
    ("/containers/json?filters=%7B", 400, "the filters"),
    ("/containers/nobody/json", 404, "No such container: nobody"),
    ("/containers/nobody/logs?stdout=1", 404, "No such container: nobody"),
    ("/images/nothing/json", 404, "No such image: nothing:latest"),
    ("/networks/nothing", 404, "network nothing not found"),
    ("/volumes/nothing", 404, "no such volume"),
    ("/exec/nothing/json", 404, "No such exec instance: nothing"),
]


def test_answers(daemon):
    wrong = []
    for path, status, said in ANSWERS:
        got, answer = daemon.api("GET", path)
        if got != status or (said and said not in answer["message"]):
            wrong.append((path, got, answer))
    assert not wrong


def test_info_tells_what_is_in_the_way(daemon):
    daemon.ask("POST", "/networks/create", {"Name": "front"})
    assert daemon.ask("GET", "/info")["Warnings"] == []
    daemon.netns.run("nft", "add table ip filter; "
                     "add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }")
    warnings = daemon.ask("GET", "/info")["Warnings"]
    assert len(warnings) == 1 and "iptables -I FORWARD" in warnings[0]
    daemon.netns.run("nft", "delete table ip filter")
    daemon.ask("DELETE", "/networks/front")


def test_create_tells_what_it_does_not_know(loaded):
    answer = create(loaded, "cc", HostConfig={"Teleport": True, "Nothing": None}, Colour="red", Empty={})
    said = " ".join(answer["Warnings"])
    assert "HostConfig.Teleport" in said and "Colour" in said and "Nothing" not in said and "Empty" not in said


def test_create_refuses(loaded):
    for body, said in [(None, "config cannot be empty"),
                       ({"Image": 3}, "Image: expected"),
                       ({"Image": IMAGE, "HostConfig": {"Ulimits": [{"Name": "nofile", "Soft": "many"}]}},
                        "HostConfig.Ulimits[0].Soft")]:
        status, answer = loaded.api("POST", "/containers/create", body)
        assert status == 400 and said in answer["message"]


def test_create_knows_no_image(daemon):
    status, answer = daemon.api("POST", "/containers/create", {"Image": "nginx"})
    assert status == 404 and answer["message"] == "No such image: nginx:latest"


def test_states_and_statuses(loaded):
    create(loaded, "cc", Cmd=["sleep", "1000"])
    assert loaded.api("POST", "/containers/cc/kill")[0] == 409
    assert loaded.api("POST", "/containers/cc/stop")[0] == 304
    assert loaded.api("POST", "/containers/cc/start")[0] == 204
    assert loaded.api("POST", "/containers/cc/start")[0] == 304
    assert loaded.api("POST", "/containers/create?name=cc", {"Image": IMAGE})[0] == 409
    assert loaded.api("POST", "/containers/cc/kill?signal=SIGNOTHING")[0] == 400
    assert loaded.api("DELETE", "/containers/cc")[0] == 409
    assert loaded.api("DELETE", "/containers/cc?force=1")[0] == 204
    assert loaded.api("DELETE", "/containers/cc")[0] == 404


def test_wait_answers_its_head_at_once(loaded):
    create(loaded, "cc", Cmd=["true"])
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(60)
        client.connect(str(loaded.socket))
        client.sendall(b"POST /containers/cc/wait?condition=next-exit HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n")
        loaded.api("POST", "/containers/cc/start")
        assert b'{"StatusCode":0}' in client.recv(4096)


def test_lists_are_fast(loaded):
    """Making a list costs no more than a few times what its reader has to do to understand it."""
    count = 2000
    body = json.dumps({"Image": IMAGE, "Cmd": ["sleep", "1000"], "Labels": {"stack": "sea", "service": "fish"}}).encode()
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(180)
        client.connect(str(loaded.socket))
        answers = client.makefile("rb")
        for number in range(count):
            client.sendall(b"POST /containers/create?name=c%d HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                           b"Content-Length: %d\r\n\r\n%s" % (number, len(body), body))
            assert answers.readline().startswith(b"HTTP/1.1 201 ")
            size = 0
            while (line := answers.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    size = int(line.split(b":")[1])
            answers.read(size)
        took, parsed = [], []
        for _ in range(5):
            begin = time.monotonic()
            client.sendall(b"GET /containers/json?all=1 HTTP/1.1\r\nHost: x\r\n\r\n")
            size = 0
            while (line := answers.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    size = int(line.split(b":")[1])
            data = answers.read(size)
            read = time.monotonic()
            listed = json.loads(data)
            took.append(read - begin)
            parsed.append(time.monotonic() - read)
    assert len(listed) == count
    begin = time.monotonic()
    assert len(loaded.api("POST", "/containers/prune")[1]["ContainersDeleted"]) == count
    print(f"pruned in {time.monotonic() - begin:.1f} s")
    print(f"2,000 containers in {min(took) * 1000:.0f} ms, parsed in {min(parsed) * 1000:.0f} ms")
    assert min(took) < 10 * min(parsed)
