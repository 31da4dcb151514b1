"""shoal-worker pull against a real registry: schemes, certificates, credentials, platforms, cut connections."""
import base64
import hashlib
import json
import os
import re
import signal
import socket
import threading
import time
import urllib.parse

import pytest
from harness.machine import Process, run, wait_until
from harness.registry import Fake
from harness.worker import Store


@pytest.fixture
def store(build, netns, tmp_path):
    store = Store(build, tmp_path / "data", netns)
    yield store
    assert not store.left_over()


def judge(store, image, reference, tmp_path, *options):
    """skopeo finds the same image in what is saved as in the registry."""
    store.save(tmp_path / "saved.tar", image)
    ours = json.loads(run("skopeo", "inspect", "--config", f"oci-archive:{tmp_path}/saved.tar").stdout)
    theirs = json.loads(store.netns.run("skopeo", "inspect", "--config", *options, f"docker://{reference}").stdout)
    assert ours == theirs


def test_http_on_loopback(registry, store, tmp_path):
    reference = registry.reference("busybox")
    answer = store.run("pull", reference=reference).ok
    image = answer.image
    assert reference in image["names"]
    assert any(re.fullmatch(r"127\.0\.0\.1:5000/shoal/busybox@sha256:[0-9a-f]{64}", name) for name in image["names"])
    assert (store.layer(image) / "bin/busybox").stat().st_mode & 0o111
    judge(store, image, reference, tmp_path, "--tls-verify=false")
    assert answer.progress[0] == {"id": "latest", "status": "Pulling from shoal/busybox"}
    label = answer.progress[1]["id"]
    told = answer.statuses(label)
    assert told[0] == "Pulling fs layer" and told[-1] == "Pull complete"
    assert [status for status in told if status in ("Verifying Checksum", "Download complete", "Pull complete")] == [
        "Verifying Checksum", "Download complete", "Pull complete"]


def test_again_nothing_is_fetched(fake, store):
    reference = fake.reference("hello")
    first = store.run("pull", reference=reference).image
    before = len([path for path, _ in fake.seen if "/blobs/" in path])
    answer = store.run("pull", reference=reference).ok
    assert answer.image["layers"][0]["name"] == first["layers"][0]["name"]
    assert "Already exists" in answer.statuses() and "Downloading" not in answer.statuses()
    fetched = len([path for path, _ in fake.seen if "/blobs/" in path]) - before
    assert fetched == 1  # the configuration


def test_by_digest(registry, store):
    seen = json.loads(store.netns.run("skopeo", "inspect", "--tls-verify=false",
                                      f"docker://{registry.reference('hello')}").stdout)
    image = store.run("pull", reference=f"{registry.address}/shoal/hello@{seen['Digest']}").image
    assert image["names"] == [f"{registry.address}/shoal/hello@{seen['Digest']}"]
    wrong = f"{registry.address}/shoal/hello@sha256:{'0' * 64}"
    store.run("pull", reference=wrong).refused("not found", "manifest unknown")


def test_what_is_not_there(registry, store):
    store.run("pull", reference=registry.reference("hello", "nope")).refused("not found", "shoal/hello:nope not found")
    store.run("pull", reference=f"{registry.address}/nobody/knows").refused("not found")
    store.run("pull", reference="127.0.0.1:1/x/y").refused("unavailable", "cannot reach 127.0.0.1:1")
    store.run("pull", reference="Bad Name").refused("invalid", "invalid reference format")


def certificates(registry, tmp_path, **files):
    folder = tmp_path / "certs.d" / registry.address
    folder.mkdir(parents=True)
    for name, source in files.items():
        (folder / name.replace("_", ".")).write_bytes(source.read_bytes())
    return [str(tmp_path / "certs.d")]


def test_tls_with_an_authority_of_its_own(registry_tls, store, tmp_path):
    reference = registry_tls.reference("busybox")
    message = store.run("pull", reference=reference).refused("denied", "certificate of 127.0.0.1:5000 cannot be trusted")
    assert "/etc/shoal/certs.d/127.0.0.1:5000/ca.crt" in message
    folders = certificates(registry_tls, tmp_path, ca_crt=registry_tls.ca)
    image = store.run("pull", reference=reference, certificate_folders=folders).image
    assert (store.layer(image) / "bin/busybox").exists()


def test_tls_that_is_not_asked_for_its_certificate(registry_tls, store):
    assert store.run("pull", reference=registry_tls.reference("hello"), insecure=True).image


def test_basic_credentials(registry_auth, store, tmp_path):
    folders = certificates(registry_auth, tmp_path, ca_crt=registry_auth.ca)
    reference = registry_auth.reference("hello")
    user, password = registry_auth.credentials
    store.run("pull", reference=reference, certificate_folders=folders).refused("denied", "pull access denied")
    store.run("pull", reference=reference, certificate_folders=folders,
              auth={"username": user, "password": "wrong"}).refused("denied")
    assert store.run("pull", reference=reference, certificate_folders=folders,
                     auth={"username": user, "password": password}).image


def test_credentials_of_the_docker_client(registry_auth, store, tmp_path):
    folders = certificates(registry_auth, tmp_path, ca_crt=registry_auth.ca)
    reference = registry_auth.reference("hello")
    user, password = registry_auth.credentials
    secret = base64.b64encode(f"{user}:{password}".encode()).decode()
    home = tmp_path / "home" / ".docker"
    home.mkdir(parents=True)
    for key in (registry_auth.address, f"https://{registry_auth.address}/v1/"):
        (home / "config.json").write_text(json.dumps({"auths": {key: {"auth": secret}}}), encoding="utf-8")
        assert store.run("pull", reference=reference, certificate_folders=folders,
                         env={"HOME": str(tmp_path / "home")}).image
    (home / "config.json").write_text("{broken", encoding="utf-8")
    store.run("pull", reference=reference, certificate_folders=folders,
              env={"HOME": str(tmp_path / "home")}).refused("invalid", "config.json")


def test_a_credential_helper(registry_auth, store, tmp_path):
    folders = certificates(registry_auth, tmp_path, ca_crt=registry_auth.ca)
    user, password = registry_auth.credentials
    programs = tmp_path / "bin"
    programs.mkdir()
    helper = programs / "docker-credential-test"
    answer = json.dumps({"ServerURL": "x", "Username": user, "Secret": password})
    helper.write_text(f"#!/bin/sh\nread host; [ \"$1 $host\" = 'get {registry_auth.address}' ] || exit 1\n"
                      f"echo '{answer}'\n", encoding="utf-8")
    helper.chmod(0o755)
    config = tmp_path / "config.json"
    path = {"PATH": f"{programs}:{os.environ['PATH']}"}
    for content in ({"credsStore": "test"}, {"credHelpers": {registry_auth.address: "test"}}):
        config.write_text(json.dumps(content), encoding="utf-8")
        assert store.run("pull", reference=registry_auth.reference("hello"), certificate_folders=folders,
                         docker_config=str(config), env=path).image
    config.write_text(json.dumps({"credsStore": "../../evil"}), encoding="utf-8")
    store.run("pull", reference=registry_auth.reference("hello"), certificate_folders=folders,
              docker_config=str(config)).refused("invalid", "credential helper")


# --- A registry in front of it, for what a well-behaved one does not do


@pytest.fixture
def fake(registry, netns):
    fake = Fake(netns, registry.port, 5001)
    yield fake
    fake.close()


def test_resumes_after_cut_connections(fake, registry, store, tmp_path):
    """Each answer of a blob ends after 200 kB; the rest is asked for with Range, and all of it is right."""
    def cut(handler):
        if "/blobs/" not in handler.path:
            return False
        status, headers, body = fake.fetch(handler.path, handler.headers)
        if len(body) < 200000:
            return False
        handler.send_response(status)
        for key in ("Content-Length", "Content-Range"):
            if headers[key]:
                handler.send_header(key, headers[key])
        handler.end_headers()
        handler.wfile.write(body[:200000])
        handler.wfile.flush()
        handler.connection.shutdown(socket.SHUT_RDWR)
        handler.close_connection = True
        return True

    fake.bend = cut
    image = store.run("pull", reference=fake.reference("busybox"), timeout=300).image
    ranges = [headers["Range"] for path, headers in fake.seen if "Range" in headers]
    assert len(ranges) >= 2 and ranges == sorted(ranges, key=lambda text: int(text[6:-1]))
    assert ranges[0] == "bytes=200000-"
    fake.bend = lambda handler: False
    judge(store, image, registry.reference("busybox"), tmp_path, "--tls-verify=false")


def test_a_server_that_ignores_range(fake, store):
    cuts = []

    def whole_again(handler):
        if "/blobs/" not in handler.path:
            return False
        _, _, body = fake.fetch(handler.path, {})
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if len(body) > 200000 and len(cuts) < 2:
            cuts.append(handler.path)
            handler.wfile.write(body[:100000])
            handler.close_connection = True
        else:
            handler.wfile.write(body)
        return True

    fake.bend = whole_again
    assert store.run("pull", reference=fake.reference("busybox")).image
    assert len(cuts) == 2


def test_gives_up_when_nothing_comes(fake, store):
    def refuse(handler):
        if "/blobs/" in handler.path:
            handler.close_connection = True
            return True
        return False

    fake.bend = refuse
    started = time.monotonic()
    store.run("pull", reference=fake.reference("hello")).refused("unavailable", "cannot reach")
    assert time.monotonic() - started > 3, "it tries again first"


def test_waits_where_it_is_told_to(fake, store):
    told = []

    def busy(handler):
        if "/manifests/" in handler.path and not told:
            told.append(time.monotonic())
            handler.answer(429, b"{}", Retry_After="1")
            return True
        return False

    fake.bend = busy
    assert store.run("pull", reference=fake.reference("hello")).image
    manifests = [path for path, _ in fake.seen if "/manifests/" in path]
    assert len(manifests) == 2


def test_wrong_blobs_are_refused(fake, store):
    def change(handler):
        if "/blobs/" not in handler.path:
            return False
        _, _, body = fake.fetch(handler.path, {})
        handler.answer(200, body[:-1] + bytes([body[-1] ^ 1]))
        return True

    fake.bend = change
    store.run("pull", reference=fake.reference("hello")).refused("invalid", "wrong blob: its digest is sha256:")


def test_blobs_that_do_not_end_are_refused(fake, store):
    def more(handler):
        if "/blobs/" not in handler.path:
            return False
        _, _, body = fake.fetch(handler.path, {})
        handler.answer(200, body + b"x" * 100000)
        return True

    fake.bend = more
    store.run("pull", reference=fake.reference("hello")).refused("invalid", "longer than its manifest says")


def manifest_answer(content, content_type="application/vnd.oci.image.manifest.v1+json", **headers):
    body = content if isinstance(content, bytes) else json.dumps(content).encode()

    def bend(handler):
        if "/manifests/" not in handler.path:
            return False
        handler.answer(200, body, Content_Type=content_type, **headers)
        return True
    return bend


EMPTY = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "sha256:" + "0" * 64, "size": 2}


@pytest.mark.parametrize("content, kind, words", [
    (b"x" * 10, "invalid", ""),
    (b"[" * 5000000, "limit", "more than 4194304 bytes"),
    ({"schemaVersion": 1, "name": "x", "fsLayers": []}, "unsupported", "schema 1"),
    ({"schemaVersion": 2, "config": EMPTY, "layers": [], "manifests": []}, "invalid", "neither"),
    ({"schemaVersion": 2}, "invalid", "neither"),
    ({"schemaVersion": 2, "config": {**EMPTY, "size": 1 << 40}, "layers": []}, "limit", "configuration"),
    ({"schemaVersion": 2, "config": {**EMPTY, "digest": "sha256:../../../etc/passwd"}, "layers": []}, "invalid", "digest"),
    ({"schemaVersion": 2, "config": EMPTY, "layers": [{**EMPTY, "mediaType": "application/vnd.helm.chart"}]},
     "unsupported", "application/vnd.helm.chart"),
    ({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "config": EMPTY, "layers": []},
     "invalid", "calls itself"),
], ids=["no JSON", "huge", "schema 1", "both kinds", "neither kind", "huge configuration", "path as digest", "artifact",
        "wrong type"])
def test_bad_manifests(fake, store, content, kind, words):
    fake.bend = manifest_answer(content)
    store.run("pull", reference=fake.reference("hello")).refused(kind, words)


def test_a_manifest_that_lies_about_its_digest(fake, store):
    fake.bend = manifest_answer({"schemaVersion": 2, "config": EMPTY, "layers": []},
                                Docker_Content_Digest="sha256:" + "1" * 64)
    store.run("pull", reference=fake.reference("hello")).refused("invalid", "wrong manifest")


def test_lists_by_platform(fake, store, images, tmp_path):
    """A list with hello for two architectures: each is found, a third one is named as missing."""
    found = {}
    run("skopeo", "--insecure-policy", "copy", "-q", f"oci-archive:{images('hello')}", f"oci:{tmp_path}/layout:x")
    _, _, real = fake.fetch("/v2/shoal/hello/manifests/latest",
                            {"Accept": "application/vnd.oci.image.manifest.v1+json, "
                                       "application/vnd.docker.distribution.manifest.v2+json"})
    kind = json.loads(real)["mediaType"]
    config = json.loads(real)["config"]
    _, _, text = fake.fetch(f"/v2/shoal/hello/blobs/{config['digest']}", {})
    blobs, manifests = {}, []

    def digest(data):
        return "sha256:" + hashlib.sha256(data).hexdigest()

    for architecture, variant in (("amd64", None), ("arm", "v6"), ("arm", "v7")):
        mine = json.dumps({**json.loads(text), "architecture": architecture, "variant": variant}).encode()
        blobs[digest(mine)] = mine
        document = json.dumps({**json.loads(real), "config": {**config, "digest": digest(mine), "size": len(mine)}}).encode()
        blobs[digest(document)] = document
        manifests.append({"mediaType": kind, "digest": digest(document), "size": len(document),
                          "platform": {"os": "linux", "architecture": architecture, **({"variant": variant} if variant else {})}})
        found[architecture, variant] = digest(mine)
    manifests.insert(0, {"mediaType": kind, "digest": "sha256:" + "2" * 64, "size": 5,
                         "platform": {"os": "unknown", "architecture": "unknown"},
                         "annotations": {"vnd.docker.reference.type": "attestation-manifest"}})
    index = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
                        "manifests": manifests}).encode()

    def serve(handler):
        name = handler.path.rsplit("/", 1)[1]
        if name == "latest":
            handler.answer(200, index, Content_Type="application/vnd.oci.image.index.v1+json")
        elif name in blobs:
            handler.answer(200, blobs[name], Content_Type=kind if "/manifests/" in handler.path else "x/y")
        else:
            return False
        return True

    fake.bend = serve
    reference = fake.reference("hello")
    for platform, expected in (("linux/amd64", ("amd64", None)), ("linux/arm/v7", ("arm", "v7")),
                               ("linux/arm/v6", ("arm", "v6")), ("linux/arm64", ("arm", "v7"))):
        answer = store.run("pull", reference=reference, platform=platform).ok
        assert answer.image["id"] == found[expected]
        assert answer.result["digest"] == digest(index)
        assert f"{fake.address}/shoal/hello@{digest(index)}" in answer.image["names"]
    message = store.run("pull", reference=reference, platform="linux/s390x").refused("not found", "linux/s390x")
    assert "linux/amd64, linux/arm/v6, linux/arm/v7" in message


# --- Token authentication


class TokenServer(Fake):
    """The same with Bearer tokens: /token wants the password and gives a token for what was asked for, once."""

    USER, PASSWORD, SECRET = "eel", "fi:sh &=", "identity-token"

    def __init__(self, netns, upstream, port):
        super().__init__(netns, upstream, port)
        self.tokens, self.asked = set(), []
        self.uses_left = None
        self.bend = self.guard

    def guard(self, handler):
        path = urllib.parse.urlsplit(handler.path)
        if path.path == "/token":
            self.give(handler, urllib.parse.parse_qs(path.query))
            return True
        token = handler.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self.tokens:
            handler.answer(401, b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}',
                           WWW_Authenticate=f'Bearer realm="http://{self.address}/token",service="the, service",'
                                            f'scope="repository:shoal/hello:pull"')
            return True
        if self.uses_left is not None:
            self.uses_left -= 1
            if self.uses_left == 0:
                self.tokens.clear()
                self.uses_left = None
        return False

    def give(self, handler, query):
        expected = "Basic " + base64.b64encode(f"{self.USER}:{self.PASSWORD}".encode()).decode()
        if handler.command == "POST":
            form = urllib.parse.parse_qs(handler.rfile.read(int(handler.headers["Content-Length"])).decode())
            self.asked.append(form)
            permitted = form["refresh_token"] == [self.SECRET] and form["grant_type"] == ["refresh_token"]
        else:
            self.asked.append(query)
            permitted = handler.headers.get("Authorization") == expected
        if not permitted:
            handler.answer(401, b"{}")
            return
        token = f"token-{len(self.tokens) + 1}-{os.urandom(4).hex()}"
        self.tokens.add(token)
        handler.answer(200, json.dumps({"access_token" if handler.command == "POST" else "token": token}).encode())


@pytest.fixture
def token_server(registry, netns):
    server = TokenServer(netns, registry.port, 5002)
    yield server
    server.close()


def test_tokens(token_server, store):
    reference = token_server.reference("hello")
    store.run("pull", reference=reference).refused("denied", "pull access denied for 127.0.0.1:5002/shoal/hello")
    auth = {"username": token_server.USER, "password": token_server.PASSWORD}
    assert store.run("pull", reference=reference, auth=auth).image
    assert token_server.asked[-1]["service"] == ["the, service"]
    assert token_server.asked[-1]["scope"] == ["repository:shoal/hello:pull"]


def test_identity_tokens(token_server, store):
    reference = token_server.reference("hello")
    assert store.run("pull", reference=reference, auth={"identitytoken": token_server.SECRET}).image
    assert token_server.asked[-1]["client_id"] == ["shoal"]


def test_a_token_that_expires_on_the_way(token_server, store):
    token_server.uses_left = 2
    auth = {"username": token_server.USER, "password": token_server.PASSWORD}
    assert store.run("pull", reference=token_server.reference("hello"), auth=auth).image
    assert len(token_server.asked) >= 2


def test_redirects_do_not_carry_the_token(token_server, registry, netns, store):
    """Blobs are redirected to another port: that server gets no Authorization."""
    other = Fake(netns, registry.port, 5003)
    guard = token_server.guard

    def redirect(handler):
        if guard(handler):
            return True
        if "/blobs/" in handler.path:
            handler.answer(307, b"", Location=f"http://127.0.0.1:5003{handler.path}")
            return True
        return False

    token_server.bend = redirect
    auth = {"username": token_server.USER, "password": token_server.PASSWORD}
    try:
        assert store.run("pull", reference=token_server.reference("hello"), auth=auth).image
    finally:
        other.close()
    assert other.seen and not any("Authorization" in headers for _, headers in other.seen)


# --- Endings


def test_killed_in_the_middle(fake, build, tmp_path, netns):
    """kill -9 leaves the staging folder, and nothing else: no process, no layer, no blob."""
    store = Store(build, tmp_path / "data", netns)
    arrived, over = threading.Event(), threading.Event()

    def stall(handler):
        if "/blobs/" not in handler.path:
            return False
        _, _, body = fake.fetch(handler.path, {})
        if len(body) < 200000:
            return False
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[:100000])
        handler.wfile.flush()
        arrived.set()
        over.wait(300)
        return True

    fake.bend = stall
    process = store.start("pull", reference=fake.reference("busybox"), staging="tmp-killed")
    assert arrived.wait(60)
    wait_until((tmp_path / "data/layers/tmp-killed").exists, "it begins to unpack")
    children = run("pgrep", "-P", process.pid).stdout.split()
    assert children
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    for child in children:
        wait_until(lambda child=child: Process(int(child)).is_gone, "the helper ends too")
    over.set()
    assert [path.name for path in (tmp_path / "data/layers").iterdir()] == ["tmp-killed"]
    for folder in "images/blobs/sha256", "images/tar":
        assert not list((tmp_path / "data" / folder).glob("*"))


def test_it_gives_up_its_privileges(fake, build, tmp_path, netns):
    store = Store(build, tmp_path / "data", netns)
    arrived, go_on = threading.Event(), threading.Event()

    def stall(handler):
        if "/blobs/" in handler.path:
            arrived.set()
            go_on.wait(300)
        return False

    fake.bend = stall
    process = store.start("pull", reference=fake.reference("hello"))
    assert arrived.wait(60)

    def status(pid):
        lines = open(f"/proc/{pid}/status", encoding="utf-8").read().splitlines()
        return dict(line.split(":\t", 1) for line in lines if ":\t" in line)

    mine = status(process.pid)
    helper = status(run("pgrep", "-P", process.pid).stdout.split()[0])
    go_on.set()
    process.stdout.read()
    assert process.wait() == 0
    process.stdout.close()
    for field in ("CapPrm", "CapEff", "CapBnd"):
        assert int(mine[field], 16) == 0, field
    assert mine["NoNewPrivs"] == "1" and mine["Seccomp"] == "2"
    assert int(helper["CapEff"], 16) & (1 << 12 | 1 << 19 | 1 << 16) == 0  # net_admin, sys_ptrace, sys_module
