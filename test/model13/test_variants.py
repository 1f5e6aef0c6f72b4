"""Goal: every row of the catalogue means what it says: the model's own other end, which is strict,
answers it as the row expects."""
import dataclasses

import pytest

from .catalogue import CLIENTS, SERVERS
from .constants import FORMS, IETF, SECP256R1, X25519
from .driver import Listener, answer, ask, run_client
from .test_model_pair import both_succeed, client_config, server_config

PROTOCOLS = (b"http/1.1",)


def ids(case):
    row, form = case
    return f"{form}-{row.name}"


def server_of(row):
    options = dict(zip(row.options[::2], row.options[1::2]))
    forms = (options["--pake"],) if "--pake" in options else FORMS
    return server_config(forms=forms, alpn=PROTOCOLS, record_size_limit=16385)


def check(row, form, outcome):
    assert outcome.word in row.expect[form], f"{outcome}; {row.why}"
    if outcome.protected is not None and row.protected is not None:
        assert outcome.protected == row.protected, outcome
    if outcome.word == "succeeds" and row.resumed is not None:
        assert outcome.peer.resumed == row.resumed


def play_client(row, form, server):
    options = dict(row.config)
    if row.ticket:
        good, _ = both_succeed(client_config(suites=(0x1301,)), server)
        options = {"suites": (0x1301,), "ticket": row.ticket(good.tickets[0]), **options}
    with Listener(lambda _: (server, None, None, None), answer) as listener:
        for _ in range(2 if row.replay else 1):
            outcome = run_client(listener.port, client_config(form, **options), ask, row.edits,
                                 row.script, row.after)
    return outcome


@pytest.mark.parametrize("case", CLIENTS.cases(), ids=ids)
def test_client_variant(case):
    row, form = case
    outcome = play_client(row, form, server_of(row))
    if outcome.word == "not applicable":  # it wants a cookie
        outcome = play_client(row, form, dataclasses.replace(server_of(row), cookie=True))
    check(row, form, outcome)


def play_server(row, form, **options):
    server = dataclasses.replace(server_config(), **row.config)
    if row.ticket:
        good, _ = both_succeed(client_config(suites=(0x1301, 0x1302)), server)
        options = {"suites": (0x1301, 0x1302), "ticket": good.tickets[0]}
    with Listener(lambda _: (server, row.edits, row.script, row.after), answer) as listener:
        run_client(listener.port, client_config(form, alpn=PROTOCOLS, **options), ask)
        return listener.outcome()


@pytest.mark.parametrize("case", SERVERS.cases(), ids=ids)
def test_server_variant(case):
    row, form = case
    outcome = play_server(row, form)
    if outcome.word == "not applicable":  # it wants shares of both groups
        outcome = play_server(row, form, shares=(X25519, SECP256R1))
    check(row, form, outcome)


def test_the_catalogue_is_large_enough():
    for catalogue in CLIENTS, SERVERS:
        bad = [row for row in catalogue.rows
               if any("succeeds" not in expected for expected in row.expect.values())]
        assert len(bad) >= 30
    assert any(form != IETF for _, form in CLIENTS.cases())
