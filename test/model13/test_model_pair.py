"""Goal: the model's client and server agree with each other over loopback, in all they can do."""
import dataclasses

import pytest

from . import spake2plus
from .client import ClientConfig
from .constants import (BORINGSSL, FORMS, IETF, ExtensionType, PSK_KE, SECP256R1, SUITES, X25519)
from .driver import Listener, answer, ask, run_client
from .server import ServerConfig
from .tickets import DAY, TicketBox

USER, DEVICE, PASSWORD = b"admin", b"device.example", b"kestrel-4711"


def client_config(form=IETF, **options):
    return ClientConfig(**{"form": form, "user": USER, "device_id": DEVICE, "password": PASSWORD,
                           **options})


def server_config(**options):
    verifier = spake2plus.register(PASSWORD, USER, DEVICE).verifier()
    return ServerConfig(**{"verifiers": {USER: verifier}, "device_id": DEVICE, **options})


def play(client, server, client_edits=None, server_edits=None, **keywords):
    """Both outcomes of one connection."""
    with Listener(lambda _: (server, server_edits, None, None), answer) as listener:
        ours = run_client(listener.port, client, keywords.pop("exchange", ask), client_edits,
                          **keywords)
        return ours, listener.outcome()


def both_succeed(*args, **keywords):
    """Client and server of a connection that went well."""
    ours, theirs = play(*args, **keywords)
    assert (str(ours), str(theirs)) == ("succeeds", "succeeds")
    return ours.peer, theirs.peer


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("suite", SUITES)
def test_forms_and_suites(form, suite):
    client, server = both_succeed(client_config(form, suites=(suite,)), server_config())
    assert server.form == form and server.suite.code == suite and not server.resumed
    assert client.export(b"EXPORTER-test", b"context", 40) \
        == server.export(b"EXPORTER-test", b"context", 40)
    assert (client.server_hello.get(ExtensionType.KEY_SHARE) is None) == (form == BORINGSSL)


@pytest.mark.parametrize("group", [X25519, SECP256R1])
def test_groups(group):
    _, server = both_succeed(client_config(shares=(group,)), server_config())
    assert server.offer.group == group and server.retried is None


@pytest.mark.parametrize("group", [X25519, SECP256R1])
def test_retry_for_a_group(group):
    client, server = both_succeed(client_config(shares=()), server_config(groups=(group,)))
    assert server.retried and client.retry and server.offer.group == group


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("suite", [0x1301, 0x1302])
def test_retry_for_a_cookie(form, suite):
    client, server = both_succeed(client_config(form, suites=(suite,)),
                                  server_config(cookie=True))
    assert client.cookie == server.cookie != b""


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("request_update", [0, 1])
def test_key_updates(form, request_update):
    def update_and_ask(client):
        for _ in range(3):
            client.key_update(request_update)
        ask(client)

    both_succeed(client_config(form), server_config(), exchange=update_and_ask)


@pytest.mark.parametrize("form", FORMS)
def test_padding_alpn_names_and_limits(form):
    def padded(peer, _=None):
        peer.pad = 30

    client, server = both_succeed(
        client_config(form, alpn=(b"h2", b"http/1.1"), server_name=b"device.local",
                      record_size_limit=64),
        server_config(alpn=(b"http/1.1",), record_size_limit=100),
        client_edits={"before_finished": padded}, server_edits={"before_server_hello": padded})
    assert client.alpn == server.alpn == b"http/1.1"
    assert client.records.longest_in <= 64 and server.records.longest_in <= 100


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("change", [
    {"user": b"nobody"}, {"device_id": b"another"}, {"password": b"wrong"}, {"user": b""}])
def test_wrong_and_unknown_look_alike(form, change):
    ours, theirs = play(client_config(form, **change), server_config())
    assert ours.word == "simulated"
    assert theirs.word == ("decrypt_error" if form == IETF else "illegal_parameter")
    assert theirs.protected is False


def test_a_form_that_the_server_does_not_take():
    ours, _ = play(client_config(BORINGSSL), server_config(forms=(IETF,)))
    assert ours.word == "missing_extension"


# --- resumption ---

def ticket_of(server, **options):
    client, _ = both_succeed(client_config(**options), server)
    assert len(client.tickets) == server.tickets
    return client.tickets[-1]


@pytest.mark.parametrize("suite", SUITES)
def test_resumption(suite):
    server = server_config(tickets=2)
    ticket = ticket_of(server, suites=(suite,))
    client, end = both_succeed(client_config(suites=(suite,), ticket=ticket), server)
    assert client.resumed and end.resumed and end.user == USER and end.spake is None
    assert client.server_hello.get(ExtensionType.PAKE) is None
    assert client.export(b"EXPORTER-test", b"", 32) == end.export(b"EXPORTER-test", b"", 32)
    again, _ = both_succeed(client_config(suites=(suite,), ticket=client.tickets[0]), server)
    assert again.resumed


def test_resumption_after_a_retry():
    server = server_config(cookie=True)
    ticket = ticket_of(server)
    client, _ = both_succeed(client_config(ticket=ticket), server)
    assert client.resumed and client.retry


def test_the_proved_user_is_the_tickets():
    server = server_config()
    ticket = ticket_of(server)
    _, end = both_succeed(client_config(ticket=ticket, user=b"somebody"), server)
    assert end.resumed and end.user == USER


@pytest.mark.parametrize("what", ["expired", "renewed and expired", "changed", "another suite",
                                  "psk_ke only", "another device"])
def test_tickets_that_are_no_good_any_more(what):
    """The PAKE beside the ticket is taken then."""
    shift = [0.0]
    server = server_config(box=TicketBox(lambda: 1e9 + shift[0]))
    options = {"ticket": ticket_of(server, suites=(0x1301,)), "suites": (0x1301,)}
    if what == "renewed and expired":
        shift[0] = DAY - 10
        client, _ = both_succeed(client_config(**options), server)
        assert client.resumed
        options["ticket"] = client.tickets[0]
        shift[0] = DAY + 10
    elif what == "expired":
        shift[0] = DAY + 10
    elif what == "changed":
        verifier = spake2plus.register(b"another", USER, DEVICE).verifier()
        server.verifiers[USER] = verifier
        options["password"] = b"another"
    elif what == "another suite":
        options["suites"] = (0x1302,)
    elif what == "psk_ke only":
        options["psk_modes"] = (PSK_KE,)
    else:
        verifier = spake2plus.register(PASSWORD, USER, b"other").verifier()
        server = dataclasses.replace(server, device_id=b"other", verifiers={USER: verifier})
        options["device_id"] = b"other"
    client, end = both_succeed(client_config(**options), server)
    assert not client.resumed and not end.resumed


def test_no_tickets_in_boringssls_form():
    client, _ = both_succeed(client_config(BORINGSSL), server_config())
    assert not client.tickets
