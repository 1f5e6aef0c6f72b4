"""Goal: GoAhead with the provider of integrations/goahead, as far as a harness can show that does
what GoAhead does: both versions of TLS, bodies and pages of any size, who was proved on each request,
and nothing for anybody else."""
import time

import pytest

from gateways import box, curl
from http_peers import BY_TLS13, Channel, request
from in_process import (  # what every server has to do
    BOTH, InProcess, page, pattern, relay, summed, test_20_mb_each_way,
    test_a_client_that_has_said_all, test_a_client_that_has_left_the_wire,
    test_a_changed_password, test_a_client_that_sends_byte_by_byte, test_a_name_is_any_bytes,
    test_a_wrong_password, test_an_end_with_connections_open, test_curl, test_fifty_at_once,
    test_guesses_are_few_and_outlive_the_server, test_many_requests_in_one_record,
    test_pages_and_bodies, test_plain_http_gets_no_page, test_the_hint, test_the_last_answer_is_whole,
    test_tickets, test_who_goes_away, test_who_reads_slowly, test_who_says_nothing,
    test_without_credentials_nothing_starts)


@pytest.fixture
def start(box):
    return lambda *args, **kwargs: InProcess(box, "goahead/goahead-harness", *args, **kwargs)


@pytest.fixture
def device(start):
    return start()


def variables(text):
    return dict(line.split("=", 1) for line in text.decode().splitlines())


@BOTH
def test_the_variables_of_each_request(box, device, tls):
    """GoAhead forgets the user behind each request; a request that came with the one before it is
    answered without anything being read."""
    channel = Channel(box, device, *tls)
    for _ in range(2):
        channel.send(request("/whoami") * 3)
        for _ in range(3):
            seen = variables(channel.response().body)
            proof = "spake2plus" if tls == BY_TLS13 else "srp"
            assert seen["REMOTE_USER"] == "admin" and seen["AUTH_TYPE"] == "Keyplate"
            assert seen["KEYPLATE_PROOF"] == proof
            assert seen["SSL_PROTOCOL"] == ("TLSv1.3" if tls == BY_TLS13 else "TLSv1.2")
            assert seen["SSL_CIPHER"]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_a_client_sets_none_of_them(box, device, method):
    names = ("REMOTE_USER", "AUTH_TYPE", "SSL_PROTOCOL", "SSL_CIPHER", "KEYPLATE_PROOF")
    target = "/whoami?" + "&".join(f"{name}=evil" for name in names)
    fields = [f"{name.replace('_', '-')}: evil" for name in (*names, "X_REMOTE_USER")]
    seen = variables(page(Channel(box, device, *BY_TLS13), target, *fields,
                          "Authorization: Basic ZXZpbDpldmls", method=method,
                          body=b"" if method == "GET" else b"REMOTE_USER=evil"))
    assert seen["REMOTE_USER"] == "admin" and seen["AUTH_TYPE"] == "Keyplate"
    assert not any("evil" in seen.get(name, "") for name in names)


@BOTH
def test_what_came_with_a_body_is_not_forgotten(box, device, tls):
    """GoAhead waits for no event of a client whose body it has, and here the next request is read
    already when it does again."""
    channel = Channel(box, device, *tls, seconds=30)
    page(channel)
    left = 2048 - len(request("/later", method="PUT", body=b"x" * 1000))
    channel.send(request("/later", method="PUT", body=b"x" * (1000 + left))  # two reads, exactly
                 + request("/whoami", "X-Filler: " + "f" * 1500) * 4)
    assert channel.response().body == b"later"
    for _ in range(4):
        assert b"admin" in channel.response().body


@BOTH
def test_a_page_longer_than_the_buffer_and_a_slow_reader(box, device, tls):
    """GoAhead makes the socket blocking and takes what it wrote for sent."""
    channel = Channel(box, device, *tls, seconds=30).send(request("/page/12000000"),
                                                          request("/whoami"))
    time.sleep(0.5)
    assert channel.response().body == pattern(12000000)
    assert b"admin" in channel.response().body


def test_methods_that_no_page_takes(box, device):
    done = curl(device.url("/whoami"), "-X", "DELETE", "-w", "%{http_code}")
    assert done.stdout.endswith(b"404")
    body = b"b" * 16385
    done = curl(device.url("/sum"), "--data-binary", body.decode(), "-w", "%{http_code}")
    assert done.stdout.endswith(b"413")
    assert curl(device.url("/sum"), "--data-binary", body[1:].decode()).stdout == summed(body[1:])
