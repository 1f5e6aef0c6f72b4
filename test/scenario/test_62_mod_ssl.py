"""Goal of this test: integrations/apache/mod_ssl-srp.conf serves who proves a password and nobody
else, our clients get on with it, and what mod_ssl.md beside it says is missing is so: seen here,
and gone behind `keyplate serve`.  mod_gnutls.conf was never run; its priorities and files were, by
gnutls-serv."""
import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys

import pytest

from gateways import (BUILD, KEYPLATE, PASSWORD, PROOF, ROOT, Box, box, curl, forged_flight,
                      free_port, pattern)
from http_peers import BY_TLS13, Channel, credentials, request
from upstreams import EXAMPLES, INDEX, WebServer, cgi_environment, giving_up_root

sys.path.insert(0, str(ROOT / "test"))
from support import verifiers  # noqa: E402
from support.namespace import Namespace  # noqa: E402
from support.processes import Server, talk  # noqa: E402

USERS = (("admin", PASSWORD), ("guest", "another-word-5"))
ECHO = "/cgi-bin/echo"
BAD_RECORD_MAC, UNKNOWN_PSK_IDENTITY = 20, 115
BIG = pattern(20_000_000)


def export(file, form, *paths):
    subprocess.run([KEYPLATE, "passwd", "export", "--credentials", file, "--format", form, *paths],
                   check=True, capture_output=True)


def dummy_certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=nobody",
                    "-keyout", folder / "dummy.key", "-out", folder / "dummy.pem"],
                   check=True, capture_output=True)


class SrpApache(WebServer):
    """By the example as it is, or with (this, that) put in place of each other."""

    example, runs = "apache/mod_ssl-srp.conf", "apache2"
    MAIN = """
ServerRoot {root}
ServerName 127.0.0.1
PidFile {root}/pid
DefaultRuntimeDir {root}
Mutex file:{root}
ErrorLog {root}/log
StartServers 1
{user}
{modules}
ScriptSock {root}/cgid.sock
Include {site}
"""
    MODULES = ("mpm_event", "authz_core", "alias", "dir", "cgid", "socache_shmcb", "ssl")

    def __init__(self, file, *changes, rows=""):
        self.file, self.changes, self.rows = file, changes, rows
        super().__init__()

    def config(self, before=""):
        path = super().config(before)
        text = path.read_text()
        for this, that in self.changes:
            assert this in text, this
            text = text.replace(this, that)
        path.write_text(text)
        return path

    def arguments(self):
        keys = self.root / "keys"
        keys.mkdir()
        export(self.file, "openssl", keys / "users.srpv")
        (keys / "users.srpv").write_text(self.rows + (keys / "users.srpv").read_text())
        dummy_certificate(keys)
        (self.root / "www" / "big").write_bytes(BIG)
        self.values |= {"@AT@": self.at, "@KEYS@": str(keys), "@SEED@": os.urandom(12).hex()}
        modules = "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so"
                            for name in self.MODULES)
        main = self.root / "main.conf"
        main.write_text(self.MAIN.format(root=self.root, user=giving_up_root(), modules=modules,
                                         site=self.config()))
        return ["-d", self.root, "-f", main, "-DFOREGROUND"]


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    made = Box(tmp_path_factory.mktemp("mod_ssl"))
    made.file = credentials(made, USERS)
    yield made
    made.close()


@pytest.fixture(scope="module")
def apache(shared):
    made = SrpApache(shared.file)
    yield made
    made.stop()


@pytest.fixture
def changed(shared):
    """changed((this, that), ...): one more, for this test."""
    made = []

    def start(*changes, **kwargs):
        made.append(SrpApache(kwargs.pop("file", shared.file), *changes, **kwargs))
        return made[-1]

    yield start
    for server in made:
        server.stop()


@pytest.fixture(scope="module")
def libssl():
    """libssl(at, name, password, *options): a client of libssl asks for ECHO."""
    done = subprocess.run(["ninja", "-C", BUILD, "interop-peers"], capture_output=True, text=True,
                          timeout=180, check=False)
    assert done.returncode == 0, done.stdout

    def run(at, name, password, *options):
        return talk([BUILD / "test" / "interop" / "libssl_client", "--connect", at, "--user", name,
                     "--password", password, *options],
                    request(ECHO, "Connection: close"))

    return run


def told(done):
    """What the page was told of the user, by libssl's client."""
    return re.findall(rb"^(?:REMOTE_USER|SSL_SRP_USER)=(.*)$", done.out, re.MULTILINE)


# ---- What works -----------------------------------------------------------------------------------

@pytest.mark.parametrize("versions", [(), BY_TLS13[:2], ("--tls", "1.2")],
                         ids=["no id", "TLS 1.3 offered too", "TLS 1.2"])
def test_our_connect(box, apache, versions):
    """Also when it has TLS 1.3 to offer: there SRP is all that Apache knows."""
    channel = Channel(box, apache, *versions)
    environment = cgi_environment(channel.ask(request(ECHO)).body)
    assert (environment["REMOTE_USER"], environment["SSL_SRP_USER"]) == ("admin", "admin")
    assert environment["SSL_PROTOCOL"] == "TLSv1.2" and environment["SSL_CIPHER"].startswith("SRP-AES-")
    channel.close()
    for name, password in (("admin", "wrong"), ("nobody", PASSWORD)):
        done = box.connect(apache, b"", *versions, user=name, password=password)
        assert done.returncode == 3 and PROOF in done.stderr.decode(), done.stderr
    only = box.connect(apache, b"", *BY_TLS13)
    assert only.returncode == 1 and b"TLS 1.3" in only.stderr and PROOF.encode() not in only.stderr


def test_our_open(box, apache):
    """Without sessions each connection proves the password anew; browsers notice nothing.  20 MB go
    both ways."""
    face = box.open(apache.at)
    assert curl(face.url, user=None).stdout == INDEX
    got = curl(face.origin + "/big", user=None).stdout
    assert hashlib.sha256(got).digest() == hashlib.sha256(BIG).digest()
    (box.dir / "big").write_bytes(BIG)
    done = curl(face.origin + ECHO, "-H", "Expect:", "--data-binary", f"@{box.dir / 'big'}", user=None)
    environment = cgi_environment(done.stdout)
    assert environment["BODY_SHA256"] == hashlib.sha256(BIG).hexdigest()
    assert environment["REMOTE_USER"] == "admin"
    for _ in range(5):
        environment = cgi_environment(curl(face.origin + ECHO, user=None).stdout)
        assert environment["SSL_SESSION_RESUMED"] == "Initial"


def test_our_open_is_refused(box, apache):
    for name, password in (("admin", "wrong"), ("nobody", PASSWORD)):
        done = subprocess.run([KEYPLATE, "open", apache.at, "--user", name, "--no-browser", "--no-save",
                               "--password-file", box.secret(password)], capture_output=True, text=True,
                              timeout=20, check=False)
        assert (done.returncode, done.stderr) == (3, f"keyplate open: {PROOF}\n")


def test_a_client_for_certificates_is_not_let_in(apache):
    for versions in ("--tlsv1.2", "--tlsv1.3"):
        done = subprocess.run(["curl", "-sSk", versions, f"https://{apache.at}/"], capture_output=True,
                              timeout=20, check=False)
        assert done.returncode == 35 and done.stdout == b"", done


def test_curl_offers_less_only_when_told(apache):
    """By TLS-SRP it comes in; the certificate is nothing to it (-k)."""
    assert curl(f"https://{apache.at}/").stdout == INDEX
    assert curl(f"https://{apache.at}/", password="wrong").returncode == 35


# ---- The traps, and what the lines marked ! are for ----------------------------------------------

ALL_VERSIONS = ("SSLProtocol -all +TLSv1.2", "SSLProtocol all")
NO_REQUIRE = (re.search(r"Require expr .*", (EXAMPLES / SrpApache.example).read_text())[0],
              "Require all granted")
CERTIFICATES_TOO = ("SSLCipherSuite SRP-AES", "SSLCipherSuite ECDHE-ECDSA-AES128-GCM-SHA256:SRP-AES")
SESSIONS = (("SSLSessionCache none", "SSLSessionCache shmcb:@KEYS@/s(512000)"),
            ("SSLSessionTickets off", "SSLSessionTickets on"))


def plain_curl(server, *args, path="/"):
    """A client that doesn't limit itself to TLS 1.2."""
    return subprocess.run(["curl", "-sk", "-w", "%{http_code}", "-o", "/dev/null", *args,
                           f"https://{server.at}{path}"], capture_output=True, text=True, timeout=20,
                          check=False).stdout


WRONG = ("--tlsuser", "admin", "--tlspassword", "wrong")


@pytest.mark.parametrize("change, clients", [
    (ALL_VERSIONS, [("--tlsv1.3",), ("--tlsv1.3", *WRONG)]),
    (CERTIFICATES_TOO, [("--tls-max", "1.2")]),
], ids=["TLS 1.3", "a suite with certificates"])
def test_without_a_line_only_require_is_left(changed, change, clients):
    """With one of the lines lost, who has no password gets a connection, and so does a curl that was
    given a wrong one, without a word about it; but no page."""
    shut, ajar = changed(change), changed(change, NO_REQUIRE)
    for client in clients:
        assert (plain_curl(shut, *client), plain_curl(ajar, *client)) == ("403", "200"), client


def test_our_clients_fall_into_no_trap(box, changed):
    server = changed(ALL_VERSIONS, NO_REQUIRE)
    for versions in ((), BY_TLS13[:2], BY_TLS13):
        assert box.connect(server, b"", *versions, password="wrong").returncode in (1, 3)
    channel = Channel(box, server)
    assert channel.ask(request("/")).body == INDEX, "by the right password, as ever"
    channel.close()


@pytest.mark.parametrize("ticket", [[], ["--no-ticket"]], ids=["by ticket", "by session id"])
def test_who_resumes_is_whoever_he_says(tmp_path, changed, libssl, ticket):
    """With sessions a guest becomes admin without admin's password; so the example has none, and lets
    no resumed session in."""
    server = changed(*SESSIONS, NO_REQUIRE)
    session = tmp_path / "session"
    guest = libssl(server.at, *USERS[1], "--session-out", session, *ticket)
    assert told(guest) == [b"guest"] * 2
    forged = libssl(server.at, "admin", "wrong", "--session-in", session, *ticket)
    assert " resumed=1" in forged.err and told(forged) == [b"admin"] * 2


def test_the_example_resumes_nothing(tmp_path, apache, changed, libssl):
    for server in (apache, changed(*SESSIONS)):
        session = tmp_path / server.at
        assert told(libssl(server.at, *USERS[1], "--session-out", session)) == [b"guest"] * 2
        forged = libssl(server.at, "admin", "wrong", "--session-in", session)
        assert told(forged) == []
        if server is apache:
            assert f"alert_received={BAD_RECORD_MAC}" in forged.err
        else:
            assert " resumed=1" in forged.err and forged.out.startswith(b"HTTP/1.1 403 ")


def test_behind_serve_who_resumes_is_who_he_was(tmp_path, box, shared, libssl):
    seen = []

    def talk_name(sock):
        seen.append(sock.recv(65536))
        sock.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")

    serve = box.serve(box.upstream(talk_name), "--identity", "headers", credentials=shared.file)
    session = tmp_path / "session"
    libssl(serve.at, *USERS[1], "--session-out", session)
    libssl(serve.at, "admin", "wrong", "--session-in", session)
    libssl(serve.at, *USERS[1], "--session-in", session)
    assert [re.findall(rb"\r\nX-Remote-User: (.*)\r\n", head) for head in seen] == [[b"guest"]] * len(seen)
    assert len(seen) >= 2


# ---- What it tells strangers ----------------------------------------------------------------------

def flight(server, name):
    """What a stranger sees: bits of the group, length of the salt (None: it came to no salt), alert."""
    host, port = server.at.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=15) as sock:
        sock.sendall(forged_flight(name))
        data = b""
        try:
            while piece := sock.recv(65536):
                data += piece
        except ConnectionResetError:
            pass
    messages, alert = b"", None
    while len(data) >= 5:
        end = 5 + int.from_bytes(data[3:5], "big")
        kind, record, data = data[0], data[5:end], data[end:]
        if kind == 21:
            alert = record[1]
        elif kind == 22:
            messages += record
    return (*share_of(messages), alert)


def share_of(messages):
    while len(messages) >= 4:
        length = int.from_bytes(messages[1:4], "big")
        if messages[0] == 12:  # server_key_exchange
            prime = int.from_bytes(messages[4:6], "big")
            generator = int.from_bytes(messages[6 + prime:8 + prime], "big")
            return prime * 8, messages[8 + prime + generator]
        messages = messages[4 + length:]
    return None, None


def simulating_row(folder, file):
    """A row of the group that file has, for names that nobody has: what the awk of mod_ssl.md prints."""
    export(file, "gnutls", folder / "tpasswd", folder / "tpasswd.conf")
    return subprocess.check_output(["awk", "-F:", '$1 == 3 {print "I\\t" $2 "\\t0" $3 "\\town\\t\\t"}',
                                    folder / "tpasswd.conf"], text=True)


def test_unknown_names_can_be_told(apache, changed):
    """The seed alone hides them from the alert, but not from who looks at group and salt."""
    assert flight(apache, b"admin") == (2048, 16, BAD_RECORD_MAC)
    assert flight(apache, b"nobody") == (8192, 20, BAD_RECORD_MAC)
    no_seed = changed(("    SSLSRPUnknownUserSeed", "    #"))
    assert flight(no_seed, b"admin") == (2048, 16, BAD_RECORD_MAC)
    assert flight(no_seed, b"nobody") == (None, None, UNKNOWN_PSK_IDENTITY)


def test_a_row_of_the_group_hides_them(tmp_path, shared, changed):
    """Where all salts are as long as those that the seed makes, as those of `openssl srp` are."""
    row = simulating_row(tmp_path, shared.file)
    short = changed(rows=row)
    assert flight(short, b"admin") == (2048, 16, BAD_RECORD_MAC)
    assert flight(short, b"nobody") == (2048, 20, BAD_RECORD_MAC)
    old = verifiers.openssl_srpv(tmp_path / "old.srpv", [("admin", PASSWORD, 2048)])
    file = tmp_path / "credentials"
    subprocess.run([KEYPLATE, "passwd", "import", "--credentials", file, old], check=True,
                   capture_output=True)
    long = changed(file=file, rows=row)
    assert curl(f"https://{long.at}/").stdout == INDEX
    assert flight(long, b"admin") == flight(long, b"nobody") == (2048, 20, BAD_RECORD_MAC)


def test_behind_serve_they_look_alike(box, shared, apache):
    serve = box.serve("127.0.0.1:9", credentials=shared.file)
    assert flight(serve, b"admin") == flight(serve, b"nobody") == (2048, 16, BAD_RECORD_MAC)


def test_nothing_slows_guesses_down(apache):
    assert [flight(apache, b"admin")[2] for _ in range(40)] == [BAD_RECORD_MAC] * 40
    assert curl(f"https://{apache.at}/").stdout == INDEX, "the forty-first is judged, too"


def test_it_demands_nothing_of_old_clients(apache, libssl):
    """Neither the binding of the handshake nor encrypt-then-MAC; ours refuse to do without."""
    done = libssl(apache.at, *USERS[0], "--no-ems", "--no-etm")
    assert " ems=0 etm=0 " in done.err and told(done) == [b"admin"] * 2


# ---- mod_gnutls: its library ----------------------------------------------------------------------

@pytest.fixture(scope="module")
def gnutls(shared, tmp_path_factory):
    """gnutls-serv, with what mod_gnutls.conf says.  It listens at every address: in a network of its
    own.  Its address, and how to run a program there."""
    if not shutil.which("gnutls-serv"):
        pytest.skip("gnutls-serv isn't installed")
    folder = tmp_path_factory.mktemp("gnutls")
    text = (EXAMPLES / "apache" / "mod_gnutls.conf").read_text()
    export(shared.file, "gnutls", folder / "tpasswd", folder / "tpasswd.conf")
    port = free_port()
    try:
        network = Namespace()
    except OSError as error:
        pytest.skip(str(error))
    try:
        with Server(network.argv(["gnutls-serv", "--http", "--port", str(port), "--priority",
                                  re.search(r"GnuTLSPriorities (\S+)", text)[1], "--srppasswd",
                                  folder / "tpasswd", "--srppasswdconf", folder / "tpasswd.conf"]),
                    ready=r"listening on IPv4 \S+ port \d+\.\.\.done"):
            yield f"127.0.0.1:{port}", network.argv
    finally:
        network.stop()


@pytest.mark.parametrize("name, password, status", [("admin", PASSWORD, 0), ("guest", "another-word-5", 0),
                                                    ("admin", "wrong", 3), ("nobody", PASSWORD, 3)])
def test_gnutls_takes_our_files(box, gnutls, name, password, status):
    at, argv = gnutls
    done = talk(argv([KEYPLATE, *box.connect_args(at, name, password)]), b"GET / HTTP/1.0\r\n\r\n")
    assert done.status == status, done
    if status == 0:
        assert done.out.startswith(b"HTTP/1.0 200 OK") and b"SRP" in done.out
    else:
        assert done.out == b"" and PROOF in done.err


@pytest.mark.parametrize("versions", ["--tlsv1.2", "--tlsv1.3"])
def test_gnutls_lets_no_certificate_in(gnutls, versions):
    at, argv = gnutls
    assert subprocess.run(argv(["curl", "-sk", versions, f"https://{at}/"]), capture_output=True,
                          timeout=20, check=False).returncode == 35
