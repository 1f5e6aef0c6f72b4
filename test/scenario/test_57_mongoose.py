"""Goal: Mongoose with the TLS functions of integrations/mongoose, as far as a harness can show that
does what Mongoose does: both versions of TLS, bodies and pages of any size, who was proved, and
nothing for anybody else.  Once with the buffers and the flush of today, once with small ones and
that of earlier versions."""
import pytest

from gateways import box, curl
from http_peers import BY_TLS13, Channel
from in_process import (  # what every server has to do
    BOTH, InProcess, page, relay, test_20_mb_each_way,
    test_a_client_that_has_left_the_wire, test_a_client_that_has_said_all, test_a_changed_password,
    test_a_client_that_sends_byte_by_byte, test_a_name_is_any_bytes, test_a_wrong_password,
    test_an_end_with_connections_open, test_curl, test_fifty_at_once,
    test_guesses_are_few_and_outlive_the_server, test_many_requests_in_one_record,
    test_pages_and_bodies, test_plain_http_gets_no_page, test_the_hint, test_the_last_answer_is_whole,
    test_tickets, test_who_goes_away, test_who_reads_slowly, test_who_says_nothing,
    test_without_credentials_nothing_starts)


@pytest.fixture(params=["mongoose-harness", "mongoose-harness-small"])
def start(box, request):
    return lambda *args, **kwargs: InProcess(box, f"mongoose/{request.param}", *args, **kwargs)


@pytest.fixture
def device(start):
    return start()


@BOTH
def test_what_a_handler_knows(box, device, tls):
    """From the connection, and from nothing that a client sends."""
    lines = page(Channel(box, device, *tls), "/whoami?user=evil", "X-Remote-User: evil",
                 "Authorization: Basic ZXZpbDpldmls").decode().splitlines()
    assert lines[0] == "user=admin"
    assert lines[1] == "version=" + ("TLSv1.3" if tls == BY_TLS13 else "TLSv1.2")


def test_the_end_of_a_kept_connection(device):
    done = curl(device.url("/whoami"), "-H", "Connection: close")
    assert done.returncode == 0 and b"user=admin" in done.stdout
