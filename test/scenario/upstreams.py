"""Web servers of other people as upstreams: Debian's, each with a folder and a loopback port of its
own, set up by the files of integrations/, running as whoever runs the tests.

Each serves static files and CGI: /cgi-bin/echo prints the environment of a CGI program and a digest
of the body; /cgi-bin/login-if-unproved.cgi is the example of integrations/.
"""
import grp
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

from gateways import ROOT, free_port, pattern
from upstream_programs import CgiRunner, FastCgi

EXAMPLES = ROOT / "integrations"
INDEX = b"<!doctype html><title>device</title><p>the device's page\n"
LOGIN = b"<!doctype html><p>log in here\n"
FOLDER = b"<!doctype html><p>a folder's page\n"
BYTES = pattern(100_000)

# Lines end as echo ends them: what a server makes of that is its own affair, and ours to bear.
ECHO = """#!/bin/sh
echo "Content-Type: text/plain"
echo
env
echo "BODY_SHA256=$(head -c "${CONTENT_LENGTH:-0}" | sha256sum | cut -d' ' -f1)"
"""


def cgi_environment(body):
    """What /cgi-bin/echo printed, as {name: value}."""
    return dict(line.split("=", 1) for line in body.decode().splitlines() if "=" in line)


def program(name):
    """Its path; the test is skipped where it isn't installed."""
    path = shutil.which(name) or f"/usr/sbin/{name}"
    if not os.path.exists(path):
        pytest.skip(f"{name} isn't installed")
    return path


def giving_up_root():
    """Apache refuses to serve as root, and takes no User when it isn't root."""
    if os.geteuid() != 0:
        return ""
    names = {user.pw_name for user in pwd.getpwall()}
    user = pwd.getpwnam("www-data" if "www-data" in names else "nobody")
    return f"User {user.pw_name}\nGroup {grp.getgrgid(user.pw_gid).gr_name}"


class WebServer:
    """A program, its folder (readable to those who give up root), and its port."""

    example = None  # of integrations/
    runs = None     # the program
    address = "HTTP_X_FORWARDED_FOR"  # where a CGI program finds the client's
    ends_by = signal.SIGTERM

    def __init__(self):
        self.path = program(self.runs)
        self.root = pathlib.Path(tempfile.mkdtemp(prefix=f"keyplate-{self.runs}-"))
        self.root.chmod(0o755)
        self.port = free_port()
        self.at = f"127.0.0.1:{self.port}"
        self.values = {"@PORT@": str(self.port), "@ROOT@": str(self.root / "www")}
        self.process = None
        try:
            self.fill(self.root / "www")
            self.argv = list(map(str, self.arguments()))
            self.start()
        except BaseException:
            self.stop()
            raise

    def start(self):
        with open(self.root / "log", "ab") as log:
            self.process = subprocess.Popen([self.path, *self.argv], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, env={"PATH": "/usr/bin:/bin"})
        self.wait()

    @staticmethod
    def fill(www):
        for folder in (www, www / "folder", www / "cgi-bin"):
            folder.mkdir(mode=0o755)
        for name, content in (("index.html", INDEX), ("login.html", LOGIN), ("bytes", BYTES),
                              ("folder/index.html", FOLDER)):
            (www / name).write_bytes(content)
        script = www / "cgi-bin" / "echo"
        script.write_text(ECHO)
        script.chmod(0o755)
        shutil.copy(EXAMPLES / "login-if-unproved.cgi", www / "cgi-bin")

    def config(self, before=""):
        """The example as a file, with the test's values in it."""
        text = (EXAMPLES / self.example).read_text()
        for name, value in self.values.items():
            text = text.replace(name, value)
        path = self.root / "server.conf"
        path.write_text(before + text)
        return path

    def arguments(self):
        raise NotImplementedError

    def wait(self):
        end = time.monotonic() + 10
        while True:
            with socket.socket() as sock:
                if sock.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            log = (self.root / "log").read_text(errors="replace")
            assert self.process.poll() is None and time.monotonic() < end, log
            time.sleep(0.02)

    def end(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(self.ends_by)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def stop(self):
        self.end()
        shutil.rmtree(self.root, ignore_errors=True)


class Nginx(WebServer):
    """It runs no CGI itself: a program behind it does."""

    example, runs = "nginx/behind-serve.conf", "nginx"
    CONFIG = """
daemon off;
master_process off;
pid {root}/pid;
error_log stderr;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {root}/body;
    proxy_temp_path {root}/proxy;
    fastcgi_temp_path {root}/fastcgi;
    uwsgi_temp_path {root}/uwsgi;
    scgi_temp_path {root}/scgi;
    include {site};
}}
"""

    def arguments(self):
        self.app = CgiRunner(self.root / "www")
        self.fastcgi = FastCgi()
        self.values.update({"@APP@": str(self.app.port), "@FASTCGI@": str(self.fastcgi.port)})
        config = self.root / "main.conf"
        config.write_text(self.CONFIG.format(root=self.root, site=self.config()))
        return ["-e", "stderr", "-p", self.root, "-c", config]

    def stop(self):
        super().stop()
        for one in ("app", "fastcgi"):
            if hasattr(self, one):
                getattr(self, one).stop()


class Apache(WebServer):
    example, runs, address = "apache/behind-serve.conf", "apache2", "REMOTE_ADDR"
    CONFIG = """
ServerRoot {root}
ServerName 127.0.0.1
PidFile {root}/pid
DefaultRuntimeDir {root}
Mutex file:{root}
ErrorLog {root}/log
StartServers 1
{user}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule alias_module {modules}/mod_alias.so
LoadModule dir_module {modules}/mod_dir.so
LoadModule setenvif_module {modules}/mod_setenvif.so
LoadModule cgid_module {modules}/mod_cgid.so
LoadModule remoteip_module {modules}/mod_remoteip.so
LoadModule proxy_module {modules}/mod_proxy.so
LoadModule proxy_http_module {modules}/mod_proxy_http.so
ScriptSock {root}/cgid.sock
Include {site}
"""

    def arguments(self):
        self.app = CgiRunner(self.root / "www")
        self.values["@APP@"] = str(self.app.port)
        config = self.root / "main.conf"
        config.write_text(self.CONFIG.format(root=self.root, user=giving_up_root(),
                                             modules="/usr/lib/apache2/modules",
                                             site=self.config()))
        return ["-d", self.root, "-f", config, "-DFOREGROUND"]

    def stop(self):
        super().stop()
        if hasattr(self, "app"):
            self.app.stop()


class Lighttpd(WebServer):
    example, runs = "lighttpd/behind-serve.conf", "lighttpd"

    def arguments(self):
        return ["-D", "-f", self.config()]


class Busybox(WebServer):
    example, runs = "busybox/behind-serve.conf", "busybox"

    def arguments(self):
        return ["httpd", "-f", "-p", self.at, "-h", self.root / "www", "-c", self.config()]


class Civetweb(WebServer):
    example, runs = "civetweb/behind-serve.conf", "civetweb"
    ends_by = signal.SIGKILL  # it takes two seconds to stop, and leaves nothing

    def arguments(self):
        return [self.config()]


class MiniHttpd(WebServer):
    """Its CGI programs get no field of the request but a few that it knows."""

    example, runs = "mini_httpd/behind-serve.conf", "mini_httpd"

    def arguments(self):
        return ["-D", "-C", self.config()]


class Libmicrohttpd(WebServer):
    """A program with that library: two pages, no files and no CGI."""

    runs = "cc"
    SOURCE = EXAMPLES / "libmicrohttpd" / "behind-serve.c"

    def arguments(self):
        if subprocess.run(["pkg-config", "--exists", "libmicrohttpd"], check=False).returncode != 0:
            pytest.skip("libmicrohttpd-dev isn't installed")
        self.path = self.root / "behind-serve"
        subprocess.run(f"cc -O2 -Wall -Wextra -Wconversion -Wshadow -Werror -o {self.path} {self.SOURCE}"
                       " $(pkg-config --cflags --libs libmicrohttpd)", shell=True, check=True)
        return [self.where()]

    def where(self):
        return self.port


# Of these a CGI program hears who was proved.
SERVERS = {"nginx": Nginx, "apache": Apache, "lighttpd": Lighttpd, "busybox": Busybox,
           "civetweb": Civetweb}
# These have pages in a folder, and CGI.
ALL_WITH_PAGES = {**SERVERS, "mini_httpd": MiniHttpd}
