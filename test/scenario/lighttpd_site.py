"""Debian's lighttpd with mod_keyplate, as the tests of it want it: the module is built once, by
integrations/lighttpd/build, and each site is the example integrations/lighttpd/keyplate.conf with
what its test adds."""
import os
import pathlib
import signal
import socket
import subprocess

from gateways import BUILD, PASSWORD, ROOT, SANITIZED, Program, curl, free_port, until
from http_peers import BY_TLS12, BY_TLS13, Channel, credentials
from upstreams import WebServer, program

HERE = ROOT / "integrations" / "lighttpd"
# A module with sanitizers would want them in lighttpd, too.
LIBRARY = ROOT / "build" if SANITIZED else BUILD
BOTH = {"tls12": BY_TLS12, "tls13": BY_TLS13}

# Beside the example's socket: another one with its credentials (@SAME@), one with others
# (@OTHER@), one without TLS and one with a certificate.
SOCKETS = """
server.modules += ("mod_wstunnel", "mod_proxy", "mod_openssl")
$SERVER["socket"] == "127.0.0.1:@SAME@" { }
$SERVER["socket"] == "127.0.0.1:@OTHER@" { keyplate.credentials = "@OTHERS@" }
$SERVER["socket"] == "127.0.0.1:@PLAIN@" { keyplate.engine = "disable" }
$SERVER["socket"] == "127.0.0.1:@CERTIFICATE@" {
    keyplate.engine = "disable"
    ssl.engine  = "enable"
    ssl.pemfile = "@PEM@"
}
$HTTP["url"] =~ "^/tunnel" { wstunnel.server = ("" => (("host" => "127.0.0.1", "port" => @TUNNEL@))) }
$HTTP["url"] =~ "^/proxied" {
    proxy.server    = ("" => (("host" => "127.0.0.1", "port" => @PROXIED@)))
    proxy.forwarded = ("for" => 1, "proto" => 1, "remote_user" => 1)
}
"""


def build_module():
    """The folder of modules: Debian's and ours."""
    done = subprocess.run([HERE / "build", "--keyplate-build", LIBRARY, "--out", BUILD / "lighttpd"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    folder = BUILD / "lighttpd" / "modules"
    folder.mkdir(exist_ok=True)
    for module in [*pathlib.Path("/usr/lib/lighttpd").glob("*.so"), BUILD / "lighttpd/mod_keyplate.so"]:
        link = folder / module.name
        link.unlink(missing_ok=True)
        link.symlink_to(module)
    return folder


def certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=device",
                    "-keyout", folder / "pem", "-out", folder / "crt"], check=True, capture_output=True)
    with open(folder / "pem", "ab") as pem:
        pem.write((folder / "crt").read_bytes())
    return folder / "pem"


class Site(Program):
    """lighttpd, with the example's configuration and more behind it.  before: what runs it."""

    def __init__(self, box, modules, more="", before=(), users=(("admin", PASSWORD),), seconds=10,
                 file=None, **values):
        self.box, self.modules = box, modules
        self.dir = box.dir / f"site{box.count()}"
        self.dir.mkdir(mode=0o755)
        WebServer.fill(self.dir / "www")
        (self.dir / "www" / "admin").mkdir()
        (self.dir / "www" / "admin" / "index.html").write_bytes(b"for admin\n")
        self.credentials = file or credentials(box, users)
        self.ports = {name: free_port() for name in ("PORT", "SAME", "OTHER", "PLAIN", "CERTIFICATE")}
        self.values = {"ADDRESS": "127.0.0.1", "CREDENTIALS": self.credentials,
                       "ROOT": self.dir / "www", **self.ports, **values}
        self.at = f"127.0.0.1:{self.ports['PORT']}"
        self.port = self.ports["PORT"]
        self.config = self.dir / "lighttpd.conf"
        self.config.write_text(self.filled((HERE / "keyplate.conf").read_text() + more))
        self.err = self.dir / "log"
        with open(self.err, "wb") as err:
            self.process = subprocess.Popen([*before, *self.command("-D")], stdin=subprocess.DEVNULL,
                                            stdout=err, stderr=err, env={"PATH": "/usr/bin:/bin"})
        self.pid = self.process.pid
        box.programs.append(self)
        self.listens(seconds)

    def filled(self, text):
        for name, value in self.values.items():
            text = text.replace(f"@{name}@", str(value))
        return text

    def command(self, *args):
        return [program("lighttpd"), *args, "-f", self.config, "-m", self.modules]

    def listens(self, seconds=10):
        """Until it answers: its sockets are there before it has judged its configuration."""
        def asked():
            assert self.process.poll() is None, self.log()
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as sock:
                    sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
                    return sock.recv(1)
            except OSError:
                return False
        until(asked, seconds, "lighttpd doesn't answer")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def url(self, path="/", port="PORT", scheme="https"):
        return f"{scheme}://127.0.0.1:{self.ports[port]}{path}"

    def page(self, path="/", *args, port="PORT", **kwargs):
        """curl's answer, by TLS 1.2."""
        done = curl(self.url(path, port), "-f", *args, **kwargs)
        assert done.returncode == 0, (done.stderr, self.log()[-2000:])
        return done.stdout

    def channel(self, *args, **kwargs):
        return Channel(self.box, self, *args, **kwargs)

    def at_port(self, name):
        return f"127.0.0.1:{self.ports[name]}"

    def fails_by(self, exit_status=35, **kwargs):
        done = curl(self.url(port=kwargs.pop("port", "PORT")), *kwargs.pop("args", ()), **kwargs)
        return done.returncode == exit_status and not done.stdout


def verdict(modules, folder, text):
    """What `lighttpd -tt` says of a configuration: its status, and its words."""
    config = folder / "try.conf"
    config.write_text(text)
    done = subprocess.run([program("lighttpd"), "-tt", "-f", config, "-m", modules],
                          capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]})
    return done.returncode, done.stdout + done.stderr
