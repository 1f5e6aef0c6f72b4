"""Goal: serve takes the versions and forms that it was told to, and its log tells every guess."""
import json
import os
import signal
import socket
import ssl
import struct
import sys
import time

import pytest

from faults import address
from gateways import PASSWORD, ROOT, box, curl, read_all, talk_echo, talk_http, until
from test_16_well_known import REQUEST, page_of

sys.path.insert(0, str(ROOT / "test"))

from model13.client import Client, ClientConfig  # noqa: E402
from model13.constants import BORINGSSL, FORMS, IETF, Alert, ExtensionType  # noqa: E402
from model13.driver import PONG, ask, run_client  # noqa: E402
from model13.messages import numbers, versions  # noqa: E402
from model13.variants import (in_turn, offered_shares, on, setting, with_body,  # noqa: E402
                              without)

DEVICE = "kp-serial-0042"
BOTH = pytest.mark.parametrize("http", ["on", "off"])


def credentials(box, *args, device_id=DEVICE, users=("admin",)):
    path = box.dir / f"credentials-{box.count()}"
    for user in users:
        header = ("--group", "2048", "--device-id", device_id) if not path.exists() else ()
        box.passwd("add", path, user, PASSWORD, *header, *args)
    return path


def talk_pong(sock):
    data = sock.recv(100)
    sock.sendall(PONG)
    return data + read_all(sock)


def config(form=IETF, **options):
    return ClientConfig(**{"form": form, "user": b"admin", "device_id": DEVICE.encode(),
                           "password": PASSWORD.encode(), **options})


def play(serve, exchange=ask, form=IETF, edits=None, script=None, source="127.0.0.1", **options):
    """The model's client against serve: an Outcome."""
    return run_client(serve.port, config(form, **options), exchange, edits, script, source=source)


def fields(line):
    """Of a line of text: values without their quotes."""
    words = line.split("; ", 1)[1].split(" ")
    return {key: value.strip('"') for key, value in (word.split("=", 1) for word in words)}


def lines(serve, event):
    """All of an event, from JSON."""
    return [line for line in map(json.loads, serve.log().splitlines()) if line["event"] == event]


def one(serve, event, count=1):
    until(lambda: len(lines(serve, event)) >= count, what=serve.log())
    assert len(lines(serve, event)) == count, serve.log()
    return lines(serve, event)[-1]


@pytest.fixture
def start(box):
    """start(options): a serve of both versions, whose log is JSON; what clients say is no HTTP."""
    def start(*args, talk=talk_pong, http="off", credentials_=None, **kwargs):
        return box.serve(box.upstream(talk), "--http", http, "--log", "json", *args,
                         credentials=credentials_ or credentials(box), **kwargs)
    return start


# ---- What is taken ------------------------------------------------------------------------------

@pytest.mark.parametrize("form", FORMS)
def test_both_versions_and_forms_by_default(start, form):
    serve = start()
    assert play(serve, form=form).word == "succeeds"
    assert curl(f"https://{serve.at}/").returncode in (0, 1), "TLS 1.2: what it got is no HTTP"
    assert {line["protocol"] for line in lines(serve, "proved")} == {"TLSv1.2", "TLSv1.3"}


def test_tls12_alone(start):
    serve = start("--tls", "1.2", "--pake", "ietf")
    assert play(serve).word == "protocol_version"
    line = one(serve, "refused")
    assert "--tls" in line["message"] and line["sent_alert"] == "protocol_version"
    assert "attempt" not in line
    curl(f"https://{serve.at}/")
    assert one(serve, "proved")["protocol"] == "TLSv1.2"


def test_tls13_alone(start):
    serve = start("--tls", "1.3")
    assert curl(f"https://{serve.at}/").returncode == 35
    line = one(serve, "refused")
    assert "--tls" in line["message"] and line["sent_alert"] == "protocol_version"
    assert play(serve).word == "succeeds"


def test_the_ietf_form_alone(start):
    serve = start("--pake", "ietf")
    assert play(serve, form=BORINGSSL).word == "missing_extension"
    line = one(serve, "refused")
    assert "--pake" in line["message"] and "attempt" not in line
    assert play(serve).word == "succeeds"
    assert one(serve, "proved")["pake"] == "ietf"


def test_the_boringssl_form_alone(start):
    """Such a server passes over what the other form has beside it, and the client doesn't go on."""
    serve = start("--pake", "boringssl")
    assert play(serve).word.startswith("model: ")
    line = one(serve, "proof-failed")
    assert (line["attempt"], line["pake"]) == ("failed", "boringssl")
    assert "(or it wants another form: --pake)" in line["message"]
    assert play(serve, form=BORINGSSL).word == "succeeds"
    assert one(serve, "proved")["pake"] == "boringssl"


def test_hangup_changes_them(box, start):
    path = box.dir / "conf"
    path.write_text("[serve]\ntls = 1.2\npake = boringssl\n")
    serve = start("--config", path)
    assert play(serve).word == "protocol_version"
    path.write_text("[serve]\ntls = any\npake = ietf\n")
    serve.signal(signal.SIGHUP)
    serve.logged("the configuration was read again")
    until(lambda: play(serve).word == "succeeds")
    path.write_text("[serve]\ntls = 1.1\n")
    serve.signal(signal.SIGHUP)
    serve.logged("the old one stays in force")
    assert play(serve).word == "succeeds"


@BOTH
def test_the_well_known_page_of_tls13(start, http):
    serve = start("--tls", "1.3", http=http)
    answers = []

    def exchange(client):
        client.send(REQUEST)
        answer = b""
        while piece := client.read():
            answer += piece
        answers.append(answer)

    assert play(serve, exchange).word == "succeeds"
    page = page_of(answers[0])
    assert (page["versions"], page["device_id"]) == (["1.3"], DEVICE)


def test_a_file_of_another_device(box, start):
    serve = start()
    assert play(serve).word == "succeeds"
    os.replace(credentials(box, device_id="another"), serve.credentials)
    serve.logged("is in force")
    until(lambda: play(serve, device_id=b"another").word == "succeeds")
    assert play(serve).word == "simulated"


def test_identity(box):
    from test_10_identity import parse, talk_header
    upstream = box.upstream(talk_header)
    serve = box.serve_bytes(upstream, "--identity", "proxy-v2", credentials=credentials(box))
    client = play(serve, lambda peer: (peer.send(b"first bytes"), peer.close(), peer.read()))
    assert client.word == "succeeds", client
    until(lambda: upstream.seen)
    assert upstream.seen[0][1] == b"first bytes"
    assert parse(upstream.seen[0][0])[4][1:] == [(0x21, b"TLSv1.3"), (0x22, b"admin"),
                                                 (0x23, b"TLS_AES_128_GCM_SHA256")]


# ---- With our own client ------------------------------------------------------------------------

@pytest.mark.parametrize("form", FORMS)
def test_connect_by_tls13(box, start, form):
    serve = start(talk=talk_echo)
    args = ("--device-id", DEVICE, "--tls", "1.3", "--pake", form)
    assert box.connect(serve, b"hello", *args).stdout == b"hello"
    assert page_of(box.connect(serve, REQUEST, *args).stdout)["device_id"] == DEVICE
    line = one(serve, "proved", 2)
    assert (line["protocol"], line["pake"]) == ("TLSv1.3", form)
    assert box.connect(serve, b"x", *args, password="wrong").returncode == 3
    line = one(serve, "proof-failed")
    assert (line["attempt"], line["claimed"], line["pake"]) == ("failed", "admin", form)
    args = ("--device-id", "another", *args[2:])
    assert box.connect(serve, b"x", *args).returncode == 3
    assert one(serve, "proof-failed", 2)["attempt"] == "failed"


# ---- Users with one half ------------------------------------------------------------------------

def test_users_without_tls13_are_warned_of(box, start):
    path = credentials(box, "--tls", "1.2")
    serve = start(credentials_=path)
    warning = one(serve, "credentials")
    assert warning["level"] == "warning" and "passwd change" in warning["message"]
    assert "some users have no TLS 1.3 half" in warning["message"]
    serve.signal(signal.SIGHUP)
    until(lambda: serve.log().count("no TLS 1.3 half") == 2)
    box.passwd("change", path, "admin", PASSWORD, "--tls", "any")
    until(lambda: serve.log().count("is in force") == 2)
    assert serve.log().count("no TLS 1.3 half") == 2
    assert play(serve).word == "succeeds"


def with_srp(user=b"admin"):
    """What makes a ClientHello of TLS 1.3 one of TLS 1.2 with SRP, too."""
    empty = [with_body(kind, b"") for kind in (22, 23)]  # encrypt-then-MAC, extended master secret
    return in_turn(setting(suites=[0x1301, 0xC020]), with_body(0xFF01, b"\0"), *empty,
                   with_body(12, bytes([len(user)]) + user),
                   with_body(ExtensionType.SUPPORTED_VERSIONS, versions([0x0304, 0x0303])))


def protocols(serve):
    """By which version clients that offer both are answered: one with a TLS 1.3 half, one without,
    and nobody."""
    before = len(serve.log().splitlines())
    for user in (b"both", b"old", b"nobody"):
        play(serve, user=user, script=hang_up, edits=on("client_hello", with_srp(user)))
    ends = [line for line in map(json.loads, until(
        lambda: len(serve.log().splitlines()) >= before + 3 and serve.log().splitlines()[before:]))
        if "claimed" in line]
    return {line["claimed"]: line["protocol"] for line in ends}


def test_one_user_without_tls13_gives_all_tls12(box, start):
    """A choice by the name would tell who exists."""
    path = credentials(box, users=("both", "old"))
    serve = start(credentials_=path)
    assert set(protocols(serve).values()) == {"TLSv1.3"}
    box.passwd("change", path, "old", PASSWORD, "--tls", "1.2", "--allow-tls12")
    serve.logged("no TLS 1.3 half")
    until(lambda: protocols(serve) == dict.fromkeys(("both", "old", "nobody"), "TLSv1.2"))
    assert play(serve, user=b"both").word == "succeeds", "who offers TLS 1.3 alone still gets it"
    box.passwd("change", path, "old", PASSWORD)
    until(lambda: serve.log().count("is in force") == 2)
    until(lambda: protocols(serve) == dict.fromkeys(("both", "old", "nobody"), "TLSv1.3"))


def test_the_warning_is_about_what_is_taken(box, start):
    path = credentials(box, "--tls", "1.2")
    assert "no TLS 1.3 half" not in start("--tls", "1.2", credentials_=path).log()
    assert "can't come in" in start("--tls", "1.3", credentials_=path).log()


# ---- The log: those who proved it ---------------------------------------------------------------

@pytest.mark.parametrize("form", FORMS)
def test_a_proof(start, form):
    serve = start()
    assert play(serve, form=form, suites=(0x1302,)).word == "succeeds"
    for line in (one(serve, "proved"), one(serve, "closed")):
        assert line["user"] == "admin" and line["proved"] is True
        assert (line["protocol"], line["suite"]) == ("TLSv1.3", "TLS_AES_256_GCM_SHA384")
        assert (line["pake"], line["resumed"], line["retried"]) == (form, False, False)
        assert line.get("named_group") == ("X25519" if form == IETF else None)
        assert "group" not in line and "attempt" not in line


def test_a_proof_as_text(box):
    serve = box.serve_bytes(box.upstream(talk_pong), credentials=credentials(box))
    assert play(serve).word == "succeeds"
    line = fields(serve.logged("the password was proved")[0])
    del line["client"]
    assert line == {"user": "admin", "proved": "true", "protocol": "TLSv1.3", "pake": "ietf",
                    "suite": "TLS_AES_128_GCM_SHA256", "resumed": "false",
                    "named_group": "X25519", "retried": "false"}


def test_a_second_hello_and_a_ticket(start):
    serve = start("--verbose")
    outcome = play(serve, shares=())
    assert outcome.word == "succeeds"
    assert one(serve, "proved")["retried"] is True
    assert play(serve, ticket=outcome.peer.tickets[-1]).word == "succeeds"
    line = one(serve, "proved", 2)
    assert line["resumed"] is True and line["user"] == "admin" and "pake" not in line


# ---- The log: guesses ---------------------------------------------------------------------------

def hang_up(client):
    client.send_hello()
    client.read_server_hello()


def reset(client):
    hang_up(client)
    client.records.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def fall_silent(client):
    hang_up(client)
    read_all(client.records.sock)


def noise(client):
    hang_up(client)
    client.records.sock.sendall(b"\x17\x03\x03\x00\x40" + os.urandom(64))
    read_all(client.records.sock)


def bad_record(client):
    hang_up(client)
    client.records.sock.sendall(b"\x63\x03\x03\x00\x01x")
    read_all(client.records.sock)


def alert(client):
    hang_up(client)
    client.send_alert(Alert.DECRYPT_ERROR)


GUESSES = [hang_up, reset, fall_silent, noise, bad_record, alert]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("script", GUESSES)
@BOTH
def test_no_ending_hides_a_guess(start, script, form, http):
    serve = start("--quiet", "--handshake-timeout", "2", http=http)
    play(serve, form=form, script=script, user=b'x"y')
    line = one(serve, "proof-failed")
    assert line["attempt"] == "failed" and line["proved"] is False
    assert line["claimed"] == "x\\x22y" and "user" not in line
    assert line["level"] == "warning" and line["protocol"] == "TLSv1.3" and line["pake"] == form


@pytest.mark.parametrize("form", FORMS)
def test_wrong_ones(start, form):
    serve = start()
    for number, wrong in enumerate(({"password": b"wrong"}, {"user": b"nobody"},
                                    {"device_id": b"other"}), 1):
        assert play(serve, form=form, **wrong).word == "simulated"
        line = one(serve, "proof-failed", number)
        assert line["attempt"] == "failed" and "device id" in line["message"]
        assert line["peer_alert"] == ("decrypt_error" if form == IETF else "illegal_parameter")


def test_a_guess_by_tls12(start):
    serve = start()
    assert curl(f"https://{serve.at}/", password="wrong").returncode == 35
    line = one(serve, "proof-failed")
    assert (line["attempt"], line["claimed"], line["protocol"]) == ("failed", "admin", "TLSv1.2")


def test_a_guess_as_text(box):
    serve = box.serve_bytes(box.upstream(talk_pong), credentials=credentials(box))
    play(serve, script=hang_up)
    line = serve.logged("proof-failed: the client went away")[0]
    assert " warning " in line and " attempt=failed " in line and ' claimed="admin"' in line


def test_what_is_no_guess(start):
    serve = start()
    with serve.raw() as sock:
        sock.sendall(b"\x16\x03\x01\x02\x00")
    assert "attempt" not in one(serve, "handshake-failed")

    def end_after_the_retry(client):
        client.send_hello()
        assert client.read_server_hello()[1].is_retry

    play(serve, script=end_after_the_retry, shares=())
    assert "attempt" not in one(serve, "handshake-failed", 2)


# ---- The log: what is refused -------------------------------------------------------------------

def test_an_ordinary_client_of_tls13(start):
    serve = start()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    with serve.raw() as sock, pytest.raises(ssl.SSLError):
        context.wrap_socket(sock)
    line = one(serve, "refused")
    assert "keyplate open" in line["message"] and line["sent_alert"] == "handshake_failure"


CERTIFICATE = with_body(ExtensionType.SIGNATURE_ALGORITHMS, numbers([0x0804]))


@pytest.mark.parametrize("change, alert_name, words", [
    (without(ExtensionType.PAKE), "handshake_failure", "no password suite"),
    (CERTIFICATE, "handshake_failure", "a certificate beside the password"),
    (offered_shares(lambda _: [(1, b"x")]), "illegal_parameter", "SPAKE2+"),
    (setting(suites=[0x1305]), "handshake_failure", "cipher suite"),
    (without(ExtensionType.KEY_SHARE), "missing_extension", "left out an extension"),
])
def test_refusals(start, change, alert_name, words):
    serve = start()
    assert play(serve, edits=on("client_hello", change)).word == alert_name
    line = one(serve, "refused")
    assert words in line["message"] and line["sent_alert"] == alert_name
    assert "attempt" not in line


# ---- Under load ---------------------------------------------------------------------------------

def cookie(serve):
    outcome = play(serve, lambda peer: peer.close(), source=address())
    assert outcome.word == "succeeds", outcome
    return outcome.peer.cookie is not None


@BOTH
def test_a_cookie_when_many_shake_hands(start, http):
    """--max-connections 16: four handshakes are many."""
    serve = start("--max-connections", "16", "--handshake-timeout", "30", http=http)
    strangers = [serve.raw() for _ in range(3)]
    assert not cookie(serve)
    strangers.append(serve.raw())
    until(lambda: cookie(serve), 2)
    until(lambda: lines(serve, "proved")[-1]["retried"] is True)
    strangers.pop().close()
    until(lambda: not cookie(serve), 2)
    for sock in strangers:
        sock.close()


@BOTH
def test_only_handshakes_in_progress_count(start, http):
    """Neither who was proved nor who failed, though their connections last."""
    serve = start("--max-connections", "16", talk=talk_echo, http=http)
    failed = [serve.raw() for _ in range(6)]
    for sock in failed:
        sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
    until(lambda: len(lines(serve, "refused")) == 6)
    proved = []
    for _ in range(6):
        sock = serve.raw()
        client = Client(sock, config())
        client.handshake()
        proved.append(sock)
    assert not cookie(serve)
    for sock in failed + proved:
        sock.close()


@BOTH
def test_the_count_comes_back_from_every_end(start, http):
    serve = start("--max-connections", "16", "--handshake-timeout", "2", http=http)
    for script in (hang_up, reset, noise, alert, fall_silent):
        for _ in range(3):
            play(serve, script=script, source=address())
    for _ in range(5):
        assert play(serve, password=b"wrong", source=address()).word == "simulated"
        serve.raw().close()
    until(lambda: not cookie(serve))
