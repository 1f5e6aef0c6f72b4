"""The peers against each other, without Keyplate: what the other tests take for granted of them. If
one of these fails, the peer or the harness is broken and not Keyplate."""
import pytest

from support import content, srp_servers, verifiers
from support.needs import need
from support.processes import talk
from support.srp_clients import BAD_RECORD_MAC, PROTOCOL_VERSION, UNKNOWN_PSK_IDENTITY
from support.srp_servers import GROUPS, PASSWORD, WEAK_GROUP, user

SMALL = content.pattern(1000)
SMALL_PATH = "/bytes?n=1000"


@pytest.fixture(scope="module")
def srpv(tmp_path_factory):
    need("openssl")
    return srp_servers.srpv(tmp_path_factory.mktemp("srpv") / "srpv", [*GROUPS, WEAK_GROUP])


@pytest.fixture(scope="module")
def server(peers, srpv):
    server = srp_servers.LibsslServer(peers / "libssl_server", srpv)
    yield server
    server.stop()


def test_client_gets_a_page_and_resumes(client, server):
    outcome = client.get(server.address, user(3072), PASSWORD, SMALL_PATH)
    assert outcome.ok and outcome.body == SMALL, outcome
    assert outcome.ems in (None, True) and outcome.etm in (None, True), outcome
    assert client.resume(server.address, user(3072), PASSWORD) in (None, True)


def test_client_tells_the_alert_of_a_wrong_password_and_of_an_unknown_user(client, server):
    def alert(name):
        return client.get(server.address, name, "wrong", SMALL_PATH).alert

    assert alert(user(2048)) == BAD_RECORD_MAC
    assert alert("nobody-here") == UNKNOWN_PSK_IDENTITY


@pytest.mark.parametrize("extension", ["ems", "etm"])
def test_client_can_leave_out_one_extension_and_keep_the_other(client, extension, server):
    if extension not in client.lacks:
        pytest.skip(f"{client.name} cannot leave it out")
    outcome = client.get(server.address, user(2048), PASSWORD, SMALL_PATH, lack=extension)
    assert outcome.ok, outcome
    assert (outcome.ems, outcome.etm) == (extension != "ems", extension != "etm")


@pytest.mark.parametrize("options, told", [(["--no-ems"], "ems=0 etm=1"),
                                           (["--no-etm"], "ems=1 etm=0"),
                                           (["--max", "1.1", "--ciphers", "SRP@SECLEVEL=0"],
                                            "protocol=TLSv1.1")])
def test_server_can_lack_what_we_demand(options, told, peers, srpv, libssl):
    server = srp_servers.LibsslServer(peers / "libssl_server", srpv, *options)
    try:
        outcome = libssl.connect(server.address, "--user", user(2048), "--password", PASSWORD,
                                 "--ciphers", "SRP@SECLEVEL=0", request=content.get(SMALL_PATH))
        assert outcome.result.status == 0 and told in outcome.result.err, outcome
    finally:
        server.stop()


def test_weak_group_and_tls_1_1_work_between_peers(server, libssl):
    assert libssl.get(server.address, user(WEAK_GROUP), PASSWORD, SMALL_PATH).ok
    outcome = libssl.connect(server.address, "--user", user(2048), "--password", PASSWORD,
                             "--max", "1.1", "--ciphers", "SRP@SECLEVEL=0",
                             request=content.get(SMALL_PATH))
    assert "protocol=TLSv1.1" in outcome.result.err, outcome
    assert libssl.connect(server.address, "--min", "1.3", "--max", "1.3").alert == PROTOCOL_VERSION


def test_server_can_cut_its_answer(peers, srpv, libssl):
    server = srp_servers.LibsslServer(peers / "libssl_server", srpv, "--truncate")
    try:
        outcome = libssl.get(server.address, user(2048), PASSWORD, SMALL_PATH)
        assert outcome.result.status != 0 and "unexpected eof" in outcome.result.err, outcome
        assert outcome.result.out.endswith(SMALL[:500])
    finally:
        server.stop()


def test_apache_takes_the_password_and_simulates_unknown_users(srpv, libssl):
    need("apache2")
    server = srp_servers.ApacheServer(srpv)
    try:
        for group in GROUPS:
            exchange = server.small()
            result = talk(libssl.argv(server.address, user(group), PASSWORD), exchange.request)
            exchange.verify(result.out)
        for name in user(2048), "nobody-here":
            assert libssl.get(server.address, name, "wrong", "/").alert == BAD_RECORD_MAC
    finally:
        server.stop()


def test_gnutls_serv_takes_the_password_of_every_group(namespace, tmp_path, libssl):
    need("gnutls-serv", "srptool")
    server = srp_servers.GnutlsServer(namespace, *verifiers.gnutls_tpasswd(
        tmp_path, [(user(g), PASSWORD, g) for g in GROUPS]))
    try:
        for group in GROUPS:
            exchange = server.small()
            argv = [*libssl.argv(server.address, user(group), PASSWORD), "--close-on-eof"]
            result = talk(server.argv(argv), exchange.request, enough=exchange.enough)
            assert result.status == 0, result
            exchange.verify(result.out)
    finally:
        server.stop()
