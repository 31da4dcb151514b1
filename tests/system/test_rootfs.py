"""Root file systems of images that are out of the ordinary."""
import hashlib
import io
import json
import os
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


def upper(daemon, container):
    """What a container's own layer has."""
    folder = daemon.data_dir / "containers" / container / "upper"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_what_the_machines_network_says_is_a_layer_that_is_shared(daemon, images):
    """hosts and resolv.conf of containers on the host's network are the same, until one writes to its own."""
    daemon.load(images("busybox"))
    made = [daemon.ask("POST", "/containers/create", {
        "Image": "shoal/busybox", "Cmd": ["sleep", "1000"], "HostConfig": {"NetworkMode": "host", "ExtraHosts": ["box:192.0.2.7"]}})["Id"]
        for _ in range(2)]
    for container in made:
        daemon.ask("POST", f"/containers/{container}/start")
        assert upper(daemon, container) == []
    layers = os.listdir(daemon.data_dir / "etc")
    assert len(layers) == 1 and (daemon.data_dir / "etc" / layers[0] / "etc/hosts").read_text().count("192.0.2.7") == 1
    daemon.cli("container", "exec", made[0], "sh", "-c", "echo 192.0.2.8 mine >> /etc/hosts")
    look = [daemon.cli("container", "exec", container, "cat", "/etc/hosts").stdout for container in made]
    assert "box" in look[0] and "mine" in look[0] and "box" in look[1] and "mine" not in look[1]
    assert upper(daemon, made[0]) == ["etc", "etc/hosts"] and upper(daemon, made[1]) == []
    for container in made:
        daemon.api("DELETE", f"/containers/{container}?force=1")
    daemon.restart()
    assert not (daemon.data_dir / "etc").exists()


def test_an_etc_of_its_own_stays_the_images(daemon, tmp_path):
    """A layer of ours above it would change its mode."""
    with open("/bin/busybox", "rb") as program, tarfile.open(tmp_path / "root.tar", "w") as archive:
        add(archive, "bin/busybox", program.read(), 0o755)
        folder = tarfile.TarInfo("etc")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o711
        archive.addfile(folder)
    daemon.cli("import", tmp_path / "root.tar", "special")
    done = daemon.cli("container", "run", "--rm", "--network", "host", "special", "/bin/busybox", "sh", "-c",
                      "busybox stat -c %a /etc; busybox grep -c localhost /etc/hosts")
    assert done.stdout.split()[0] == "711" and int(done.stdout.split()[1]) > 0
