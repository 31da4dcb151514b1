"""The images: one function each, from what is on the machine or in Debian packages to an archive.Image."""
import pathlib
import subprocess

import picture
from archive import Image, Layer
from debian import Packages

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

INDEX = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Hello from Shoal</title>
<style>body{font:1em sans-serif;text-align:center}</style>
<h1>Hello from Shoal!</h1>
<p>A container served this page of 304 bytes, and this picture of 83,052 bytes:</p>
<img src="picture.png" alt="A shoal of fish">
"""


def labels(name, description):
    return {"org.opencontainers.image.title": name, "org.opencontainers.image.description": description}


def base(accounts=()):
    """What any program expects to find: accounts (name, number, home), a place for temporary files, the usual folders."""
    layer = Layer()
    users = [("root", 0, "/root"), *accounts, ("nobody", 65534, "/nonexistent")]
    layer.file("etc/passwd", "".join(f"{name}:x:{number}:{number}:{name}:{home}:/bin/sh\n" for name, number, home in users))
    layer.file("etc/group", "".join(f"{name}:x:{number}:\n" for name, number, _ in users))
    layer.file("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")
    layer.folder("root", 0o700)
    layer.folder("tmp", 0o1777)
    layer.folder("run")
    return layer


def hello(build):
    """nano-httpd with a page and a picture: no libc, no shell, nothing else."""
    server, site = Layer(), Layer()
    server.copy(build / "nano-httpd", "nano-httpd", 0o755)
    site.file("www/index.html", INDEX)
    site.file("www/picture.png", picture.draw())
    return [server, site], {
        "Entrypoint": ["/nano-httpd"],
        "Cmd": ["-p", "80", "/www"],
        "ExposedPorts": {"80/tcp": {}},
        "WorkingDir": "/",
        "Labels": labels("hello", "A page and a picture, served by nano-httpd"),
    }


def busybox(_build):
    """busybox with a link for each applet."""
    layer = base()
    layer.copy("/bin/busybox", "bin/busybox", 0o755)
    for applet in subprocess.run(["/bin/busybox", "--list"], capture_output=True, text=True, check=True).stdout.split():
        if applet != "busybox":
            layer.hardlink(f"bin/{applet}", "bin/busybox")
    layer.symlink("usr/bin/env", "/bin/env")
    layer.folder("home")
    layer.folder("var/tmp", 0o1777)
    return [layer], {
        "Cmd": ["sh"],
        "Env": [PATH],
        "WorkingDir": "/",
        "Labels": labels("busybox", "A shell and the small tools of Unix"),
    }


REDIS_CONF = """# Reachable from other containers, as a container's redis has to be; what protects it is the network it is in.
bind * -::*
protected-mode no
port 6379
dir /data
logfile ""
save 60 1
"""


def redis(_build):
    """Redis as Debian builds it."""
    packages = Packages("redis")
    libraries, program = base([("redis", 999, "/data")]), Layer()
    for path in ("usr/bin/redis-server", "usr/bin/redis-cli"):
        packages.add_program(libraries, program, path)
    program.file("etc/redis/redis.conf", REDIS_CONF)
    program.folder("data", 0o755, (999, 999))
    return [libraries, program], {
        "Cmd": ["redis-server", "/etc/redis/redis.conf"],
        "Env": [PATH],
        "User": "redis",
        "WorkingDir": "/data",
        "Volumes": {"/data": {}},
        "ExposedPorts": {"6379/tcp": {}},
        "Healthcheck": {"Test": ["CMD", "redis-cli", "ping"], "Interval": 5000000000, "Timeout": 3000000000, "Retries": 3},
        "Labels": labels("redis", "Redis, from Debian's packages"),
    }


NGINX_CONF = """user www-data;
worker_processes 1;
pid /run/nginx.pid;
error_log /var/log/nginx/error.log notice;

events {
    worker_connections 512;
}

http {
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    access_log /var/log/nginx/access.log;
    sendfile on;
    keepalive_timeout 65;
    server {
        listen 80 default_server;
        root /usr/share/nginx/html;
    }
}
"""


def nginx(_build):
    """nginx as Debian builds it; its master is root, its workers are not, and its logs are the container's."""
    packages = Packages("nginx")
    libraries, program = base([("www-data", 33, "/var/www")]), Layer()
    packages.add_program(libraries, program, "usr/sbin/nginx")
    program.copy(packages.path("etc/nginx/mime.types"), "etc/nginx/mime.types", 0o644)
    program.file("etc/nginx/nginx.conf", NGINX_CONF)
    program.file("usr/share/nginx/html/index.html", "<!doctype html>\n<title>nginx</title>\n<h1>Hello from nginx</h1>\n")
    for folder in ("body", "fastcgi", "proxy", "scgi", "uwsgi"):
        program.folder(f"var/lib/nginx/{folder}", 0o700, (33, 0))
    program.symlink("var/log/nginx/access.log", "/dev/stdout")
    program.symlink("var/log/nginx/error.log", "/dev/stderr")
    return [libraries, program], {
        "Cmd": ["nginx", "-g", "daemon off;"],
        "Env": [PATH],
        "WorkingDir": "/",
        "ExposedPorts": {"80/tcp": {}},
        "StopSignal": "SIGQUIT",
        "Labels": labels("nginx", "nginx, from Debian's packages"),
    }


RECIPES = {"busybox": busybox, "hello": hello, "nginx": nginx, "redis": redis}


def platform():
    """(architecture, variant) of this machine, in the words of OCI."""
    debian = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()
    return {"armhf": ("arm", "v7"), "i386": ("386", "")}.get(debian, (debian, ""))


def make(name, build):
    layers, config = RECIPES[name](pathlib.Path(build))
    return Image(f"shoal/{name}:latest", *platform(), config, layers)
