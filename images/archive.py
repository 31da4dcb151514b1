"""Image archives without a daemon: layers as tar files, and around them what 'docker save' and OCI tools both read.

The same input gives the same bytes: names are sorted, times are fixed, owners are named by number.
"""
import dataclasses
import hashlib
import io
import json
import pathlib
import stat
import tarfile

# One time for everything: an image has no other date than that of the packages that its files come from.
MTIME = 1735689600
CREATED = "2025-01-01T00:00:00Z"

MEDIA = "application/vnd.oci.image."


class Layer:
    """The files of one layer: path without leading '/' → header and content. Parents are made as they are needed."""

    def __init__(self):
        self.entries = {}

    def _add(self, path, kind, mode, data=b"", owner=(0, 0), target=""):
        path = str(path).strip("/")
        for parent in reversed(pathlib.PurePosixPath(path).parents[:-1]):
            if str(parent) not in self.entries:
                self._add(parent, tarfile.DIRTYPE, 0o755)
        info = tarfile.TarInfo(path)
        info.type, info.mode, info.mtime, info.size, info.linkname = kind, mode, MTIME, len(data), target
        info.uid, info.gid = owner
        self.entries[path] = (info, data)

    def folder(self, path, mode=0o755, owner=(0, 0)):
        self._add(path, tarfile.DIRTYPE, mode, owner=owner)

    def file(self, path, data, mode=0o644, owner=(0, 0)):
        self._add(path, tarfile.REGTYPE, mode, data.encode() if isinstance(data, str) else data, owner)

    def copy(self, source, path, mode=None):
        """A file of this machine, symbolic links followed."""
        source = pathlib.Path(source)
        self.file(path, source.read_bytes(), mode or stat.S_IMODE(source.stat().st_mode))

    def symlink(self, path, target):
        self._add(path, tarfile.SYMTYPE, 0o777, target=target)

    def hardlink(self, path, target):
        """target: a path of this layer that sorts before path, or is written before it in any case (bin/busybox)."""
        self._add(path, tarfile.LNKTYPE, self.entries[target][0].mode, target=target)

    def tar(self):
        """Hard links come last, so that what they point to is there."""
        out = io.BytesIO()
        order = sorted(self.entries.items(), key=lambda entry: (entry[1][0].type == tarfile.LNKTYPE, entry[0]))
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for _, (info, data) in order:
                tar.addfile(info, io.BytesIO(data))
        return out.getvalue()


@dataclasses.dataclass
class Image:
    """What goes into an archive. config: the image configuration's "config" (Cmd, Env, ExposedPorts …)."""
    name: str
    architecture: str
    variant: str
    config: dict
    layers: list


def _digest(data):
    return hashlib.sha256(data).hexdigest()


def _json(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _describe(media_type, data, **more):
    return {"mediaType": media_type, "digest": f"sha256:{_digest(data)}", "size": len(data), **more}


def write(image, path):
    """Writes the archive: an OCI image layout that has Docker's manifest.json too, as 'docker save' writes it."""
    layers = [layer.tar() for layer in image.layers]
    platform = {"architecture": image.architecture, "os": "linux", **({"variant": image.variant} if image.variant else {})}
    config = _json({
        **platform,
        "created": CREATED,
        "config": image.config,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{_digest(layer)}" for layer in layers]},
        "history": [{"created": CREATED, "created_by": "images/build"} for _ in layers],
    })
    manifest = _json({
        "schemaVersion": 2,
        "mediaType": MEDIA + "manifest.v1+json",
        "config": _describe(MEDIA + "config.v1+json", config),
        "layers": [_describe(MEDIA + "layer.v1.tar", layer) for layer in layers],
    })
    tag = image.name.rpartition(":")[2]
    names = {"org.opencontainers.image.ref.name": tag, "io.containerd.image.name": f"docker.io/{image.name}"}
    files = {f"blobs/sha256/{_digest(data)}": data for data in (config, manifest, *layers)}
    files["oci-layout"] = _json({"imageLayoutVersion": "1.0.0"})
    files["index.json"] = _json({
        "schemaVersion": 2,
        "mediaType": MEDIA + "index.v1+json",
        "manifests": [_describe(MEDIA + "manifest.v1+json", manifest, platform=platform, annotations=names)],
    })
    files["manifest.json"] = _json([{
        "Config": f"blobs/sha256/{_digest(config)}",
        "RepoTags": [image.name],
        "Layers": [f"blobs/sha256/{_digest(layer)}" for layer in layers],
    }])
    archive = Layer()
    for name, data in files.items():
        archive.file(name, data)
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(archive.tar())
    part.replace(path)
