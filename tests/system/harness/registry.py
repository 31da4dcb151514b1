"""A real registry (Debian's docker-registry) on the loopback of a test's network namespace, and one that bends its answers."""
import http.client
import http.server
import pathlib
import socket
import subprocess
import threading

from .machine import run, wait_until

USER, PASSWORD = "fisher", "n3t&line"
HASHED = "$2b$04$mt2EhHYMrkssOu5lgdoxwexlXmZ3GdnPg8nMGwiEkwjbTWHjLmGP."  # bcrypt of it: all that this registry knows


def registry_program(build):
    """The program, taken out of its package once for each build folder; it is never installed as a service."""
    folder = build / "debs" / "registry"
    program = folder / "usr" / "bin" / "docker-registry"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        run(pathlib.Path(__file__).resolve().parents[3] / "tools" / "debs", "extract", "registry", folder)
    return program


class Registry:
    """address: 127.0.0.1:PORT in the namespace. ca: the certificate to trust, where it speaks TLS. credentials: (user,
    password), where it asks for them."""

    def __init__(self, build, netns, folder, images, tls=False, auth=False):
        self.netns, self.folder, self.images = netns, pathlib.Path(folder), images
        self.folder.mkdir(parents=True)
        self.port = 5000
        self.address = f"127.0.0.1:{self.port}"
        self.ca = self._make_certificate() if tls else None
        self.credentials = (USER, PASSWORD) if auth else None
        self.log = self.folder / "registry.log"
        self._program = registry_program(build)
        (self.folder / "config.yml").write_text(self._config(), encoding="utf-8")
        self.process = None
        self.start()

    def _make_certificate(self):
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=registry", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
            "-keyout", self.folder / "key.pem", "-out", self.folder / "cert.pem")
        return self.folder / "cert.pem"

    def _config(self):
        lines = [
            "version: 0.1",
            "log: {level: info, accesslog: {disabled: false}}",
            f"storage: {{filesystem: {{rootdirectory: {self.folder}/storage}}, delete: {{enabled: true}}}}",
            "http:",
            f"  addr: {self.address}",
        ]
        if self.ca:
            lines.append(f"  tls: {{certificate: {self.ca}, key: {self.folder}/key.pem}}")
        if self.credentials:
            (self.folder / "htpasswd").write_text(f"{USER}:{HASHED}\n", encoding="utf-8")
            lines.append(f"auth: {{htpasswd: {{realm: tests, path: {self.folder}/htpasswd}}}}")
        return "\n".join(lines) + "\n"

    def start(self):
        with self.log.open("ab") as log:
            self.process = self.netns.start(self._program, "serve", self.folder / "config.yml", stdout=log,
                                            stderr=subprocess.STDOUT)
        wait_until(self._answers, lambda: f"the registry is up\n{self.log.read_text(encoding='utf-8')}")

    def stop(self):
        self.process.kill()
        self.process.wait()

    def _answers(self):
        assert self.process.poll() is None, self.log.read_text(encoding="utf-8")
        with self.netns.inside():
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
                return True
            except OSError:
                return False

    def push(self, name, tag="latest", source=None, options=()):
        """Copies an image of images/ (or any that skopeo names) to shoal/NAME:TAG; returns how to call it in a pull."""
        source = source or f"docker-archive:{self.images(name)}"
        if self.credentials:
            options = [*options, "--dest-creds", ":".join(self.credentials)]
        self.netns.run("skopeo", "--insecure-policy", "copy", "-q", "--dest-tls-verify=false", *options, source,
                       f"docker://{self.reference(name, tag)}")
        return self.reference(name, tag)

    def reference(self, name, tag="latest"):
        return f"{self.address}/shoal/{name}:{tag}"

    def requests(self):
        """Lines of the access log: which client asked for what."""
        return [line for line in self.log.read_text(encoding="utf-8").splitlines() if " HTTP/1.1\" " in line]


class Fake:
    """A registry in front of the real one's storage, whose answers a test may bend: handlers by path prefix."""

    def __init__(self, netns, upstream, port):
        self.netns, self.upstream, self.port = netns, upstream, port
        self.address = f"127.0.0.1:{port}"
        self.bend = lambda handler: False
        self.seen = []
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                fake.seen.append((self.path, dict(self.headers)))
                if not fake.bend(self):
                    fake.forward(self)

            do_POST = do_GET

            def log_message(self, *_):
                pass

            def answer(self, status, body=b"", **headers):
                self.send_response(status)
                for key, value in headers.items():
                    self.send_header(key.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        with netns.inside():
            self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def fetch(self, path, headers):
        """(status, headers, body) of the real registry."""
        with self.netns.inside():
            connection = http.client.HTTPConnection("127.0.0.1", self.upstream, timeout=60)
            connection.connect()
        passed = {key: value for key, value in headers.items() if key.lower() in ("accept", "range")}
        connection.request("GET", path, headers=passed)
        reply = connection.getresponse()
        body = reply.read()
        connection.close()
        return reply.status, reply.headers, body

    def forward(self, handler):
        status, headers, body = self.fetch(handler.path, handler.headers)
        kept = {key: value for key, value in headers.items()
                if key.lower() in ("content-type", "docker-content-digest", "content-range", "location")}
        handler.answer(status, body, **kept)

    def reference(self, name, tag="latest"):
        return f"{self.address}/shoal/{name}:{tag}"

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
