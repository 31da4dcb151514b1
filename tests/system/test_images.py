"""The images of images/: well formed for the tools of others, always the same, and what is in them runs."""
import hashlib
import io
import json
import subprocess
import tarfile

import pytest
from harness.machine import run

NAMES = ["busybox", "hello", "nginx", "redis"]


def unpack(archive, folder):
    """The root file system of an image."""
    with tarfile.open(archive) as tar:
        manifest = json.load(tar.extractfile("manifest.json"))[0]
        for layer in manifest["Layers"]:
            with tarfile.open(fileobj=io.BytesIO(tar.extractfile(layer).read())) as files:
                files.extractall(folder, numeric_owner=True)
    return folder


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["docker-archive", "oci-archive"])
def test_skopeo_reads_it(images, name, kind, tmp_path):
    seen = json.loads(run("skopeo", "inspect", f"{kind}:{images(name)}").stdout)
    assert seen["Os"] == "linux" and len(seen["Layers"]) == (1 if name == "busybox" else 2)
    run("skopeo", "--insecure-policy", "copy", "-q", f"{kind}:{images(name)}", f"dir:{tmp_path}/copy")


@pytest.mark.parametrize("name", NAMES)
def test_digests_and_configuration(images, name):
    with tarfile.open(images(name)) as tar:
        for member in tar.getmembers():
            if member.name.startswith("blobs/sha256/") and member.isfile():
                assert hashlib.sha256(tar.extractfile(member).read()).hexdigest() == member.name[13:]
        manifest = json.load(tar.extractfile("manifest.json"))[0]
        config = json.load(tar.extractfile(manifest["Config"]))
    assert manifest["RepoTags"] == [f"shoal/{name}:latest"]
    assert config["config"]["Cmd"] and config["config"]["WorkingDir"]
    assert len(config["rootfs"]["diff_ids"]) == len(config["history"]) == len(manifest["Layers"])


def test_the_same_again(images, build, tmp_path):
    from conftest import ROOT
    run(ROOT / "images" / "build", "-o", tmp_path, "hello", "busybox")
    for name in ("hello", "busybox"):
        assert (tmp_path / f"{name}.tar").read_bytes() == images(name).read_bytes()


def test_hello_has_the_two_files(images, tmp_path):
    root = unpack(images("hello"), tmp_path)
    assert sorted(path.name for path in root.iterdir()) == ["nano-httpd", "www"]
    assert (root / "www/index.html").stat().st_size == 304
    assert (root / "www/picture.png").stat().st_size == 83052
    assert (root / "www/picture.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("name, command, expected", [
    ("busybox", ["/bin/sh", "-c", "ls -ld /tmp; id -un; env echo fine"], "drwxrwxrwt"),
    ("redis", ["/usr/bin/redis-server", "--version"], "Redis server v=7"),
    ("redis", ["/usr/bin/redis-cli", "--version"], "redis-cli 7"),
    ("nginx", ["/usr/sbin/nginx", "-V"], "nginx version: nginx/1.22"),
])
def test_its_programs_start(images, tmp_path, name, command, expected):
    done = subprocess.run(["chroot", unpack(images(name), tmp_path), *command], capture_output=True, text=True, timeout=120,
                          check=False)
    assert done.returncode == 0 and expected in done.stdout + done.stderr, done.stdout + done.stderr
