"""`keyplate connect` and `keyplate open` against the servers of other people: TLS-SRP servers, and
those that are nothing of the kind."""
import re
import socket
import threading

import pytest

from support import content, srp_servers, verifiers
from support.keyplate import PROOF_FAILED, PROOF_SENTENCE
from support.needs import need
from support.ports import free_port
from support.processes import Server, check, talk
from support.srp_clients import (HANDSHAKE_FAILURE, INSUFFICIENT_SECURITY,
                                 PROTOCOL_VERSION)
from support.srp_servers import GROUPS, PASSWORD, WEAK_GROUP, Exchange, user
from support.upstream import Upstream
from support.webservers import Nginx, certificate

ROLE = "connect"
DEFAULT_GROUP = 3072
WRONG, NOBODY = "kestrel-4712", "nobody-here"
FAILED = 1


@pytest.fixture(scope="module")
def srpv(tmp_path_factory):
    need("openssl")
    return srp_servers.srpv(tmp_path_factory.mktemp("srpv") / "srpv", [*GROUPS, WEAK_GROUP])


@pytest.fixture(scope="module")
def libssl_server(peers, srpv):
    """libssl_server(*options): one more server; all are stopped at the end."""
    servers = []

    def start(*options, verifiers_from=srpv):
        servers.append(srp_servers.LibsslServer(peers / "libssl_server", verifiers_from, *options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="module")
def libssl_peer(libssl_server):
    return libssl_server()


@pytest.fixture(scope="module")
def apache_peer(srpv):
    need("apache2")
    server = srp_servers.ApacheServer(srpv)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def gnutls_peer(namespace, tmp_path_factory):
    need("gnutls-serv", "srptool")
    tpasswd, conf = verifiers.gnutls_tpasswd(tmp_path_factory.mktemp("tpasswd"),
                                             [(user(g), PASSWORD, g) for g in GROUPS])
    server = srp_servers.GnutlsServer(namespace, tpasswd, conf)
    yield server
    server.stop()


@pytest.fixture(scope="module", params=["gnutls", "apache", "libssl"])
def peer(request):
    """Each TLS-SRP server in turn."""
    return request.getfixturevalue(request.param + "_peer")


@pytest.fixture(scope="module")
def cell(table):
    return lambda peer, group, column: table.cell(peer.name, peer.version, ROLE, group, column)


@pytest.fixture(scope="module")
def connect(keyplate):
    """connect(address, name, password): `keyplate connect`, run to its end. Where it is to fail it
    is given a request too, so that it ends soon if it does not."""

    def run_connect(address, name=user(DEFAULT_GROUP), password=PASSWORD, exchange=None,
                    wrap=lambda argv: argv):
        argv = keyplate.connect_argv(address, name, password)
        exchange = exchange or Exchange(content.get("/bytes?n=1"))
        return talk(wrap(argv), exchange.request, enough=exchange.enough, env=keyplate.env)

    return run_connect


def connect_to(peer, connect, name, password, exchange):
    return connect(peer.address, name, password, exchange, wrap=peer.argv)


def assert_proof_failed(result):
    assert result.status == PROOF_FAILED and PROOF_SENTENCE in result.err, result
    assert not result.out


def assert_failed_plainly(result):
    """Status 1 with a sentence, and not the one that means a wrong password or an impostor."""
    assert result.status == FAILED, result
    assert result.err.strip() and PROOF_SENTENCE not in result.err, result
    assert not result.out, result


# Every server.

@pytest.mark.parametrize("group", GROUPS)
def test_right_password_opens_the_connection(peer, group, connect, cell):
    exchange = peer.small()
    with cell(peer, group, "right"):
        result = connect_to(peer, connect, user(group), PASSWORD, exchange)
        assert result.status == 0, result
        exchange.verify(result.out)


@pytest.mark.parametrize("group", GROUPS)
def test_wrong_password_is_status_3_and_its_sentence(peer, group, connect, cell):
    with cell(peer, group, "wrong") as said:
        assert_proof_failed(connect_to(peer, connect, user(group), WRONG, peer.small()))
        said.say("status 3")


def test_unknown_user_fails(peer, connect, cell):
    with cell(peer, DEFAULT_GROUP, "unknown") as said:
        result = connect_to(peer, connect, NOBODY, PASSWORD, peer.small())
        # However it is told: GnuTLS says internal_error to the ClientHello, and means the name.
        assert_proof_failed(result)
        said.say(f"alert {peer.unknown_user_alert}, status {result.status}")


def test_20_mb_come_down_whole(peer, connect, cell):
    exchange = peer.down()
    with cell(peer, DEFAULT_GROUP, "20 MB down"):
        result = connect_to(peer, connect, user(DEFAULT_GROUP), PASSWORD, exchange)
        assert result.status == 0, result
        exchange.verify(result.out)


def test_20_mb_go_up_whole(peer, connect, cell):
    exchange = peer.up()
    with cell(peer, DEFAULT_GROUP, "20 MB up"):
        result = connect_to(peer, connect, user(DEFAULT_GROUP), PASSWORD, exchange)
        assert result.status == 0, result
        exchange.verify(result.out)


# Servers that are not good enough.

@pytest.mark.parametrize("what, options, alert", [
    ("server without EMS", ["--no-ems"], HANDSHAKE_FAILURE),
    ("server without ETM", ["--no-etm"], HANDSHAKE_FAILURE),
    ("TLS 1.1 server", ["--max", "1.1", "--ciphers", "SRP@SECLEVEL=0"], PROTOCOL_VERSION),
])
def test_server_that_lacks_what_is_demanded_is_refused(what, options, alert, connect, libssl_server,
                                                       table):
    server = libssl_server(*options)
    with table.refusal(server.name, what, ROLE) as said:
        assert_failed_plainly(connect(server.address))
        assert server.wait_alert() == alert
        said.say(f"alert {alert}, status 1")


def test_1024_bit_group_is_refused_with_insufficient_security(connect, libssl_server, table):
    server = libssl_server()
    with table.refusal(server.name, "server with a 1024-bit group", ROLE) as said:
        assert_failed_plainly(connect(server.address, user(WEAK_GROUP)))
        assert server.wait_alert() == INSUFFICIENT_SECURITY
        said.say("insufficient_security, status 1")


def test_server_with_a_certificate_too_is_proved_by_password(connect, libssl_server, tmp_path):
    cert, key = certificate(tmp_path)
    server = libssl_server("--certificate", cert, "--key", key, "--max", "1.3",
                           "--ciphers", "ECDHE:SRP")
    exchange = server.small()
    result = connect(server.address, exchange=exchange)
    assert result.status == 0, result
    exchange.verify(result.out)
    assert "protocol=TLSv1.2 cipher=SRP-AES-" in server.handshakes(1)[0]
    assert_proof_failed(connect(server.address, password=WRONG))


def test_answer_cut_off_without_close_notify_is_status_1(connect, libssl_server):
    server = libssl_server("--truncate")
    result = connect(server.address, exchange=server.small())
    assert result.status == FAILED and PROOF_SENTENCE not in result.err, result
    assert result.err.strip()


# What is no TLS-SRP server at all: each has its own sentence, and none is the proof sentence.

def _nginx(_):
    need("nginx")
    server = Nginx()
    return server.address, server.stop


def _s_server(directory):
    need("openssl")
    cert, key = certificate(directory)
    server = Server(["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", cert, "-key", key,
                     "-www"], ready=r"^ACCEPT (?P<address>127\.0\.0\.1:(?P<port>\d+))")
    return server.address, server.stop


def _plain_http(_):
    server = Upstream()
    return server.address, server.stop


def _nothing(_):
    return f"127.0.0.1:{free_port()}", lambda: None


def _ssh(_):
    """A server that speaks first, and not TLS."""
    listener = socket.create_server(("127.0.0.1", 0))

    def greet():
        while True:
            try:
                connection = listener.accept()[0]
            except OSError:
                return
            with connection:
                connection.settimeout(10)
                connection.sendall(b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n")
                try:
                    while connection.recv(4096):
                        pass
                except OSError:
                    pass

    def stop():
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()

    threading.Thread(target=greet, daemon=True).start()
    return "127.0.0.1:%d" % listener.getsockname()[1], stop


STRANGERS = {"nginx with a certificate": _nginx, "openssl s_server with a certificate": _s_server,
             "plain HTTP": _plain_http, "nothing listening": _nothing, "SSH": _ssh}


@pytest.fixture(scope="module")
def sentence_of(connect, tmp_path_factory):
    """sentence_of(stranger): what connect says of it, less the address."""
    sentences = {}

    def ask(stranger):
        if stranger not in sentences:
            address, stop = STRANGERS[stranger](tmp_path_factory.mktemp("stranger"))
            try:
                result = connect(address)
            finally:
                stop()
            assert_failed_plainly(result)
            sentences[stranger] = re.sub(r"\d+", "N", result.err.strip())
        return sentences[stranger]

    return ask


@pytest.mark.parametrize("stranger", STRANGERS)
def test_stranger_is_status_1_and_never_the_proof_sentence(stranger, sentence_of, table):
    with table.refusal(stranger, "no TLS-SRP", ROLE) as said:
        said.say("status 1: " + sentence_of(stranger).splitlines()[-1])


def test_each_kind_of_stranger_has_its_own_sentence(sentence_of):
    kinds = ["openssl s_server with a certificate", "plain HTTP", "nothing listening", "SSH"]
    said = {kind: sentence_of(kind) for kind in kinds}
    assert len(set(said.values())) == len(kinds), said


# A client that has TLS 1.3 with a PAKE to offer, too.

DEVICE = "--device-id", "kp-heating-0042"


def test_pake_beside_srp_disturbs_no_srp_server(peer, keyplate):
    exchange = peer.small()
    argv = keyplate.connect_argv(peer.address, user(DEFAULT_GROUP), PASSWORD, *DEVICE, "--no-save",
                                 "--verbose")
    result = talk(peer.argv(argv), exchange.request, enough=exchange.enough, env=keyplate.env)
    assert result.status == 0 and "TLSv1.2" in result.err and "SRP" in result.err, result
    exchange.verify(result.out)


@pytest.mark.parametrize("versions", ["any", "1.3"])
@pytest.mark.parametrize("stranger", STRANGERS)
def test_stranger_is_status_1_for_tls_1_3_too(stranger, versions, keyplate, tmp_path):
    address, stop = STRANGERS[stranger](tmp_path)
    try:
        result = talk(keyplate.connect_argv(address, user(DEFAULT_GROUP), PASSWORD, *DEVICE,
                                            "--no-save", "--tls", versions),
                      content.get("/bytes?n=1"), env=keyplate.env)
    finally:
        stop()
    assert_failed_plainly(result)


# Resumption, by the client that keeps sessions.

def browse(keyplate, address, path, times):
    """Follows the one-time link of `keyplate open` and fetches path; every answer's length."""
    need("curl")
    curl = ["curl", "--silent", "--show-error", "--max-time", "30"]
    with keyplate.open(f"https://{address}", user(DEFAULT_GROUP), PASSWORD) as face:
        # Not by a jar: curl takes secure cookies without TLS from "localhost" alone, as browsers do
        # from names under it.
        head = check([*curl, "--dump-header", "-", "--output", "/dev/null", face.url]).out
        cookie = re.search(rb"^Set-Cookie: (__Host-keyplate=[^;]+);", head, re.MULTILINE)[1]
        curl += ["--fail", "--cookie", cookie.decode()]
        origin = re.match(r"http://[^/]+", face.url)[0]
        return [len(check([*curl, origin + path]).out) for _ in range(times)]


def assert_only_the_first_is_full(resumed):
    assert len(resumed) >= 5 and resumed == [False] + [True] * (len(resumed) - 1), resumed


def test_open_proves_the_password_once_and_resumes_after_that(keyplate, libssl_server, cell):
    server = libssl_server("--close-each")
    with cell(server, DEFAULT_GROUP, "resumption"):
        assert browse(keyplate, server.address, "/bytes?n=1000", 5) == [1000] * 5
        assert_only_the_first_is_full([" resumed=1" in line for line in server.handshakes(5)])


def test_open_resumes_with_apache(keyplate, apache_peer, cell):
    before = len(apache_peer.requests())
    with cell(apache_peer, DEFAULT_GROUP, "resumption"):
        lengths = browse(keyplate, apache_peer.address, "/bytes.bin", 5)
        assert lengths == [content.BIG] * 5
        # Without keep-alive every request has a handshake of its own; the one full handshake, at
        # the start, has no request and so no line.
        resumed = ["resumed=Resumed" in line for line in apache_peer.requests()[before:]]
        assert len(resumed) >= 5 and all(resumed), resumed
