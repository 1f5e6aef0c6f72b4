"""Goal of this test: integrations/login-if-unproved.cgi greets who was proved, as HTML should, and
sends everybody else to the login page, behind each web server of integrations/."""
import pytest

from gateways import Box, curl
from http_peers import BY_TLS13, WAY_ON, Channel, credentials, request, sniffing
from upstreams import LOGIN, SERVERS

PAGE = "/cgi-bin/login-if-unproved.cgi"
PASSWORD = "sesame-open-7"
NASTY = """<b>"M&M's" Jürgen</b>"""


@pytest.fixture(scope="module", params=list(SERVERS))
def server(request):
    made = SERVERS[request.param]()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def site(server, tmp_path_factory):
    """A serve of that server, for who is proved."""
    box = Box(tmp_path_factory.mktemp("site"))
    box.file = credentials(box, (("admin", PASSWORD), (NASTY, PASSWORD)))
    box.site = box.serve(server.at, "--identity", "headers", credentials=box.file)
    yield box
    box.close()


def test_who_was_proved_is_greeted(site):
    done = curl(f"https://{site.site.at}{PAGE}", "-i", "-H", "X-Remote-User: maria")
    head, page = done.stdout.split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"content-type: text/html; charset=utf-8" in head.lower()
    assert b"Hello, admin." in page and b"proved by SRP, in TLS 1.2." in page
    assert b"maria" not in page
    channel = Channel(site, site.site, *BY_TLS13)
    assert b"proved by SPAKE2+, in TLS 1.3." in channel.ask(request(PAGE)).body


def test_a_name_is_escaped(site):
    page = curl(f"https://{site.site.at}{PAGE}", user=NASTY).stdout.decode()
    assert "Hello, &lt;b&gt;&quot;M&amp;M&#39;s&quot; Jürgen&lt;/b&gt;." in page


def asked_to_log_in(url, *args):
    done = curl(url, "-i", *args, user=None)
    assert done.stdout.startswith((b"HTTP/1.1 302 ", b"HTTP/1.0 302 ")), done.stdout
    assert b"location: /login.html\r\n" in done.stdout.lower().replace(b"\n", b"\r\n").replace(
        b"\r\r", b"\r")
    return curl(url, "-L", *args, user=None).stdout == LOGIN


def test_who_was_not_is_asked_to_log_in(server):
    assert asked_to_log_in(f"http://{server.at}{PAGE}")


def test_plain_http_is_no_proof(server, site):
    """--transition sniff: plain HTTP goes to the same server, with no word on who it is."""
    serve, plain = sniffing(site, server.at, "--identity", "headers", credentials=site.file)
    way_on = ("-b", WAY_ON)
    assert asked_to_log_in(f"http://{plain}{PAGE}", *way_on)
    forged = [arg for field in ("X-Remote-User: admin", "X_Remote_User: admin",
                                "X.Remote.User: admin", "X-Keyplate-Proof: srp")
              for arg in ("-H", field)]
    assert asked_to_log_in(f"http://{plain}{PAGE}", *way_on, *forged)
    assert b"Hello, admin." in curl(f"https://{serve.at}{PAGE}").stdout
