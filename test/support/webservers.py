"""Web servers of other people, each with a directory of its own and on loopback only."""
import grp
import os
import pathlib
import pwd
import shutil
import tempfile

from . import content
from .ports import free_port
from .processes import Server, check, wait_for_port


def certificate(directory, name="127.0.0.1"):
    """A self-signed certificate and its key: for servers without SRP, and because mod_ssl does not
    start without one."""
    cert, key = directory / "cert.pem", directory / "key.pem"
    check(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
           "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", key, "-out", cert])
    return cert, key


def readable_directory(prefix):
    """Server processes that give up root must still reach their files."""
    path = pathlib.Path(tempfile.mkdtemp(prefix=prefix))
    path.chmod(0o755)
    return path


def _start(argv, port):
    """These two print nothing when they are ready."""
    server = Server(argv, ready=None)
    try:
        wait_for_port(port)
    except OSError as error:
        server.stop()
        raise AssertionError(f"{argv[0]} did not start:\n" + "\n".join(server.lines)) from error
    return server


class Apache:
    """mod_ssl with SRP suites only. GET /bytes.bin: content.pattern(BIG); POST /sum: the SHA-256 of
    the body. Unknown users are simulated, in the 8192-bit group."""

    MODULES = "/usr/lib/apache2/modules"
    CONFIG = """
ServerRoot {root}
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile {root}/pid
DefaultRuntimeDir {root}
Mutex file:{root}
ErrorLog {root}/error.log
LogLevel info
StartServers 1
KeepAlive Off
{user}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule alias_module {modules}/mod_alias.so
LoadModule cgid_module {modules}/mod_cgid.so
LoadModule socache_shmcb_module {modules}/mod_socache_shmcb.so
LoadModule ssl_module {modules}/mod_ssl.so
ScriptSock {root}/cgid.sock
DocumentRoot {root}/htdocs
ScriptAlias /sum {root}/sum
TransferLog {root}/access.log
CustomLog {root}/tls.log "connected protocol=%{{SSL_PROTOCOL}}x cipher=%{{SSL_CIPHER}}x \
resumed=%{{SSL_SESSION_RESUMED}}x user=%{{SSL_SRP_USER}}x"
SSLSessionCache shmcb:{root}/sessions(512000)
SSLEngine on
SSLProtocol TLSv1.2
SSLCipherSuite SRP:!aRSA:!aDSS
SSLCertificateFile {cert}
SSLCertificateKeyFile {key}
SSLSRPVerifierFile {srpv}
SSLSRPUnknownUserSeed interop
"""
    SUM = """#!/usr/bin/python3
import hashlib, sys
digest = hashlib.sha256()
while chunk := sys.stdin.buffer.read1(65536):
    digest.update(chunk)
print("Content-Type: text/plain\\r\\n\\r\\n" + digest.hexdigest(), end="")
"""

    def __init__(self, srpv):
        self.root = readable_directory("apache-srp-")
        (self.root / "htdocs").mkdir(mode=0o755)
        (self.root / "htdocs" / "bytes.bin").write_bytes(content.pattern(content.BIG))
        script = self.root / "sum"
        script.write_text(self.SUM)
        script.chmod(0o755)
        cert, key = certificate(self.root)
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        config = self.root / "httpd.conf"
        config.write_text(self.CONFIG.format(root=self.root, port=self.port, user=_giving_up_root(),
                                             modules=self.MODULES, cert=cert, key=key, srpv=srpv))
        self._server = _start(["apache2", "-d", self.root, "-f", config, "-DFOREGROUND"],
                              self.port)

    def connections(self):
        """The lines of tls.log, one a request."""
        return (self.root / "tls.log").read_text().splitlines()

    def stop(self):
        self._server.stop()
        shutil.rmtree(self.root, ignore_errors=True)


def _giving_up_root():
    """Apache refuses to serve as root and needs no User when it is not."""
    if os.geteuid() != 0:
        return ""
    for user in "www-data", "nobody":
        try:
            group = grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name
            return f"User {user}\nGroup {group}"
        except KeyError:
            continue
    raise OSError("no user for Apache to change to")


class Nginx:
    """TLS 1.2 and 1.3 with a certificate, as nearly every web server: no SRP at all."""

    CONFIG = """
daemon off;
master_process off;
pid {root}/pid;
error_log stderr;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {root}/body;
    proxy_temp_path {root}/proxy;
    fastcgi_temp_path {root}/fastcgi;
    uwsgi_temp_path {root}/uwsgi;
    scgi_temp_path {root}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {cert};
        ssl_certificate_key {key};
        ssl_protocols TLSv1.2 TLSv1.3;
        location / {{ return 200 "nginx\\n"; }}
    }}
}}
"""

    def __init__(self):
        self.root = readable_directory("nginx-")
        cert, key = certificate(self.root)
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        config = self.root / "nginx.conf"
        config.write_text(self.CONFIG.format(root=self.root, port=self.port, cert=cert, key=key))
        self._server = _start(["nginx", "-e", "stderr", "-p", self.root, "-c", config], self.port)

    def stop(self):
        self._server.stop()
        shutil.rmtree(self.root, ignore_errors=True)
