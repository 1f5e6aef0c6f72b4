"""A web server that can be killed: the page of http_page.py on the loopback port of its argument.
Prints "ready" once it listens."""
import pathlib
import sys
from http.server import ThreadingHTTPServer

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from http_page import Page  # noqa: E402


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):
        pass  # clients go away in the middle, and their own side tells


server = Server(("127.0.0.1", int(sys.argv[1])), Page)
print("ready", flush=True)
server.serve_forever()
