"""A device's pages that report to the device what a script of theirs finds: what the person sees can't be
read from outside (GTK before 4.14 shows no screen reader into a page)."""
import base64
import hashlib
import http.server
import json
import threading

# What the page has kept is told first; then all that pages can keep is kept.
PAGE = """<!doctype html><meta charset=utf-8><title>{title}</title>
<h1>{title}</h1><p><a href="{link}" id=link>a link</a></p>{more}
<script type=module>
const kept = [];
if (document.cookie.includes('mine=')) kept.push('cookie');
if (document.cookie.includes('__Host-mine=')) kept.push('host-cookie');
if (localStorage.mine) kept.push('localStorage');
if ((await indexedDB.databases()).length) kept.push('indexedDB');
document.cookie = 'mine=1; max-age=100000; Secure; SameSite=Strict';
document.cookie = '__Host-mine=1; max-age=100000; Secure; path=/';
localStorage.mine = 1;
await new Promise((done, no) => {{
  const open = indexedDB.open('mine');
  open.onupgradeneeded = () => open.result.createObjectStore('all');
  open.onsuccess = () => {{ open.result.close(); done(); }};
  open.onerror = no;
}});
const said = {{at: location.href, secure: isSecureContext, kept, cookies: document.cookie,
              agent: navigator.userAgent}};
await fetch('/said', {{method: 'POST', body: JSON.stringify(said)}});
</script>"""


class Site:
    """On loopback; requests: (method, path, fields) of all; said: what pages reported; bodies: what else they
    sent, by path; frames: what came over /socket, each of which is sent back."""

    def __init__(self, title="the room", link="/next", more=""):
        self.requests, self.said, self.title, self.link, self.more = [], [], title, link, more
        self.bodies, self.frames = {}, []
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def reply(self, body, kind="text/html", status=200, **fields):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                for name, value in fields.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(body)

            def echo(self):
                """A WebSocket (RFC 6455): each short frame of text is sent back, until one side ends."""
                key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
                self.send_response(101)
                self.send_header("Upgrade", "websocket")
                self.send_header("Connection", "Upgrade")
                self.send_header("Sec-WebSocket-Accept",
                                 base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
                self.end_headers()
                self.close_connection = True
                while (head := self.rfile.read(2)) and head[0] == 0x81:
                    mask = self.rfile.read(4)
                    text = bytes(byte ^ mask[i % 4] for i, byte in enumerate(self.rfile.read(head[1] & 0x7f)))
                    site.frames.append(text)
                    self.wfile.write(bytes((0x81, len(text))) + text)

            def do_GET(self):
                site.requests.append(("GET", self.path, dict(self.headers)))
                if self.path == "/file":
                    self.reply(b"x" * 100_000, "application/octet-stream",
                               Content_Disposition='attachment; filename="../../settings.bin"')
                elif self.path == "/socket":
                    self.echo()
                elif self.path == "/favicon.ico":
                    self.reply(b"", status=404)
                else:
                    page = PAGE.format(title=site.title + self.path.rstrip("/"), link=site.link, more=site.more)
                    self.reply(page.encode(), Set_Cookie="hidden=1; HttpOnly; Secure")

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                site.requests.append(("POST", self.path, dict(self.headers)))
                if self.path == "/said":
                    site.said.append(json.loads(body))
                else:
                    site.bodies[self.path] = body
                self.reply(b"ok", "text/plain")

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.at = "127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def paths(self):
        return [path for _, path, _ in self.requests]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
