"""Root file systems of images that are out of the ordinary."""
import hashlib
import io
import json
import tarfile

LAYERS = 120  # Docker's own limit is 127


def add(archive, name, data, mode=0o644):
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), mode
    archive.addfile(entry, io.BytesIO(data))


def layer(name, data, mode=0o644):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        add(archive, name, data, mode)
    return buffer.getvalue()


def test_an_image_of_many_layers(daemon, tmp_path):
    """Their paths together are longer than a page."""
    with open("/bin/busybox", "rb") as program:
        layers = [layer("bin/busybox", program.read(), 0o755)]
    layers += [layer(f"files/{number}", b"x") for number in range(LAYERS - 1)]
    config = {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/bin/busybox", "ls", "/files"]},
              "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(data).hexdigest() for data in layers]}}
    names = [f"{number}/layer.tar" for number in range(LAYERS)]
    with tarfile.open(tmp_path / "image.tar", "w") as archive:
        add(archive, "config.json", json.dumps(config).encode())
        for name, data in zip(names, layers):
            add(archive, name, data)
        add(archive, "manifest.json",
            json.dumps([{"Config": "config.json", "RepoTags": ["many:latest"], "Layers": names}]).encode())
    daemon.cli("load", "-i", tmp_path / "image.tar")
    for options in ((), ("--read-only",)):
        done = daemon.cli("container", "run", "--rm", *options, "many")
        assert len(done.stdout.split()) == LAYERS - 1
