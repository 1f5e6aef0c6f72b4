"""The servers whose handshakes are compared. Those of SRP know user(bits) for every group."""
import os

from support import verifiers
from support.namespace import Namespace
from support.ports import free_port
from support.processes import Server, wait_for_port
from support.srp_servers import SRP_ONLY
from support.webservers import certificate

from .process import with_children
from .tools import PASSWORD, Skipped, need, user

GROUPS = [2048, 3072]


class Serve:
    """keyplate serve: a file of credentials has one group, so there is one process a group."""

    name = "keyplate serve"

    def __init__(self, bench):
        self._servers = {bits: bench.serve(bits) for bits in GROUPS}

    def address(self, bits):
        return self._servers[bits].address

    def pids(self, bits):
        return [self._servers[bits].pid]

    wrap = staticmethod(list)


class _One:
    """A server that is one program for all groups."""

    wrap = staticmethod(list)
    _server = None
    _address = None

    def address(self, _bits):
        return self._address

    def pids(self, _bits):
        return with_children(self._server.pid)


class PlainRelay(_One):
    """No TLS at all: what sockets cost."""

    name = "plain relay"

    def __init__(self, bench):
        self._server = bench.start(Server([bench.program("plain_relay"), bench.upstream()]))
        self._address = self._server.address


class Libssl(_One):
    name = "libssl, bare server"

    def __init__(self, bench):
        self._server = bench.start(Server(
            [bench.program("server_libssl"), "srp", bench.srpv(GROUPS)]))
        self._address = self._server.address


class LibsslCertificate(_One):
    """TLS 1.3 with a certificate."""

    name = "libssl, bare server, ECDSA"

    def __init__(self, bench):
        self._server = bench.start(Server(
            [bench.program("server_libssl"), "certificate13", bench.certificate()]))
        self._address = self._server.address


class Apache(_One):
    """mod_ssl of mpm_event (Debian's default), one process of four threads. No log, no session
    cache: tickets."""

    name = "Apache mod_ssl"
    CONFIG = """
ServerRoot {root}
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile {root}/pid
DefaultRuntimeDir {root}
Mutex file:{root}
ErrorLog {root}/error.log
LogLevel error
{user}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule ssl_module {modules}/mod_ssl.so
StartServers 1
ServerLimit 1
ThreadLimit 4
ThreadsPerChild 4
MaxRequestWorkers 4
MinSpareThreads 1
MaxSpareThreads 4
KeepAlive Off
DocumentRoot {root}/htdocs
SSLSessionCache none
SSLEngine on
SSLProtocol TLSv1.2
SSLCipherSuite SRP-AES-256-CBC-SHA
SSLCertificateFile {cert}
SSLCertificateKeyFile {key}
SSLSRPVerifierFile {srpv}
"""

    def __init__(self, bench):
        need("apache2")
        root = bench.directory / "apache"
        (root / "htdocs").mkdir(parents=True)
        (root / "htdocs" / "0").write_text("")
        cert, key = certificate(root)
        port = free_port()
        config = root / "httpd.conf"
        config.write_text(self.CONFIG.format(
            root=root, port=port, cert=cert, key=key, srpv=bench.srpv(GROUPS),
            modules="/usr/lib/apache2/modules",
            user="User www-data\nGroup www-data" if os.geteuid() == 0 else ""))
        self._server = bench.start(Server(
            ["apache2", "-d", root, "-f", config, "-DFOREGROUND"], ready=None))
        wait_for_port(port)
        self._address = f"127.0.0.1:{port}"


class Gnutls(_One):
    """In a network namespace, because gnutls-serv binds every address."""

    name = "gnutls-serv"

    def __init__(self, bench):
        need("gnutls-serv", "srptool", "ip", "unshare", "nsenter")
        try:
            namespace = bench.start(Namespace())
        except OSError as error:
            raise Skipped(str(error)) from error
        self.wrap = namespace.argv
        passwd, conf = verifiers.gnutls_tpasswd(
            bench.directory, [(user(bits), PASSWORD, bits) for bits in GROUPS])
        port = free_port()
        self._server = bench.start(Server(
            self.wrap(["gnutls-serv", "--http", "--quiet", "--priority", SRP_ONLY, "--srppasswd",
                       passwd, "--srppasswdconf", conf, "--port", str(port)]),
            ready=r"listening on IPv4 \S+ port \d+\.\.\.done"))
        self._address = f"127.0.0.1:{port}"


ALL = [Serve, Libssl, Apache, Gnutls]
