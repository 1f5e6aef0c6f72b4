"""A web server that minds nothing: it answers every host and every origin, and lets all of them read.
It is the device whose only protection is what stands before it; an attacker's web site; and, bare,
what the attacks are shown to work against.

    /            a page                    /secret      the secret, for scripts of any site
    /attack      a page with attacks.js    /events      server-sent events, with the secret
    /redirect?to=URL&status=N              /ws          a WebSocket: the secret, then an echo
    /endless     a download without an end
    all else     a page of `pages`, or the secret
"""
import base64
import hashlib
import pathlib
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

ATTACKS = pathlib.Path(__file__).resolve().parents[1] / "browser" / "attacks.js"
ATTACK_PAGE = (b"<!doctype html><meta charset=utf-8><title>attacker</title><body>"
               b"<script src=/attacks.js></script>")
WS_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def log_message(self, *_):
        pass

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True

    def lax(self):
        """Whatever a browser asks for before it lets a script of another site read is there."""
        self.send_header("Access-Control-Allow-Origin", self.headers.get("Origin", "*"))
        self.send_header("Access-Control-Allow-Credentials", "true")
        for field in ("Method", "Headers"):
            asked = self.headers.get(f"Access-Control-Request-{field}")
            if asked:
                self.send_header(f"Access-Control-Allow-{field.replace('Method', 'Methods')}", asked)
        for network in ("Private", "Local"):
            self.send_header(f"Access-Control-Allow-{network}-Network", "true")

    def answer(self, status, kind, body, fields=()):
        self.send_response(status)
        names = {name.lower() for name, _ in fields}
        if "content-type" not in names:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if "cache-control" not in names:
            self.send_header("Cache-Control", "no-store")
        if self.server.web.hangs_up:
            self.send_header("Connection", "close")
            self.close_connection = True
        for name, value in fields:
            self.send_header(name, value)
        self.lax()
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do(self):
        web, url = self.server.web, urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        web.seen.append((self.command, self.path, self.headers, body))
        if url.path in web.pages:
            status, fields, page = web.pages[url.path]
            return self.answer(status, "text/html; charset=utf-8", page, fields)
        named = {"/attack": self.attack, "/attacks.js": self.script, "/redirect": self.redirect,
                 "/ws": self.socket, "/events": self.events, "/endless": self.endless}
        return named.get(url.path, self.secret)()

    def __getattr__(self, name):  # every method is taken
        if name.startswith("do_"):
            return self.do
        raise AttributeError(name)

    def attack(self):
        self.answer(200, "text/html", ATTACK_PAGE)

    def script(self):
        self.answer(200, "text/javascript", ATTACKS.read_bytes())

    def redirect(self):
        asked = parse_qs(urlsplit(self.path).query)
        self.answer(int(asked["status"][0]), "text/plain", b"", [("Location", asked["to"][0])])

    def secret(self):
        """In the form that was asked for."""
        secret, path = self.server.web.secret, urlsplit(self.path).path
        if path.endswith(".js"):
            return self.answer(200, "text/javascript", f"self.leaked = '{secret}'".encode())
        if path.endswith(".css"):
            return self.answer(200, "text/css", f":root {{ --leaked: '{secret}' }}".encode())
        if path.endswith(".svg"):
            return self.answer(200, "image/svg+xml", b'<svg xmlns="http://www.w3.org/2000/svg" '
                               b'width="8" height="8"><rect width="8" height="8"/></svg>')
        return self.answer(200, "text/html", f"<!doctype html><title>page</title><p id=secret>{secret}"
                           .encode())

    def stream(self, kind, piece):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Connection", "close")
        self.lax()
        self.end_headers()
        self.close_connection = True
        try:
            while not self.server.web.closed:
                self.wfile.write(piece)
                time.sleep(0.1)
        except OSError:
            self.server.web.cut += 1

    def events(self):
        self.stream("text/event-stream", f"data: {self.server.web.secret}\n\n".encode())

    def endless(self):
        self.stream("application/octet-stream", b"x" * 1000)

    def socket(self):
        key = self.headers.get("Sec-WebSocket-Key", "").encode()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept",
                         base64.b64encode(hashlib.sha1(key + WS_GUID).digest()).decode())
        self.end_headers()
        self.close_connection = True
        web = self.server.web
        web.sockets += 1
        try:
            self.frame(1, web.secret.encode())
            while self.echo():
                pass
        except (OSError, struct.error):
            pass
        web.sockets -= 1

    def frame(self, kind, payload):
        self.wfile.write(bytes((0x80 | kind, len(payload))) + payload)

    def echo(self):
        kind, length = struct.unpack("!BB", self.rfile.read(2))
        mask, payload = self.rfile.read(4), self.rfile.read(length & 127)  # short ones only
        payload = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        self.frame(kind & 15, payload)
        return kind & 15 != 8


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):
        pass  # browsers hang up as they like


class Web:
    """secret: what its pages show.  hangs_up: each answer ends its connection."""

    def __init__(self, secret="", port=0, hangs_up=False):
        self.secret, self.hangs_up = secret, hangs_up
        self.seen = []   # (method, target, fields, body) of each request
        self.pages = {}  # path: (status, [(field, value)], body)
        self.sockets = self.cut = 0  # WebSockets that are open; streams that the other side ended
        self.closed = False
        self.server = _Server(("127.0.0.1", port), _Handler)
        self.server.web = self
        self.port = self.server.server_address[1]
        self.at = f"127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def targets(self):
        return [target for _, target, _, _ in list(self.seen)]

    def marks(self):
        """The attacks that came this far."""
        return {mark for target in self.targets()
                for mark in parse_qs(urlsplit(target).query).get("attack", [])}

    def page(self, path, *fields, body=b"<!doctype html><title>page</title>", status=200):
        self.pages[path] = (status, list(fields), body)

    def close(self):
        self.closed = True
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)
