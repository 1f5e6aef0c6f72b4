"""Goal of this test: the web servers that devices have work behind serve as set up by integrations/,
and what they learn of the user is what was proved, whatever the client says."""
import hashlib

import pytest

from gateways import Box, curl
from http_peers import BY_TLS13, Channel, Reader, credentials, events, request
from upstreams import ALL_WITH_PAGES, BYTES, FOLDER, INDEX, SERVERS, cgi_environment

USERS = {"admin": "sesame-open-7", "maria": "another-pass-1"}
AGREED = {"curl": ("srp", "TLSv1.2", "SRP-AES-256-CBC-SHA"),
          "open": ("spake2plus", "TLSv1.3", "TLS_AES_128_GCM_SHA256"),
          "connect": ("spake2plus", "TLSv1.3", "TLS_AES_128_GCM_SHA256")}
WAYS = list(AGREED)
# Also with the servers that tell pages no name.
ALL = pytest.mark.parametrize("site", list(ALL_WITH_PAGES), indirect=True, scope="module")


class Site:
    """A web server, a serve before it, and the ways to come."""

    def __init__(self, server, box):
        self.box = box
        self.server = server
        self.serve = box.serve(server.at, "--verbose", "--log", "json", "--identity", "headers",
                               credentials=credentials(box, USERS.items()))
        self.faces = {}  # of `keyplate open`, by user
        self.channels = {}  # likewise, of `keyplate connect`

    def face(self, user):
        if user not in self.faces:
            self.faces[user] = self.box.open(self.serve.at, *BY_TLS13, user=user,
                                             password=USERS[user])
        return self.faces[user]

    def channel(self, user="admin"):
        return Channel(self.box, self.serve, *BY_TLS13, user=user, password=USERS[user])

    def by_curl(self, way, target, *args, user="admin"):
        if way == "open":
            return curl(self.face(user).url.rstrip("/") + target, *args, user=None)
        return curl(f"https://{self.serve.at}{target}", *args, user=user, password=USERS[user])

    def ask(self, way, target, *fields, method="GET", body=b"", user="admin"):
        """One request; the response as a Message."""
        if way == "connect":
            # One connection for all of a user's tests, as long as they pass.
            channel = self.channels.pop(user, None) or self.channel(user)
            answer = channel.ask(request(target, *fields, method=method, body=body,
                                         host=self.serve.at), method)
            self.channels[user] = channel
            return answer
        args = ["-i", "--raw", *(arg for field in fields for arg in ("-H", field))]
        if method == "HEAD":
            args.append("-I")
        if method == "POST":
            args += ["--data-binary", body.decode()]
        done = self.by_curl(way, target, *args, user=user)
        pieces = [done.stdout]
        return Reader(lambda: pieces.pop() if pieces else b"").response(method)


@pytest.fixture(scope="module", params=list(SERVERS))
def site(request, tmp_path_factory):
    server = ALL_WITH_PAGES[request.param]()
    box = Box(tmp_path_factory.mktemp(request.param))
    try:
        yield Site(server, box)
        box.close()
    finally:
        server.stop()


@ALL
@pytest.mark.parametrize("way", WAYS)
def test_a_page(site, way):
    answer = site.ask(way, "/")
    assert (answer.status, answer.body) == (200, INDEX)
    assert site.ask(way, "/bytes").body == BYTES
    assert site.ask(way, "/nowhere").status == 404


@pytest.mark.parametrize("way", WAYS)
def test_a_form_and_who_sent_it(site, way):
    body = b"name=living+room&target=21.5"
    for user in USERS:
        answer = site.ask(way, "/cgi-bin/echo?page=1",
                          "Content-Type: application/x-www-form-urlencoded", method="POST",
                          body=body, user=user)
        seen = cgi_environment(answer.body)
        assert answer.status == 200 and answer.get("Content-Type") == "text/plain"
        assert seen["BODY_SHA256"] == hashlib.sha256(body).hexdigest()
        assert (seen["REQUEST_METHOD"], seen["QUERY_STRING"]) == ("POST", "page=1")
        assert seen["CONTENT_TYPE"] == "application/x-www-form-urlencoded"
        assert seen["HTTP_X_REMOTE_USER"] == user
        assert (seen["HTTP_X_KEYPLATE_PROOF"], seen["HTTP_X_KEYPLATE_PROTOCOL"],
                seen["HTTP_X_KEYPLATE_SUITE"]) == AGREED[way]
        assert seen[site.server.address] == "127.0.0.1"
        assert seen["HTTP_X_FORWARDED_PROTO"] == "https"
        assert seen["HTTP_X_FORWARDED_PORT"] == str(site.serve.port)
        assert "for=127.0.0.1" in seen["HTTP_FORWARDED"] and "proto=https" in seen["HTTP_FORWARDED"]
        assert seen["HTTP_X_FORWARDED_HOST"].startswith("127.0.0.1:")
        # `open` is one on the way too: some show one of several fields.
        ways = ["1.1 keyplate"] * (2 if way == "open" else 1)
        assert seen["HTTP_VIA"] in (", ".join(ways), "1.1 keyplate")


FORGED = (
    "X-Remote-User: evil", "X_Remote_User: evil", "x-remote-user: evil", "X.Remote.User: evil",
    "X-Remote_User: evil", "X_REMOTE.USER: evil", "X_Forwarded_For: evil",
    "X-Forwarded-For: evil", "x.forwarded.for: evil", "X-Forwarded-Proto: evil",
    "X_Forwarded_Proto: evil", "X-Forwarded-Host: evil", "x_forwarded_host: evil",
    "X-Forwarded-Port: evil", "X_Forwarded_Port: evil", "Forwarded: for=evil",
    "FORWARDED: for=evil", "X-Keyplate-Proof: evil", "X_Keyplate_Proof: evil",
    "X.Keyplate.Proof: evil", "X-Keyplate-Protocol: evil", "X_keyplate_protocol: evil",
    "X-Keyplate-Suite: evil", "x_keyplate-suite: evil")


@pytest.mark.parametrize("way", WAYS)
def test_a_forged_identity_is_not_seen(site, way):
    """CGI makes one variable of all these spellings, and the last one often wins."""
    for fields in (FORGED, FORGED[::-1],
                   ("Connection: X-Remote-User, x_remote_user, Forwarded", *FORGED)):
        answer = site.ask(way, "/cgi-bin/echo", *fields, user="maria")
        assert answer.status == 200, answer
        assert b"evil" not in answer.body, answer.body
        seen = cgi_environment(answer.body)
        assert seen["HTTP_X_REMOTE_USER"] == "maria"
        assert seen["HTTP_X_KEYPLATE_PROOF"] == AGREED[way][0]
        assert seen[site.server.address] == "127.0.0.1"


def test_the_upstream_would_have_believed_them(site):
    """What the last test is worth: without the gateway one of the spellings gets through."""
    done = curl(f"http://{site.server.at}/cgi-bin/echo", "-H", FORGED[0], user=None)
    assert cgi_environment(done.stdout)["HTTP_X_REMOTE_USER"] == "evil"


def test_two_hundred_requests_on_one_connection(site):
    before = len(events(site.serve, "proved"))
    channel = site.channel()
    for number in range(200):
        if number % 20 == 19:
            body = b"number=%d" % number
            answer = channel.ask(request("/cgi-bin/echo", method="POST", body=body))
            assert cgi_environment(answer.body)["BODY_SHA256"] == hashlib.sha256(body).hexdigest()
        elif number % 20 == 18:
            answer = channel.ask(request("/bytes", method="HEAD"), "HEAD")
            assert answer.get("Content-Length") == str(len(BYTES))
        else:
            target, body = [("/", INDEX), ("/bytes", BYTES)][number % 2]
            answer = channel.ask(request(target))
            assert answer.body == body
        assert answer.status == 200 and "close" not in (answer.get("Connection") or "").lower()
    assert channel.finish() == (b"", True)
    assert len(events(site.serve, "proved")) == before + 1


@pytest.mark.parametrize("way", WAYS)
def test_a_range(site, way):
    answer = site.ask(way, "/bytes", "Range: bytes=1000-1999")
    assert (answer.status, answer.body) == (206, BYTES[1000:2000])
    assert answer.get("Content-Range") == f"bytes 1000-1999/{len(BYTES)}"


@ALL
@pytest.mark.parametrize("way", WAYS)
def test_head(site, way):
    answer = site.ask(way, "/bytes", method="HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.get("Content-Length") == str(len(BYTES))


def test_not_modified(site):
    channel = site.channel()
    etag = channel.ask(request("/bytes")).get("ETag")
    answer = channel.ask(request("/bytes", f"If-None-Match: {etag}"))
    assert (answer.status, answer.body) == (304, b"")
    assert channel.ask(request("/")).body == INDEX, "nothing was left over"


@ALL
@pytest.mark.parametrize("host", ["device", "device.example:8443"])
def test_a_redirect_leads_back_to_the_gateway(site, host):
    answer = site.channel().ask(request("/folder", host=host))
    assert answer.status in (301, 302, 307, 308)
    assert answer.get("Location") in ("/folder/", f"https://{host}/folder/")


@ALL
@pytest.mark.parametrize("way", ["curl", "open"])
def test_a_redirect_can_be_followed(site, way):
    assert site.by_curl(way, "/folder", "-L").stdout == FOLDER
