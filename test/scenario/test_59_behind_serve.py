"""Goal of this test: what the pages of integrations/ say of a server behind serve is so: only loopback
reaches it, long uploads and downloads arrive whole, it may be restarted, and a page learns by each way
that is told there who was proved and from where, and by no other.  test_23 has the small requests."""
import base64
import hashlib
import re
import socket

import pytest

from gateways import Box, box, curl, pattern, until
from http_peers import (BY_TLS12, BY_TLS13, WAY_ON, Channel, credentials, gateway, request,
                        sniffing)
from test_26_http_identity import FORGED
from upstreams import (ALL_WITH_PAGES, EXAMPLES, INDEX, Apache, Libmicrohttpd, MiniHttpd, Nginx,
                       cgi_environment)

BOTH = pytest.mark.parametrize("by", [BY_TLS12, BY_TLS13], ids=["TLS 1.2", "TLS 1.3"])
UP = pattern(1_000_000)
DOWN = pattern(20_000_000)
NASTY = """<b>"M&M's" Jürgen</b>"""
LONGER, LONGEST = "n" * 130, "n" * 250
PASSWORD = "sesame-open-7"
HERE = ("--interface", "127.0.0.9")  # of a client


def sha(data):
    return hashlib.sha256(data).hexdigest()


class Site:
    def __init__(self, server, box, *args):
        self.server, self.box = server, box
        self.serve = gateway(box, server.at, *(args or ("--identity", "headers")),
                             users=[(name, PASSWORD) for name in ("admin", NASTY, LONGER, LONGEST)])

    def channel(self, by, **kwargs):
        return Channel(self.box, self.serve, *by, **kwargs)

    def curl(self, target, *args, **kwargs):
        return curl(f"https://{self.serve.at}{target}", *args, **kwargs)


ALL = {**ALL_WITH_PAGES, "libmicrohttpd": Libmicrohttpd}


@pytest.fixture(scope="module", params=list(ALL))
def site(request, tmp_path_factory):
    server = ALL[request.param]()
    box = Box(tmp_path_factory.mktemp(request.param))
    try:
        yield Site(server, box)
        box.close()
    finally:
        server.stop()


def without(name):
    return pytest.mark.parametrize("site", [one for one in ALL if one != name], indirect=True,
                                   scope="module")


@pytest.fixture
def made(box):
    """A function: a server of that kind, and a serve before it."""
    def make(kind, *args):
        server = kind()
        box.programs.append(server)
        return Site(server, box, *args)
    return make


def forged(fields=FORGED):
    return [arg for field in fields for arg in ("-H", field)]


# ---- Each server --------------------------------------------------------------------------------

def test_only_loopback_reaches_it(site):
    """127.0.0.2 is an address of this machine, too, and would be open if all were."""
    with socket.create_connection(("127.0.0.1", site.server.port), timeout=5):
        pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", site.server.port), timeout=5)


@BOTH
@without("mini_httpd")  # whose answers get lost: see below
def test_a_long_upload(site, by):
    target = "/cgi-bin/echo" if site.server.example else "/upload"
    answer = site.channel(by).ask(request(target, method="POST", body=UP))
    assert answer.status == 200
    if site.server.example:
        assert cgi_environment(answer.body)["BODY_SHA256"] == sha(UP)
    else:
        assert answer.body == b"<p>%d bytes came.\n" % len(UP)


@BOTH
@without("libmicrohttpd")  # which has no files
def test_a_long_download(site, by):
    file = site.server.root / "www" / "long"
    if not file.exists():
        file.write_bytes(DOWN)
    channel = site.channel(by)
    head = channel.ask(request("/long", method="HEAD"), "HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.get("Content-Length") == str(len(DOWN))
    assert sha(channel.ask(request("/long")).body) == sha(DOWN)
    assert channel.ask(request("/nowhere")).status == 404
    assert channel.ask(request("/")).body == INDEX


def test_it_may_be_restarted(site):
    """What comes meanwhile gets a page that says so; who asked nothing notices nothing."""
    asking, waiting = site.channel(BY_TLS13), site.channel(BY_TLS12)
    for channel in (asking, waiting):
        assert channel.ask(request("/")).status == 200
    site.server.end()
    assert asking.ask(request("/")).status == 502
    site.server.start()
    for channel in (site.channel(BY_TLS13), waiting):
        assert channel.ask(request("/")).status == 200


# ---- mini_httpd: nobody is told ------------------------------------------------------------------

@BOTH
def test_mini_httpd_works_and_tells_no_name(made, by):
    site = made(MiniHttpd)
    channel = site.channel(by)
    assert channel.ask(request("/")).body == INDEX
    assert channel.ask(request("/nowhere")).status == 404
    assert channel.ask(request("/folder")).get("Location") == "/folder/"
    basic = base64.b64encode(b"evil:x").decode()
    answer = channel.ask(request("/cgi-bin/echo?a=1", *FORGED, f"Authorization: Basic {basic}"))
    seen = cgi_environment(answer.body)
    assert answer.status == 200 and seen["QUERY_STRING"] == "a=1" and b"evil" not in answer.body
    assert not {"REMOTE_USER", "HTTP_X_REMOTE_USER", "HTTP_X_KEYPLATE_PROOF"} & set(seen)
    assert seen["REMOTE_ADDR"] == "127.0.0.1"


@pytest.mark.parametrize("length", [100, len(UP)])
def test_a_post_to_mini_httpd_arrives(made, length):
    """Its answer may not: 1.30 ends the connection when the body has been read."""
    site = made(MiniHttpd)
    www = site.server.root / "www"
    (www / "kept").mkdir()
    (www / "kept").chmod(0o777)
    script = www / "cgi-bin" / "keep"
    script.write_text("""#!/bin/sh
head -c "$CONTENT_LENGTH" > ../kept/part
mv ../kept/part ../kept/whole
printf 'Content-Type: text/plain\\r\\n\\r\\nkept'
""")
    script.chmod(0o755)
    for by in (BY_TLS12, BY_TLS13):
        answer = site.channel(by).ask(request("/cgi-bin/keep", method="POST", body=UP[:length]))
        assert answer.status in (200, 502)
        until((www / "kept" / "whole").exists)
        assert (www / "kept" / "whole").read_bytes() == UP[:length]
        (www / "kept" / "whole").unlink()


# ---- libmicrohttpd -------------------------------------------------------------------------------

class ByPath(Libmicrohttpd):
    """The same program on a unix socket."""

    def where(self):
        self.path_of_socket = self.root / "sock"
        self.at = f"unix:{self.path_of_socket}"
        return self.path_of_socket

    def wait(self):
        until(self.path_of_socket.exists)


@pytest.mark.parametrize("kind", [Libmicrohttpd, ByPath])
def test_libmicrohttpd_greets_who_was_proved(made, kind):
    site = made(kind)
    for by, how in ((BY_TLS12, b"SRP, in TLS 1.2"), (BY_TLS13, b"SPAKE2+, in TLS 1.3")):
        channel = site.channel(by)
        for fields in ((), FORGED, FORGED[::-1]):
            page = channel.ask(request("/", *fields)).body
            assert b"Hello, admin.\n" in page and b"proved by " + how in page and b"evil" not in page
        head = channel.ask(request("/", method="HEAD"), "HEAD")
        assert head.status == 200 and head.get("Content-Length") == str(len(page))
        assert channel.ask(request("/nowhere")).status == 404
    page = site.channel(BY_TLS13, user=NASTY).ask(request("/")).body.decode()
    assert "Hello, &#60;b&#62;&#34;M&#38;M&#39;s&#34; Jürgen&#60;/b&#62;." in page

def test_libmicrohttpd_bounds_an_upload(made):
    site = made(Libmicrohttpd)
    long = site.channel(BY_TLS13).ask(request("/upload", method="POST", body=bytes(8 << 20 | 1)))
    assert long.status == 413


def test_libmicrohttpd_refuses_everybody_else(made):
    site = made(Libmicrohttpd)
    for args in ((), ("-H", "X-Remote-User: admin"),
                 ("-H", "X-Remote-User: admin", "-H", "X-Keyplate-Proof: none"),
                 ("-H", "X_Remote_User: admin", "-H", "X_Keyplate_Proof: srp")):
        for more in ((), ("--data-binary", "body")):
            done = curl(f"http://{site.server.at}/", "-i", *args, *more, user=None)
            assert done.stdout.startswith(b"HTTP/1.1 403 "), (args, done)
    _, plain = sniffing(site.box, site.server.at, "--identity", "headers")
    done = curl(f"http://{plain}/", "-i", "-b", WAY_ON, *forged(), user=None)
    assert b"HTTP/1.1 403 " in done.stdout and b"Come by keyplate" in done.stdout


def test_the_socket_of_libmicrohttpd_is_its_own(made):
    site = made(ByPath)
    assert site.server.path_of_socket.stat().st_mode & 0o777 == 0o700


# ---- nginx and Apache: what else they are told ---------------------------------------------------

ECHO = {Nginx: "/app/echo", Apache: "/cgi-bin/echo"}  # with the server's own word on the address
EITHER = pytest.mark.parametrize("kind", ECHO)


@EITHER
@BOTH
def test_the_server_takes_the_address_and_the_name(made, kind, by):
    site = made(kind)
    basic = "Basic " + base64.b64encode(b"evil:x").decode()
    answer = site.channel(by).ask(request(ECHO[kind], *FORGED, f"Authorization: {basic}"))
    seen = cgi_environment(answer.body)
    assert b"evil" not in answer.body
    assert [line for line in answer.body.splitlines() if line.startswith(b"REMOTE_USER=")] == [
        b"REMOTE_USER=admin"]
    assert seen["HTTPS"] == "on"
    done = site.curl(ECHO[kind], *HERE, *forged())
    assert cgi_environment(done.stdout)["REMOTE_ADDR"] == "127.0.0.9"


def test_the_stock_parameters_of_fastcgi_believe_anybody(made):
    """The trap of the page: with nginx's own file the name of Authorization: Basic is REMOTE_USER."""
    class Stock(Nginx):
        def config(self, before=""):
            path = super().config(before)
            path.write_text(re.sub(r"fastcgi_param REMOTE_USER .*;",
                                   "include /etc/nginx/fastcgi_params;", path.read_text()))
            return path
    site = made(Stock)
    assert b"\nREMOTE_USER=evil\n" in site.curl("/app/echo", "-u", "evil:x").stdout


@EITHER
@BOTH
def test_a_websocket_goes_through(made, kind, by):
    site = made(kind)
    channel = site.channel(by)
    channel.send(request("/ws/x", "Connection: Upgrade", "Upgrade: websocket",
                         "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
                         "X_Remote_User: evil"))
    assert channel.response().status == 101
    assert channel.exactly(6) == b"admin\n"
    for piece in (b"ping", bytes(range(256)) * 400):
        channel.send(piece)
        assert channel.exactly(len(piece)) == piece
    channel.close()
    site.serve.logged('"closed"')  # else Apache might wait for it when it ends


def changed(kind):
    """The server with the changes that its page tells for proxy-v2: lines `- ` and `+ `."""
    page = (EXAMPLES / ("nginx" if kind is Nginx else "apache") / "README.md").read_text()
    diff = page.split("```diff\n")[1].split("```")[0].splitlines()

    class Changed(kind):
        def config(self, before=""):
            text = (EXAMPLES / self.example).read_text()
            for old in (line[2:].strip() for line in diff if line.startswith("- ")):
                assert text.count(f"    {old}\n") == 1, old
                text = text.replace(f"    {old}\n", "")
            new = "\n".join("    " + line[2:].strip() for line in diff if line.startswith("+ "))
            anchor = "server {\n" if kind is Nginx else "<VirtualHost 127.0.0.1:@PORT@>\n"
            text = text.replace(anchor, anchor + new + "\n")
            for name, value in self.values.items():
                text = text.replace(name, value)
            path = self.root / "server.conf"
            path.write_text(before + text)
            return path
    return Changed


@EITHER
@BOTH
def test_proxy_v2_tells_the_address_alone(made, kind, by):
    site = made(changed(kind), "--identity", "proxy-v2")
    answer = site.channel(by).ask(request(ECHO[kind], *FORGED))
    seen = cgi_environment(answer.body)
    assert answer.status == 200 and b"evil" not in answer.body
    assert not seen.get("REMOTE_USER") and "HTTP_X_REMOTE_USER" not in seen
    done = site.curl(ECHO[kind], *HERE)
    assert cgi_environment(done.stdout)["REMOTE_ADDR"] == "127.0.0.9"


@EITHER
def test_proxy_v2_with_a_long_name(made, kind):
    """Apache takes a short header only."""
    site = made(changed(kind), "--identity", "proxy-v2")
    assert site.channel(BY_TLS13, user=LONGER).ask(request("/")).body == INDEX
    answer = site.channel(BY_TLS13, user=LONGEST).ask(request("/"))
    assert answer.status == (502 if kind is Apache else 200)


class NginxByPath(Nginx):
    """As the page says: two lines of the file are others."""

    def config(self, before=""):
        self.folder = self.root / "own"
        self.folder.mkdir(mode=0o700)
        self.at = f"unix:{self.folder / 'sock'}"
        path = super().config(before)
        path.write_text(path.read_text().replace(f"listen 127.0.0.1:{self.port};",
                                                 f"listen {self.at};")
                        .replace("set_real_ip_from 127.0.0.1;", "set_real_ip_from unix:;"))
        return path

    def wait(self):
        until((self.folder / "sock").exists)


def test_nginx_by_a_unix_socket(made):
    """It lets everybody connect: the folder is what closes it."""
    site = made(NginxByPath)
    assert (site.server.folder / "sock").stat().st_mode & 0o777 == 0o666
    assert site.channel(BY_TLS13).ask(request("/")).body == INDEX
    answer = site.channel(BY_TLS12).ask(request("/cgi-bin/echo", *FORGED))
    assert cgi_environment(answer.body)["HTTP_X_REMOTE_USER"] == "admin"
    done = site.curl("/app/echo", *HERE)
    assert cgi_environment(done.stdout)["REMOTE_ADDR"] == "127.0.0.9"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", site.server.port), timeout=5)
