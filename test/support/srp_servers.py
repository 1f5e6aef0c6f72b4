"""The TLS-SRP servers of other people, all driven alike.

A server knows the users u2048, u3072, .. each with a verifier of that group and one password, and
offers exchanges: what a client is to send and how to judge what it got."""
import base64
from dataclasses import dataclass
from typing import Callable, Optional

from . import content, verifiers
from .ports import free_port
from .processes import Server, check
from .srp_clients import libssl_version
from .webservers import Apache

PASSWORD = "kestrel-4711"
GROUPS = [2048, 3072, 4096]
WEAK_GROUP = 1024
SRP_ONLY = "NORMAL:-KX-ALL:+SRP"


def user(group):
    return f"u{group}"


def srpv(path, groups):
    return verifiers.openssl_srpv(path, [(user(g), PASSWORD, g) for g in groups])


@dataclass
class Exchange:
    request: bytes
    verify: Optional[Callable[[bytes], None]] = None
    # Where the server never ends the connection: when the answer is whole.
    enough: Optional[Callable[[bytes], bool]] = None


def http_exchange(request, body):
    def verify(out):
        code, got = content.parse_answer(out)
        assert code == 200 and content.digest(got) == content.digest(body), \
            f"HTTP {code}, {len(got)} bytes"

    return Exchange(request, verify)


def http_upload(path):
    body = content.pattern(content.BIG)
    return http_exchange(content.post(path, body), content.digest(body).encode())


class LibsslServer:
    name = "libssl"
    unknown_user_alert = 115  # unknown_psk_identity

    def __init__(self, program, verifier_file, *options):
        self.version = libssl_version()
        files = ["--srpv", verifier_file] if verifier_file else []
        self._server = Server([program, "--port", "0", *files, *options])
        self.address = self._server.address

    def argv(self, argv):
        return argv

    def small(self):
        return http_exchange(content.get("/bytes?n=1000"), content.pattern(1000))

    def down(self):
        return http_exchange(content.get(f"/bytes?n={content.BIG}"), content.pattern(content.BIG))

    def up(self):
        return http_upload("/upload")

    def handshakes(self, count, start=0):
        """The lines of the first count handshakes after line start, waited for."""
        self._server.wait_line("^connected", start=start, count=count)
        return [m.string for m in self._server.matches("^connected", start)]

    def wait_alert(self):
        """The number of the first alert a client sent."""
        return int(self._server.wait_line(r"alert_received=(\d+)")[1])

    def stop(self):
        self._server.stop()


class ApacheServer:
    name = "Apache mod_ssl"
    unknown_user_alert = 20  # simulated: bad_record_mac

    def __init__(self, verifier_file):
        text = check(["apache2", "-v"]).out.decode()
        self.version = text.partition("Apache/")[2].split()[0]
        self._apache = Apache(verifier_file)
        self.address = self._apache.address

    def argv(self, argv):
        return argv

    def small(self):
        return http_exchange(content.post("/sum", b"small"), content.digest(b"small").encode())

    def down(self):
        return http_exchange(content.get("/bytes.bin"), content.pattern(content.BIG))

    def up(self):
        return http_upload("/sum")

    def requests(self):
        """The TLS log: a line a request, with resumed=Initial or resumed=Resumed."""
        return self._apache.connections()

    def stop(self):
        self._apache.stop()


class GnutlsServer:
    """gnutls-serv echoes lines of text. In a network namespace, because it binds every address."""

    name = "gnutls-serv"
    unknown_user_alert = 80  # internal_error, as for a damaged file

    def __init__(self, namespace, tpasswd, conf):
        self.version = check(["gnutls-serv", "--version"]).out.split()[1].decode()
        self._namespace = namespace
        port = free_port()
        self.address = f"127.0.0.1:{port}"
        self._server = Server(
            self.argv(["gnutls-serv", "--echo", "--crlf", "--priority", SRP_ONLY,
                       "--srppasswd", tpasswd, "--srppasswdconf", conf, "--port", str(port)]),
            ready=r"listening on IPv4 \S+ port \d+\.\.\.done")

    def argv(self, argv):
        return self._namespace.argv(argv)

    def _echo(self, n):
        # Text, because gnutls-serv echoes C strings; a line that begins with ** is a command.
        line = base64.b64encode(content.pattern(n * 3 // 4)) + b"\n"

        def verify(out):
            assert content.digest(out) == content.digest(line), f"{len(out)} of {len(line)} bytes"

        return Exchange(line, verify, enough=lambda out: len(out) >= len(line))

    def small(self):
        return self._echo(1000)

    def down(self):
        return self._echo(content.BIG)

    up = down

    def stop(self):
        self._server.stop()
