"""Images in the daemon: jobs shared, cancelled, survived; what is removed leaves the disk; what was half-made goes at the start."""
import contextlib
import json
import os
import subprocess
import tarfile
import threading

import pytest
from harness.machine import run, wait_until
from harness.registry import Fake

LAYERS = "layers"


def pull(daemon, reference):
    """The lines of a pull."""
    name, tag = reference.rsplit(":", 1)
    done = run("curl", "-sSN", "--unix-socket", daemon.socket, "-X", "POST",
               f"http://shoal/images/create?fromImage={name}&tag={tag}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def send(daemon, path, archive, method="POST"):
    return run("curl", "-sSN", "--unix-socket", daemon.socket, "-X", method, "-H", "Content-Type: application/x-tar",
               "-T", archive, f"http://shoal{path}").stdout


def layers(daemon):
    """Folders of layers on the disk."""
    folder = daemon.data_dir / LAYERS
    return sorted(os.listdir(folder)) if folder.exists() else []


def workers(daemon):
    return [process for process in daemon.processes("shoal-worker") if not process.is_zombie]


@pytest.fixture
def slow(registry, netns):
    """A registry whose large blobs come when it is told to: slow.go.set()."""
    fake = Fake(netns, registry.port, 5001)
    fake.go, fake.asked = threading.Event(), threading.Event()

    def wait(handler):
        if "/blobs/" in handler.path:
            fake.asked.set()
            fake.go.wait(300)
        return False

    fake.bend = wait
    yield fake
    fake.go.set()
    fake.close()


def test_pull_again_and_remove(daemon, registry):
    reference = registry.reference("hello")
    lines = pull(daemon, reference)
    assert lines[0] == {"status": "Pulling from shoal/hello", "progressDetail": {}, "id": "latest"}
    assert lines[-1] == {"status": f"Status: Downloaded newer image for {reference}"}
    assert lines[-2]["status"].startswith("Digest: sha256:")
    status, images = daemon.api("GET", "/images/json")
    assert status == 200 and images[0]["RepoTags"] == [reference]
    assert len(images[0]["RepoDigests"]) == 1 and images[0]["Size"] > 80000
    assert len(layers(daemon)) == 2
    assert pull(daemon, reference)[-1] == {"status": f"Status: Image is up to date for {reference}"}
    status, image = daemon.api("GET", f"/images/{reference}/json")
    assert status == 200 and len(image["RootFS"]["Layers"]) == 2 and image["Architecture"] == "amd64"
    status, removed = daemon.api("DELETE", f"/images/{reference}")
    assert status == 200 and {"Untagged": reference} in removed and len([r for r in removed if "Deleted" in r]) == 3
    wait_until(lambda: not layers(daemon), "the layers are gone from the disk")
    for folder in ("images/tar", "images/blobs/sha256"):
        assert os.listdir(daemon.data_dir / folder) == []
    assert daemon.api("GET", f"/images/{reference}/json")[0] == 404


def test_errors_reach_the_client(daemon, registry):
    lines = pull(daemon, registry.reference("hello", "nope"))
    text = json.dumps(lines)
    assert "not found: manifest unknown" in text
    assert "invalid reference format" in json.dumps(daemon.api("POST", "/images/create?fromImage=Bad&tag=x")[1])


def test_one_worker_for_the_same_pull(daemon, slow):
    reference = slow.reference("hello")
    name, tag = reference.rsplit(":", 1)
    pulls = [daemon.begin("POST", f"/images/create?fromImage={name}&tag={tag}") for _ in range(4)]
    assert slow.asked.wait(60)
    assert daemon.api("GET", "/_ping")[0] == 200  # one that came later is answered: it has seen all four
    mine = [process for process in workers(daemon) if "--parent" in process.command and
            int(process.command.split("--parent=")[1].split()[0]) == daemon_pid(daemon)]
    manifests = [path for path, _ in slow.seen if "/manifests/" in path]
    slow.go.set()
    for connection in pulls:
        lines = connection.getresponse().read().splitlines()
        connection.close()
        assert json.loads(lines[-1]) == {"status": f"Status: Downloaded newer image for {reference}"}
    assert len(manifests) == 1 and mine


def daemon_pid(daemon):
    """Of the daemon itself: daemon.process is nsenter, which has become it."""
    return daemon.process.pid


def test_a_client_that_leaves_ends_the_pull(daemon, slow):
    name, tag = slow.reference("hello").rsplit(":", 1)
    client = subprocess.Popen(["curl", "-sSN", "--unix-socket", str(daemon.socket), "-X", "POST",
                               f"http://shoal/images/create?fromImage={name}&tag={tag}"], stdout=subprocess.DEVNULL)
    assert slow.asked.wait(60)
    wait_until(lambda: workers(daemon), "a worker pulls")
    client.kill()
    client.wait()
    wait_until(lambda: not workers(daemon), "the worker is killed")
    wait_until(lambda: not layers(daemon), "its staging folder is removed")
    slow.go.set()
    assert pull(daemon, slow.reference("hello"))[-1]["status"].startswith("Status: Downloaded")


@pytest.mark.parametrize("victim", ["daemon", "worker"])
def test_killed_in_the_middle(daemon, slow, victim):
    """kill -9: no worker outlives its daemon, and what it leaves half-made is gone after the next start."""
    thread = threading.Thread(target=lambda: quietly(pull, daemon, slow.reference("hello")))
    thread.start()
    assert slow.asked.wait(60)
    wait_until(lambda: [name for name in layers(daemon) if name.startswith("tmp-")], "it begins to unpack")
    if victim == "worker":
        for process in workers(daemon):
            process.kill()
        wait_until(lambda: not layers(daemon), "the daemon removes what the worker left")
    else:
        daemon.kill()
        wait_until(lambda: not workers(daemon), "the workers die with the daemon")
        daemon.start()
        wait_until(lambda: not layers(daemon), "the next daemon removes what was left")
    slow.go.set()
    thread.join(120)
    assert daemon.api("GET", "/images/json") == (200, [])
    assert pull(daemon, slow.reference("hello"))[-1]["status"].startswith("Status: Downloaded")


def quietly(function, *arguments):
    with contextlib.suppress(AssertionError, ValueError, IndexError):
        function(*arguments)


def test_images_survive_a_restart(daemon, registry):
    reference = registry.reference("busybox")
    pull(daemon, reference)
    before = daemon.api("GET", "/images/json")[1]
    daemon.restart()
    assert daemon.api("GET", "/images/json")[1] == before
    assert len(layers(daemon)) == 1


def test_strays_go_at_the_start(daemon, registry):
    pull(daemon, registry.reference("busybox"))
    kept = layers(daemon)
    daemon.kill()
    (daemon.data_dir / LAYERS / "abandoned" / "folder").mkdir(parents=True)
    (daemon.data_dir / "images/tar/abandoned.zst").write_text("x", encoding="utf-8")
    (daemon.data_dir / "images/blobs/sha256" / ("0" * 64)).write_text("x", encoding="utf-8")
    daemon.start()
    wait_until(lambda: layers(daemon) == kept, "the stray layer is removed")
    for path in "images/tar/abandoned.zst", "images/blobs/sha256/" + "0" * 64:
        wait_until(lambda path=daemon.data_dir / path: not path.exists(), f"{path} is removed")


def test_load_save_and_import(daemon, images, tmp_path):
    text = send(daemon, "/images/load", images("hello"))
    assert "Loaded image: shoal/hello:latest" in text
    saved = tmp_path / "saved.tar"
    run("curl", "-sS", "--unix-socket", daemon.socket, "-o", saved, "http://shoal/images/shoal/hello:latest/get")
    identity = daemon.api("GET", "/images/shoal/hello:latest/json")[1]["Id"]
    run("skopeo", "inspect", f"docker-archive:{saved}")
    with tarfile.open(saved) as archive:
        assert json.load(archive.extractfile("manifest.json"))[0]["RepoTags"] == ["shoal/hello:latest"]
    assert daemon.api("DELETE", "/images/shoal/hello:latest")[0] == 200
    assert "Loaded image: shoal/hello:latest" in send(daemon, "/images/load", saved)
    assert daemon.api("GET", "/images/shoal/hello:latest/json")[1]["Id"] == identity
    (tmp_path / "root").mkdir()
    (tmp_path / "root/file").write_text("x", encoding="utf-8")
    run("tar", "-C", tmp_path / "root", "-cf", tmp_path / "root.tar", ".")
    send(daemon, "/images/create?fromSrc=-&repo=mine&tag=1&changes=CMD%20%5B%22x%22%5D", tmp_path / "root.tar")
    assert daemon.api("GET", "/images/mine:1/json")[1]["Config"]["Cmd"] == ["x"]


def test_removed_and_pulled_again_at_once(daemon, registry):
    """A pull that meets the removal of the same image ends with a whole image, whichever comes first."""
    reference = registry.reference("hello")
    for _ in range(8):
        assert pull(daemon, reference)[-1]["status"].startswith("Status: ")
        thread = threading.Thread(target=lambda: pull(daemon, reference))
        thread.start()
        daemon.api("DELETE", f"/images/{reference}?force=1")
        thread.join()
        status, image = daemon.api("GET", f"/images/{reference}/json")
        if status == 200:
            wait_until(lambda: not workers(daemon), "what is to be removed is removed")
            wait_until(lambda wanted=len(image["RootFS"]["Layers"]): len(layers(daemon)) == wanted, f"its layers: {layers(daemon)}")
            assert (daemon.data_dir / "images/blobs/sha256" / image["Id"][7:]).exists()
