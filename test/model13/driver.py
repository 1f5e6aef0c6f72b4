"""Plays one end of the model against an address or a listener, and says in a word how it ended.

Words: succeeds (data went both ways), the name of the alert that came, closes (EOF without one),
simulated (confirmV did not fit the password), unreadable (a record that the model can't open),
silent (nothing came in time), not applicable, and "model: ..." where it found its peer wrong.
"""
import socket
import threading
from dataclasses import dataclass, field

from .client import Client
from .constants import Alert, PeerAlert, PeerClosed, Refusal, WrongConfirmation
from .records import Undecryptable
from .server import Server


class NotApplicable(Exception):
    """What a variant needs is not there: a cookie, a group without a share, a ticket."""


@dataclass
class Outcome:
    word: str
    detail: str = ""
    protected: bool = None    # an alert: whether it came under keys
    peer: object = field(default=None, repr=False)

    def __str__(self):
        return f"{self.word} ({self.detail})" if self.detail else self.word


def outcome_of(peer, action):
    """Runs action(peer) and puts its end into a word."""
    try:
        action(peer)
    except PeerAlert as alert:
        return Outcome(alert.name, str(alert), alert.protected, peer)
    except PeerClosed as closed:
        return Outcome("closes", str(closed), peer=peer)
    except WrongConfirmation as refusal:
        return Outcome("simulated", str(refusal), peer=peer)
    except Undecryptable as refusal:
        return Outcome("unreadable", str(refusal), peer=peer)
    except Refusal as refusal:
        return Outcome(f"model: {refusal.alert.name.lower()}", refusal.text, peer=peer)
    except NotApplicable as reason:
        return Outcome("not applicable", str(reason), peer=peer)
    except TimeoutError:
        return Outcome("silent", peer=peer)
    return Outcome("succeeds", peer=peer)


def run_client(port, config, exchange, edits=None, script=None, after=None, source="127.0.0.1"):
    """A client of the model: handshake, after(client), exchange(client). script(client) stands
    for the whole of it. source: its own address."""
    with socket.create_connection(("127.0.0.1", port), timeout=10,
                                  source_address=(source, 0)) as sock:
        client = Client(sock, config, edits)
        return outcome_of(client, script or _whole(exchange, after))


def _whole(exchange, after):
    def play(peer):
        peer.start()
        if after:
            after(peer)
        exchange(peer)
    return play


class Listener:
    """Servers of the model on a port of loopback, one for each connection, on threads.

    make(number) -> (config, edits, script, after) for the connection of that number, from 0."""

    def __init__(self, make, exchange):
        self._make, self._exchange = make, exchange
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self._changed = threading.Condition()
        self.outcomes = {}
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        number = 0
        while True:
            try:
                sock, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(sock, number), daemon=True).start()
            number += 1

    def _one(self, sock, number):
        with sock:
            config, edits, script, after = self._make(number)
            server = Server(sock, config, edits)
            outcome = outcome_of(server, script or _whole(self._exchange, after))
        with self._changed:
            self.outcomes[number] = outcome
            self._changed.notify_all()

    def outcome(self, number=0, timeout=20):
        """How the connection of that number ended, once it has."""
        with self._changed:
            self._changed.wait_for(lambda: number in self.outcomes, timeout)
            return self.outcomes.get(number, Outcome("silent", "no connection came to an end"))

    def close(self):
        # accept() in another thread holds the socket: shutting it down wakes it.
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


# --- exchanges ---

def read_exactly(peer, count):
    data = b""
    while len(data) < count:
        chunk = peer.read()
        if not chunk:
            raise PeerClosed(clean=True)
        data += chunk
    return data


def read_to_end(peer):
    data = b""
    while chunk := peer.read():
        data += chunk
    return data


PING, PONG = b"ping\n", b"pong\n"


def ask(client):
    """A client's whole conversation: PING, PONG, and both ends closed in order."""
    client.send(PING)
    if read_exactly(client, len(PONG)) != PONG:
        raise Refusal(Alert.INTERNAL_ERROR, "another answer")
    client.close()
    client.records.half_close()
    read_to_end(client)


def answer(server):
    """The other side of ask()."""
    if read_exactly(server, len(PING)) != PING:
        raise Refusal(Alert.INTERNAL_ERROR, "another question")
    server.send(PONG)
    server.close()
    read_to_end(server)
