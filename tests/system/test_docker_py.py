"""python3-docker, as Debian has it, finds a Docker behind the socket."""
import io
import socket
import tarfile
import threading

import docker
import pytest
from harness.machine import wait_until

IMAGE = "shoal/busybox"


@pytest.fixture
def client(daemon, images):
    client = daemon.client()
    image, = client.images.load(images("busybox").read_bytes())
    assert f"{IMAGE}:latest" in image.tags
    yield client
    client.close()


def test_ping_version_info(client):
    assert client.ping()
    assert client.version()["ApiVersion"] == "1.44"
    assert client.info()["Driver"] == "overlay2"


def test_run(client):
    assert client.containers.run(IMAGE, ["echo", "hello"], remove=True) == b"hello\n"
    with pytest.raises(docker.errors.ContainerError) as failure:
        client.containers.run(IMAGE, ["sh", "-c", "echo bad >&2; exit 3"], remove=True)
    assert failure.value.exit_status == 3 and failure.value.stderr == b"bad\n"
    with pytest.raises(docker.errors.ImageNotFound):
        client.api.create_container("no/such")


def test_container(client):
    container = client.containers.run(IMAGE, ["sleep", "1000"], detach=True, name="cc", labels={"a": "b"}, environment={"X": "1"})
    assert container.status == "created" and client.containers.get("cc").status == "running"
    assert [c.name for c in client.containers.list(filters={"label": "a=b"})] == ["cc"]
    assert container.labels["a"] == "b" and container.image.tags == [f"{IMAGE}:latest"]
    assert container.top()["Processes"][0][-1] == "sleep 1000"
    container.pause()
    container.reload()
    assert container.status == "paused"
    container.unpause()
    container.rename("dd")
    container.stop(timeout=0)
    assert container.wait()["StatusCode"] == 137
    container.start()
    container.restart(timeout=0)
    container.kill()
    container.wait()
    container.remove(v=True)
    with pytest.raises(docker.errors.NotFound):
        client.containers.get("dd")


def test_logs(client):
    script = "echo one; echo two >&2; until test -e /go; do sleep 0.05; done; echo three"
    container = client.containers.run(IMAGE, ["sh", "-c", script], detach=True)
    wait_until(lambda: container.logs() == b"one\ntwo\n", lambda: f"two lines are there: {container.logs()}")
    container.exec_run(["touch", "/go"])
    assert b"".join(container.logs(stream=True, follow=True)) == b"one\ntwo\nthree\n"
    assert container.logs(stderr=False) == b"one\nthree\n"
    assert container.logs(tail=1) == b"three\n"
    assert container.logs(timestamps=True, tail=1).endswith(b"Z three\n")


def test_exec(client):
    container = client.containers.run(IMAGE, ["sleep", "1000"], detach=True)
    code, output = container.exec_run(["sh", "-c", "echo out; echo err >&2; exit 5"], demux=True)
    assert (code, output) == (5, (b"out\n", b"err\n"))
    assert container.exec_run("pwd", workdir="/tmp").output == b"/tmp\n"
    session = client.api.exec_create(container.id, ["cat"], stdin=True)["Id"]
    connection = client.api.exec_start(session, socket=True)._sock
    connection.sendall(b"through\n")
    connection.shutdown(socket.SHUT_WR)
    data = b""
    while piece := connection.recv(4096):
        data += piece
    connection.close()
    assert data == b"\x01\0\0\0\0\0\0\x08through\n"
    assert client.api.exec_inspect(session)["ExitCode"] == 0


def test_attach(client):
    container = client.containers.create(IMAGE, ["sh", "-c", "read x; echo got $x"], stdin_open=True)
    connection = container.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1})._sock
    container.start()
    connection.sendall(b"fish\n")
    assert connection.recv(8) == b"\x01\0\0\0\0\0\0\x09"
    assert connection.recv(100) == b"got fish\n"
    connection.close()
    assert container.wait()["StatusCode"] == 0


def test_images(client, registry):
    image = client.images.pull(registry.reference("hello"))
    assert image.tags == [registry.reference("hello")] and image.attrs["Architecture"]
    assert image.tag("mine", "v2") and client.images.get("mine:v2").id == image.id
    archive = b"".join(image.save(named=True))
    assert "manifest.json" in tarfile.open(fileobj=io.BytesIO(archive)).getnames()
    assert image.history()
    client.images.remove("mine:v2")
    client.images.remove(registry.reference("hello"))
    with pytest.raises(docker.errors.ImageNotFound):
        client.images.get(image.id)
    with pytest.raises(docker.errors.APIError):
        client.images.pull(registry.reference("absent"))


def test_networks(client):
    pool = docker.types.IPAMPool(subnet="10.78.0.0/24", gateway="10.78.0.1")
    network = client.networks.create("sea", ipam=docker.types.IPAMConfig(pool_configs=[pool]), labels={"a": "b"})
    container = client.containers.run(IMAGE, ["sleep", "1000"], detach=True, network="sea")
    network.reload()
    assert [c.id for c in network.containers] == [container.id]
    assert client.networks.list(names=["sea"])[0].attrs["IPAM"]["Config"][0]["Gateway"] == "10.78.0.1"
    container.remove(force=True)
    network.remove()
    assert "sea" not in [n.name for n in client.networks.list()]


def test_volumes(client):
    volume = client.volumes.create("data", labels={"a": "b"})
    mount = docker.types.Mount("/d", "data")
    client.containers.run(IMAGE, ["sh", "-c", "echo kept >/d/f"], mounts=[mount], remove=True)
    assert client.containers.run(IMAGE, ["cat", "/d/f"], volumes={"data": {"bind": "/d", "mode": "ro"}}, remove=True) == b"kept\n"
    assert [v.name for v in client.volumes.list(filters={"label": "a=b"})] == ["data"]
    volume.remove()
    with pytest.raises(docker.errors.NotFound):
        client.volumes.get("data")


def test_events(client):
    seen = []
    stream = client.events(decode=True, filters={"type": "container"})
    watcher = threading.Thread(target=lambda: seen.extend(event["Action"] for event in stream), daemon=True)
    watcher.start()
    client.containers.run(IMAGE, ["true"], remove=True)
    wait_until(lambda: "destroy" in seen, lambda: f"destroy is told; seen: {seen}")
    stream.close()
    assert [action for action in seen if action in ("create", "start", "die", "destroy")] == ["create", "start", "die", "destroy"]
