"""What the tests of --transition share: a serve of each preset with the device's own HTTPS server
behind it, the first bytes of browsers as they were captured, and a reader of our pages.
"""
import html.parser
import socket
import subprocess
import sys
import time

from gateways import ROOT, free_port, read_all, until
from http_peers import OK, Cut, Reader, Recorder, events, gateway, request
from upstreams import WebServer

sys.path.insert(0, str(ROOT / "test"))

from support.webservers import certificate  # noqa: E402

PRESETS = ("strict", "sniff", "dual", "dual, higher port first", "same-port")
PASSING = PRESETS[2:]
HELLOS = {path.stem: path.read_bytes()
          for path in sorted((ROOT / "test" / "unit" / "data").glob("*.bin"))}
PASSWORD_HELLOS = {name for name in HELLOS if name.endswith("_srp")}
HTML = "Accept: text/html,application/xhtml+xml,*/*;q=0.8"


class Https(WebServer):
    """nginx as the device's own HTTPS server, by the file that we give as an example."""

    example, runs = "nginx/other-https.conf", "nginx"
    CONFIG = """
daemon off;
master_process off;
pid {root}/pid;
error_log stderr info;
events {{ worker_connections 256; }}
http {{
    access_log {root}/access;
    client_body_temp_path {root}/body;
    proxy_temp_path {root}/proxy;
    fastcgi_temp_path {root}/fastcgi;
    uwsgi_temp_path {root}/uwsgi;
    scgi_temp_path {root}/scgi;
    include {site};
}}
"""

    def __init__(self, upstream):
        self.upstream = upstream
        super().__init__()

    @staticmethod
    def fill(www):
        """It has no pages."""

    def arguments(self):
        cert, key = certificate(self.root)
        self.values.update({"@CERTIFICATE@": str(cert), "@KEY@": str(key),
                            "@UPSTREAM@": self.upstream.rsplit(":", 1)[1]})
        config = self.root / "main.conf"
        config.write_text(self.CONFIG.format(root=self.root, site=self.config()))
        return ["-e", "stderr", "-p", self.root, "-c", config]

    def requests(self):
        """The lines of its access log, which it writes when it has answered."""
        return (self.root / "access").read_text().splitlines()

    def came(self, count):
        until(lambda: len(self.requests()) >= count, what=f"{self.requests()}")
        assert len(self.requests()) == count
        return self.requests()


class Listening:
    """A raw server in place of the HTTPS server: keeps what came, answers, and ends."""

    ANSWER = b"\x16\x03\x03\x00\x05other"

    def __init__(self, box):
        self.upstream = box.upstream(self.talk)
        self.at = self.upstream.at

    def talk(self, sock):
        data = read_all(sock)
        sock.sendall(self.ANSWER)
        return data

    @property
    def seen(self):
        return self.upstream.seen


class Site:
    """A serve with that preset, its upstream (a Recorder unless said) and the device's own HTTPS
    server; where its doors are."""

    def __init__(self, box, preset, *args, upstream=None, other=None, listen=None, http_listen=None,
                 **kwargs):
        self.recorder = Recorder(kwargs.pop("answer", OK),
                                 proxied="proxy-v2" in args)
        self.upstream = upstream or box.upstream(self.recorder)
        self.mode = preset.split(",")[0]
        if other is None:
            other = Https(self.upstream.at)
            box.programs.append(other)
        self.other = other
        if listen is None:
            ports = sorted([free_port() for _ in range(2 if self.mode == "dual" else 1)],
                           reverse="higher" in preset)
            listen = [f"127.0.0.1:{port}" for port in ports]
        options = ["--transition", self.mode]
        if self.mode in ("dual", "same-port"):
            options += ["--other-tls", other.at]
        same = http_listen is not None and http_listen in listen
        options += ["--http-listen", http_listen or "127.0.0.1:0"]
        self.serve = gateway(box, self.upstream, *options, *args, listen=listen, **kwargs)
        self.doors = self.serve.addresses
        self.plain = http_listen if same else self.serve.line().split()[1]
        self.port = self.serve.port
        self.passing = {"dual": self.doors[1:], "same-port": self.doors}.get(self.mode, [])

    @property
    def nothing_was_passed(self):
        return not events(self.serve, "passed") and not events(self.serve, "other-tls-down")

    def http(self, data, at=None, seconds=15):
        """The answers to the requests in data, until it closes."""
        with connection(at or self.plain, seconds) as sock:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            return parse_all(read_all(sock), data)

    def ask(self, *args, **kwargs):
        data = request(*args, **kwargs)
        answers = self.http(data)
        assert len(answers) == 1, answers
        return answers[0]


def connection(at, seconds=15):
    host, port = at.rsplit(":", 1)
    sock = socket.create_connection((host.strip("[]"), int(port)), timeout=seconds)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def parse_all(data, requests):
    pieces = iter([data])
    reader = Reader(lambda: next(pieces, b""))
    method, answers = requests.split(b" ")[0].decode(), []
    while reader.held or not answers:
        try:
            answers.append(reader.response(method))
        except Cut:
            assert not data, data
            break
    return answers


def browser(url, *args, **kwargs):
    """What a browser that knows no password in TLS does, by TLS 1.3 if it can."""
    command = ["curl", "-sk", "--max-time", "20", *map(str, args), url]
    return subprocess.run(command, capture_output=True, check=False, **kwargs)


def say(at, data, one_by_one, ends=True):
    """What comes for it, to its end."""
    with connection(at) as sock:
        if one_by_one:
            for byte in data:
                sock.sendall(bytes([byte]))
        else:
            sock.sendall(data)
        if ends:
            sock.shutdown(socket.SHUT_WR)
        return read_all(sock, None if ends else 6)


def closed_after(sock):
    start = time.monotonic()
    try:
        read_all(sock)
    except ConnectionError:
        pass
    return time.monotonic() - start


def over(sock):
    sock.settimeout(0.2)
    try:
        return sock.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    finally:
        sock.settimeout(15)


class Tags(html.parser.HTMLParser):
    """A page's tags, and what could be followed or act."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.links, self.handlers, self.meta = [], [], [], {}
        self.feed(page.decode())

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("href", "src", "action", "formaction", "srcset"):
                self.links.append(value)
            elif name.startswith("on") or name == "http-equiv":
                self.handlers.append((name, value))
        if tag == "meta":
            self.meta[dict(attrs).get("name")] = dict(attrs).get("content")


ASKING = {"form", "input", "button", "select", "textarea", "script", "iframe", "object", "embed",
          "base", "link", "img"}


def check_page(answer, links):
    assert answer.status == 403
    assert answer.get("Content-Type") == "text/html; charset=utf-8"
    assert answer.get("Cache-Control") == "no-store" and answer.get("Connection") == "close"
    assert "default-src 'none'" in answer.get("Content-Security-Policy")
    assert answer.get("Set-Cookie") is None
    tags = Tags(answer.body)
    assert not ASKING & set(tags.tags) and tags.handlers == []
    assert len(tags.links) == links, tags.links
    return tags
