"""`keyplate serve` in front of a web page, against the TLS-SRP clients of other people."""
import re

import pytest

from support import content, verifiers
from support.needs import need
from support.processes import run
from support.srp_clients import (BAD_RECORD_MAC, HANDSHAKE_FAILURE, INAPPROPRIATE_FALLBACK,
                                 NO_APPLICATION_PROTOCOL, NO_RENEGOTIATION, PROTOCOL_VERSION)
from support.upstream import Upstream

ROLE = "serve"
GROUPS = [2048, 3072, 4096]
DEFAULT_GROUP = 3072
USER, PASSWORD, WRONG, NOBODY = "admin", "kestrel-4711", "kestrel-4712", "nobody-here"
SMALL = content.pattern(1000)
SMALL_PATH = "/bytes?n=1000"


@pytest.fixture(scope="module")
def upstream():
    server = Upstream()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def credentials(keyplate, tmp_path_factory):
    """credentials(group): a file with the one user admin."""
    directory, files = tmp_path_factory.mktemp("credentials"), {}

    def of_group(group):
        if group not in files:
            files[group] = directory / str(group)
            keyplate.add_user(files[group], USER, PASSWORD, "--group", str(group))
        return files[group]

    return of_group


@pytest.fixture(scope="module", params=GROUPS)
def group(request):
    return request.param


@pytest.fixture(scope="module")
def device(group, keyplate, credentials, upstream):
    """A device for all tests of one group that end well."""
    with keyplate.serve(credentials(group), upstream.address) as server:
        yield server


@pytest.fixture(scope="module")
def usual_device(keyplate, credentials, upstream):
    with keyplate.serve(credentials(DEFAULT_GROUP), upstream.address) as server:
        yield server


@pytest.fixture
def guessed_device(group, keyplate, credentials, upstream):
    """A device of its own for failing tries: they are throttled, and that is tested elsewhere."""
    with keyplate.serve(credentials(group), upstream.address) as server:
        yield server


@pytest.fixture(scope="module")
def cell(table):
    return lambda client, group, column: table.cell(client.name, client.version, ROLE, group,
                                                    column)


def s_client(address, *options):
    """The alert `openssl s_client`, without a password, is refused with."""
    result = run(["openssl", "s_client", "-connect", address, *options])
    assert result.status != 0, result
    alert = re.search(r"SSL alert number (\d+)", result.err)
    assert alert, result
    return int(alert[1])


def assert_page(outcome):
    assert outcome.ok and outcome.body == SMALL, outcome
    # Where the client tells: both demanded extensions were agreed.
    assert outcome.ems in (None, True) and outcome.etm in (None, True), outcome


# Every client, every group.

def test_right_password_brings_the_page(client, group, device, cell):
    with cell(client, group, "right"):
        assert_page(client.get(device.address, USER, PASSWORD, SMALL_PATH))


def test_wrong_password_ends_with_bad_record_mac(client, group, guessed_device, cell, upstream):
    asked = len(upstream.seen)
    with cell(client, group, "wrong") as said:
        outcome = client.get(guessed_device.address, USER, WRONG, SMALL_PATH)
        assert not outcome.ok and outcome.alert == BAD_RECORD_MAC, outcome
        assert len(upstream.seen) == asked
        said.say("bad_record_mac")


def test_unknown_user_ends_like_a_wrong_password(client, group, guessed_device, cell, upstream):
    asked = len(upstream.seen)
    with cell(client, group, "unknown") as said:
        outcome = client.get(guessed_device.address, NOBODY, WRONG, SMALL_PATH)
        assert not outcome.ok and outcome.alert == BAD_RECORD_MAC, outcome
        assert len(upstream.seen) == asked
        said.say("bad_record_mac")


def test_unknown_user_is_shown_the_same_group_and_a_steady_salt(libssl, group, guessed_device):
    def shown(user, password):
        outcome = libssl.get(guessed_device.address, user, password, SMALL_PATH)
        return re.search(r"srp_bits=(\d+) salt=([0-9a-f]+)", outcome.result.err).groups()

    # The real one by the right password: fewer failures to be throttled for.
    real = shown(USER, PASSWORD)
    fake, again, other = (shown(name, WRONG) for name in (NOBODY, NOBODY, NOBODY + "-2"))
    assert real[0] == fake[0] == other[0] == str(group)
    assert len(real[1]) == len(fake[1]) == len(other[1])
    assert fake == again
    assert len({real[1], fake[1], other[1]}) == 3


# Every client, the group of new files.

def test_second_connection_resumes_the_first(client, usual_device, cell):
    with cell(client, DEFAULT_GROUP, "resumption") as said:
        resumed = client.resume(usual_device.address, USER, PASSWORD)
        if not resumed and not client.tickets:
            said.say("client sends no session_ticket")
        assert resumed or not client.tickets


def test_20_mb_come_down_whole(client, usual_device, cell):
    with cell(client, DEFAULT_GROUP, "20 MB down"):
        outcome = client.get(usual_device.address, USER, PASSWORD, f"/bytes?n={content.BIG}")
        assert outcome.ok, outcome
        assert content.digest(outcome.body) == content.digest(content.pattern(content.BIG))


def test_20_mb_go_up_whole(client, usual_device, cell):
    body = content.pattern(content.BIG)
    with cell(client, DEFAULT_GROUP, "20 MB up"):
        outcome = client.post(usual_device.address, USER, PASSWORD, "/upload", body)
        assert outcome.ok and outcome.body.decode() == content.digest(body), outcome


@pytest.mark.parametrize("extension", ["ems", "etm"])
def test_client_without_a_demanded_extension_is_refused(client, extension, usual_device, table):
    if extension not in client.lacks:
        pytest.skip(f"{client.name} cannot leave it out")
    with table.refusal(client.name, f"client without {extension.upper()}", ROLE) as said:
        outcome = client.get(usual_device.address, USER, PASSWORD, SMALL_PATH, lack=extension)
        assert not outcome.ok and outcome.alert == HANDSHAKE_FAILURE, outcome
        said.say("handshake_failure")


# What the protocol says of versions, suites and the end of the wire.

def test_client_that_offers_tls_1_3_too_gets_1_2_by_password(libssl, usual_device):
    """libssl refuses a ServerHello with the downgrade sentinel of RFC 8446 4.1.3."""
    outcome = libssl.connect(usual_device.address, "--user", USER, "--password", PASSWORD,
                             "--max", "1.3", request=content.get(SMALL_PATH))
    assert outcome.result.status == 0, outcome
    assert "protocol=TLSv1.2 cipher=SRP-AES-" in outcome.result.err
    assert content.parse_answer(outcome.result.out) == (200, SMALL)


@pytest.mark.parametrize("suite", ["SRP-AES-256-CBC-SHA", "SRP-AES-128-CBC-SHA"])
def test_either_suite_works_alone(suite, libssl, usual_device):
    outcome = libssl.connect(usual_device.address, "--user", USER, "--password", PASSWORD,
                             "--ciphers", suite, request=content.get(SMALL_PATH))
    assert f"cipher={suite} ems=1 etm=1" in outcome.result.err, outcome
    assert content.parse_answer(outcome.result.out) == (200, SMALL)


def test_curl_that_offers_tls_1_3_too_gets_1_2_by_password(curl, usual_device):
    argv = [a for a in curl.argv(USER, PASSWORD) if a not in ("--tls-max", "1.2")]
    result = run([*argv, "--verbose", f"https://{usual_device.address}{SMALL_PATH}"])
    assert result.status == 0 and result.out == SMALL, result
    assert "using TLSv1.2 / SRP-AES-" in result.err


def test_tls_1_1_client_is_refused_with_protocol_version(libssl, usual_device, table):
    with table.refusal(libssl.name, "TLS 1.1 client", ROLE) as said:
        outcome = libssl.connect(usual_device.address, "--user", USER, "--password", PASSWORD,
                                 "--max", "1.1", "--ciphers", "SRP@SECLEVEL=0")
        assert outcome.alert == PROTOCOL_VERSION, outcome
        said.say("protocol_version")


def test_tls_1_3_client_is_refused_with_protocol_version(keyplate, credentials, upstream, table):
    with table.refusal("openssl s_client", "TLS 1.3 client, --tls 1.2", ROLE) as said, \
            keyplate.serve(credentials(DEFAULT_GROUP), upstream.address, "--tls", "1.2") as server:
        assert s_client(server.address, "-tls1_3") == PROTOCOL_VERSION
        said.say("protocol_version")


def test_tls_1_3_without_a_pake_is_refused_with_handshake_failure(usual_device, table):
    with table.refusal("openssl s_client", "TLS 1.3 client without a PAKE", ROLE) as said:
        assert s_client(usual_device.address, "-tls1_3") == HANDSHAKE_FAILURE
        said.say("handshake_failure")


def test_gnutls_cli_that_offers_tls_1_3_too_gets_1_2_by_password(usual_device):
    """Its hello has key_share and supported_groups, and no pake."""
    need("gnutls-cli")
    host, port = usual_device.address.rsplit(":", 1)
    result = run(["gnutls-cli", "--insecure", "--priority",
                  "NORMAL:+SRP:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2", "--srpusername", USER,
                  "--srppasswd", PASSWORD, "--port", port, host])
    assert re.search(rb"Description: \(TLS1.2.*SRP", result.out), result


def test_client_that_fell_back_from_tls_1_3_is_refused(usual_device, keyplate, credentials,
                                                       upstream):
    """RFC 7507 3: who can do more than 1.2 is not to be talked down to it."""
    scsv = "-fallback_scsv", "-tls1_2"
    assert s_client(usual_device.address, *scsv) == INAPPROPRIATE_FALLBACK
    with keyplate.serve(credentials(DEFAULT_GROUP), upstream.address, "--tls", "1.2") as server:
        # Not for the fall-back: it has no password suite.
        assert s_client(server.address, *scsv) == HANDSHAKE_FAILURE


def test_certificate_clients_are_refused_with_handshake_failure(curl, usual_device, table):
    with table.refusal("openssl s_client", "client for certificates", ROLE) as said:
        assert s_client(usual_device.address, "-tls1_2") == HANDSHAKE_FAILURE
        said.say("handshake_failure")
    with table.refusal("curl", "client for certificates", ROLE) as said:
        outcome = curl.plain(usual_device.address, "--tls-max", "1.2")
        assert not outcome.ok and outcome.alert == HANDSHAKE_FAILURE, outcome
        said.say("handshake_failure")


def test_alpn_picks_http_1_1_and_refuses_what_is_not_http(libssl, usual_device):
    login = "--user", USER, "--password", PASSWORD
    outcome = libssl.connect(usual_device.address, *login, "--alpn", "http/1.1",
                             request=content.get(SMALL_PATH))
    assert "alpn=http/1.1 " in outcome.result.err, outcome
    outcome = libssl.connect(usual_device.address, *login, "--alpn", "imap")
    assert outcome.alert == NO_APPLICATION_PROTOCOL, outcome


def test_renegotiation_is_refused(libssl, usual_device):
    outcome = libssl.connect(usual_device.address, "--user", USER, "--password", PASSWORD,
                             "--renegotiate", request=content.get(SMALL_PATH))
    assert outcome.result.err.startswith("connected "), outcome
    assert outcome.result.status != 0 and outcome.alert in (NO_RENEGOTIATION, HANDSHAKE_FAILURE)
    assert not outcome.result.out


def test_answer_still_comes_after_the_clients_close_notify(libssl, usual_device):
    argv = [*libssl.argv(usual_device.address, USER, PASSWORD), "--close-on-eof"]
    result = run(argv, content.get("/bytes?n=1000000"))
    assert result.status == 0, result
    assert content.parse_answer(result.out) == (200, content.pattern(1000000))


# Verifiers that other tools made.

def test_user_of_openssl_srp_gets_in_after_import(keyplate, libssl, upstream, tmp_path):
    need("openssl")
    srpv = verifiers.openssl_srpv(tmp_path / "srpv", [(USER, PASSWORD, DEFAULT_GROUP)])
    keyplate.passwd("import", tmp_path / "credentials", "--format", "openssl", srpv)
    with keyplate.serve(tmp_path / "credentials", upstream.address) as server:
        assert_page(libssl.get(server.address, USER, PASSWORD, SMALL_PATH))
        assert libssl.get(server.address, USER, WRONG, SMALL_PATH).alert == BAD_RECORD_MAC


def test_user_of_srptool_gets_in_after_import(keyplate, libssl, upstream, tmp_path):
    need("srptool")
    tpasswd, conf = verifiers.gnutls_tpasswd(tmp_path, [(USER, PASSWORD, DEFAULT_GROUP)])
    keyplate.passwd("import", tmp_path / "credentials", "--format", "gnutls", tpasswd, conf)
    with keyplate.serve(tmp_path / "credentials", upstream.address) as server:
        assert_page(libssl.get(server.address, USER, PASSWORD, SMALL_PATH))
        assert libssl.get(server.address, USER, WRONG, SMALL_PATH).alert == BAD_RECORD_MAC
