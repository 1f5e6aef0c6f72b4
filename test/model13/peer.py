"""What client and server share: sending and reading messages, and life after the handshake.

edits: {name: function(peer, value) -> value}, the hooks of the bad variants. Every message passes
one before it is sent, as a structure and as bytes; others are only moments, with value None. None
instead of a message leaves it out.
"""
import hmac
import secrets

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from . import p256
from .constants import (Alert, ContentType, HandshakeType, PeerAlert, PeerClosed, Refusal,
                        SECP256R1, X25519)
from .messages import Reader, message, u8
from .records import CCS, Protection, RecordLayer
from .schedule import Transcript, finished, next_traffic_secret

KEY_UPDATES_IN_A_ROW = 32


class KeyExchange:
    """An ephemeral key of X25519 or secp256r1 (RFC 8446 4.2.8, 7.4.2)."""

    def __init__(self, group):
        self.group = group
        if group == X25519:
            self._private = X25519PrivateKey.generate()
            self.public = self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        elif group == SECP256R1:
            self._private = random_scalar()
            self.public = p256.encode(p256.multiply(self._private, p256.BASE))
        else:
            raise ValueError(f"no group {group:#06x}")

    def shared(self, public):
        """The secret; a share that is no point of the group is an illegal_parameter."""
        try:
            if self.group == X25519:
                return self._private.exchange(X25519PublicKey.from_public_bytes(public))
            point = p256.multiply(self._private, p256.decode(public))
            return point[0].to_bytes(32, "big")
        except ValueError:
            raise Refusal(Alert.ILLEGAL_PARAMETER, "a key share that is no point") from None


def random_scalar():
    return secrets.randbelow(p256.ORDER - 1) + 1


class Peer:
    """own, other: the names of the two directions' secrets in Schedule."""

    own = other = None

    def __init__(self, sock, config, edits=None):
        self.records = RecordLayer(sock)
        self.config = config
        self.edits = edits or {}
        self.transcript = Transcript()
        self.schedule = self.suite = None
        self.pad = 0
        self.alpn = None
        self.resumed = False
        self.messages = {}   # what was sent, by name, for the vectors
        self.got = b""       # application data that came while something else was waited for
        self.ended = False
        self._key_updates = 0

    # --- the hooks of the bad variants ---

    def edit(self, name, value=None):
        hook = self.edits.get(name)
        return hook(self, value) if hook else value

    # --- messages ---

    def send_message(self, name, data):
        """Into the transcript and onto the wire, in a record of its own."""
        data = self.edit(name, data)
        if data is None:
            return
        self.messages[name] = data
        self.transcript.add(data)
        self.send_handshake(data)

    def send_handshake(self, data):
        """Onto the wire alone."""
        self.records.send(ContentType.HANDSHAKE, data, self.pad)

    def send_ccs(self):
        self.records.send_bytes(CCS)

    def send_alert(self, alert):
        level = 1 if alert in (Alert.CLOSE_NOTIFY, Alert.USER_CANCELED) else 2
        self.records.send(ContentType.ALERT, bytes([level, alert]))

    def read_message(self, *kinds):
        """The next handshake message; any but those kinds is unexpected."""
        is_handshake, data = self.records.read()
        if not is_handshake or data[0] not in kinds:
            what = f"handshake message {data[0]}" if is_handshake else "application data"
            raise Refusal(Alert.UNEXPECTED_MESSAGE, what)
        return data

    # --- keys ---

    def secret(self, direction, phase):
        return getattr(self.schedule, f"{direction}_{phase}")

    def write_with(self, phase):
        self.records.writer = Protection(self.suite, self.secret(self.own, phase))

    def read_with(self, phase):
        self.records.change_reader(Protection(self.suite, self.secret(self.other, phase)))

    def hash(self):
        return self.transcript.hash(self.suite.hash_name)

    def make_finished(self):
        """RFC 8446 4.4.4"""
        data = finished(self.suite.hash_name, self.secret(self.own, "handshake"), self.hash())
        return message(HandshakeType.FINISHED, data)

    def read_finished(self):
        data = self.read_message(HandshakeType.FINISHED)
        expected = finished(self.suite.hash_name, self.secret(self.other, "handshake"),
                            self.hash())
        if len(data) != 4 + len(expected):
            raise Refusal(Alert.DECODE_ERROR, "a Finished of a wrong length")
        if not hmac.compare_digest(data[4:], expected):
            raise Refusal(Alert.DECRYPT_ERROR, "a wrong Finished")
        self.transcript.add(data)

    # --- the handshake, and what follows ---

    def handshake(self):
        raise NotImplementedError

    def start(self):
        """The handshake; when the peer is wrong, the alert is sent and the Refusal raised."""
        self.guarded(self.handshake)
        self.records.last_words = self._last_words
        return self

    def _last_words(self):
        """The peer hung up: what it said before, which the messages after the handshake (new keys
        above all) lead to."""
        while self._read():
            pass
        raise PeerClosed(clean=True)

    def guarded(self, action, *args):
        try:
            return action(*args)
        except Refusal as refusal:
            self._tell(refusal.alert)
            raise

    def _tell(self, alert):
        try:
            self.send_alert(alert)
        except (PeerAlert, PeerClosed, Refusal):
            pass  # it hung up first; what the model found wrong says more

    def send(self, data):
        self.records.send(ContentType.APPLICATION_DATA, data, self.pad)

    def read(self):
        """Some application data; b"" after the peer's close_notify."""
        if self.got:
            data, self.got = self.got, b""
            return data
        return self.guarded(self._read)

    def _read(self):
        while not self.ended:
            try:
                is_handshake, data = self.records.read()
            except PeerClosed as closed:
                if not closed.clean:
                    raise
                self.ended = True
                break
            if is_handshake:
                self.after_handshake(data)
            elif data:
                self._key_updates = 0
                return data
        return b""

    def after_handshake(self, data):
        """RFC 8446 4.6: of all messages only NewSessionTicket (to clients) and KeyUpdate"""
        if data[0] != HandshakeType.KEY_UPDATE:
            raise Refusal(Alert.UNEXPECTED_MESSAGE, f"handshake message {data[0]} at this time")
        reader = Reader(data[4:])
        request = reader.number(1)
        reader.end()
        if request > 1:
            raise Refusal(Alert.ILLEGAL_PARAMETER, "a KeyUpdate of an unknown kind")
        self._key_updates += 1
        if self._key_updates > KEY_UPDATES_IN_A_ROW:
            raise Refusal(Alert.UNEXPECTED_MESSAGE, "KeyUpdate upon KeyUpdate")
        self.records.change_reader(self.updated(self.records.reader))
        if request:
            self.key_update(0)

    def updated(self, protection):
        secret = next_traffic_secret(self.suite.hash_name, protection.secret)
        return Protection(self.suite, secret)

    def key_update(self, request):
        """RFC 8446 4.6.3"""
        self.send_handshake(message(HandshakeType.KEY_UPDATE, u8(request)))
        self.records.writer = self.updated(self.records.writer)

    def close(self):
        """close_notify, which ends this direction alone (RFC 8446 6.1)"""
        self.send_alert(Alert.CLOSE_NOTIFY)

    def export(self, label, context, length):
        return self.schedule.export(label, context, length)
