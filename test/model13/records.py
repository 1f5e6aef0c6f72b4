"""The record layer (RFC 8446 section 5) on a blocking socket.

Reading is strict, writing does what it is told: send_bytes() puts anything on the wire.
"""
import socket
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from .constants import (Alert, ContentType, MAX_CIPHERTEXT, MAX_PLAINTEXT, PeerAlert, PeerClosed,
                        Refusal, TLS12)
from .messages import u16, u8
from .schedule import traffic_keys

TIMEOUT = 10
CCS = b"\x14\x03\x03\x00\x01\x01"


class Undecryptable(Refusal):
    def __init__(self):
        super().__init__(Alert.BAD_RECORD_MAC, "a record that does not open")


class Protection:
    """One direction's keys and sequence number (RFC 8446 5.2, 5.3)."""

    def __init__(self, suite, secret):
        self.suite, self.secret = suite, secret
        key, self.iv = traffic_keys(suite, secret)
        self.aead = (AESGCM if suite.aead == "aes-gcm" else ChaCha20Poly1305)(key)
        self.sequence = 0

    def _nonce(self):
        number = int.from_bytes(self.iv, "big") ^ self.sequence
        self.sequence += 1
        return number.to_bytes(12, "big")

    def seal(self, inner, outer_type=ContentType.APPLICATION_DATA, version=TLS12):
        """A record of inner: content, its type, zeros."""
        header = u8(outer_type) + u16(version) + u16(len(inner) + 16)
        return header + self.aead.encrypt(self._nonce(), inner, header)

    def open(self, header, body):
        if len(body) < 16:
            raise Undecryptable()
        try:
            return self.aead.decrypt(self._nonce(), body, header)
        except InvalidTag:
            raise Undecryptable() from None


@dataclass
class Record:
    kind: int
    data: bytes
    protected: bool


def plain(kind, data, version=TLS12):
    """A record without protection."""
    return u8(kind) + u16(version) + u16(len(data)) + data


class RecordLayer:
    """writer, reader: Protection, or None while records go in the clear.

    ccs_taken: whether a compatibility change_cipher_spec is dropped now (RFC 8446 5).
    limit_out, limit_in: the longest inner plaintext, its type included (RFC 8449)."""

    def __init__(self, sock):
        self.sock = sock
        sock.settimeout(TIMEOUT)
        if sock.family == socket.AF_INET:
            # An alert must be out before close() with unread bytes resets the connection.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.writer = self.reader = None
        self.ccs_taken = False
        self.limit_out = self.limit_in = MAX_PLAINTEXT + 1
        self.longest_in = 0
        self.sent = []
        self.last_words = self._last_words
        self._hung_up = False
        self._input = b""
        self._handshake = b""

    # --- writing ---

    def seal(self, kind, data, pad=0):
        """One record of any length, sealed with the keys in force and counted."""
        if self.writer is None:
            return plain(kind, data)
        return self.writer.seal(data + u8(kind) + bytes(pad))

    def send_bytes(self, data):
        """Raw bytes. When the peer has hung up already, what it said before is raised."""
        self.sent.append(data)
        if self._hung_up:
            return
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            self._hung_up = True
            self.last_words()

    def send(self, kind, data, pad=0):
        """As many records as the limits ask for."""
        room = MAX_PLAINTEXT if self.writer is None else self.limit_out - 1 - pad
        for at in range(0, max(len(data), 1), room):
            self.send_bytes(self.seal(kind, data[at:at + room], pad))

    def _last_words(self):
        while True:
            self.read_record()

    # --- reading ---

    def _take(self, count):
        while len(self._input) < count:
            try:
                chunk = self.sock.recv(65536)
            except (ConnectionResetError, BrokenPipeError):
                chunk = b""
            if not chunk:
                raise PeerClosed(clean=False)
            self._input += chunk
        taken, self._input = self._input[:count], self._input[count:]
        return taken

    def read_record(self):
        """The next record that isn't a compatibility CCS. An alert is raised."""
        while True:
            header = self._take(5)
            kind, length = header[0], int.from_bytes(header[3:], "big")
            if kind not in list(ContentType):
                raise Refusal(Alert.UNEXPECTED_MESSAGE, f"a record of type {kind}")
            protected = self.reader is not None and kind == ContentType.APPLICATION_DATA
            if length > (MAX_CIPHERTEXT if protected else MAX_PLAINTEXT):
                raise Refusal(Alert.RECORD_OVERFLOW, "a record too long")
            body = self._take(length)
            if kind == ContentType.CHANGE_CIPHER_SPEC:
                self._drop_ccs(body)
                continue
            record = self._open(header, body) if protected else self._in_the_clear(kind, body)
            if record.kind == ContentType.ALERT:
                raise_alert(record)
            return record

    def _drop_ccs(self, body):
        """RFC 8446 5: dropped between the first ClientHello and the peer's Finished"""
        if not self.ccs_taken or body != b"\x01" or self._handshake:
            raise Refusal(Alert.UNEXPECTED_MESSAGE, "a change_cipher_spec out of place")

    def _in_the_clear(self, kind, body):
        """An alert in the clear is taken until the handshake is done: a client that finds
        ServerHello wrong has no other keys."""
        if self.reader is not None and not self.ccs_taken:
            raise Refusal(Alert.UNEXPECTED_MESSAGE, "a record in the clear")
        if kind == ContentType.APPLICATION_DATA:
            raise Refusal(Alert.UNEXPECTED_MESSAGE, "application data in the clear")
        if kind == ContentType.HANDSHAKE and self.reader is not None:
            raise Refusal(Alert.UNEXPECTED_MESSAGE, "a handshake record in the clear")
        if not body:
            raise Refusal(Alert.UNEXPECTED_MESSAGE, "an empty record")
        return Record(kind, body, False)

    def _open(self, header, body):
        inner = self.reader.open(header, body)
        self.longest_in = max(self.longest_in, len(inner))
        if len(inner) > self.limit_in:
            raise Refusal(Alert.RECORD_OVERFLOW, "an inner plaintext too long")
        content = inner.rstrip(b"\x00")
        if not content:
            raise Refusal(Alert.UNEXPECTED_MESSAGE, "a record of zeros")
        kind, data = content[-1], content[:-1]
        if kind not in (ContentType.ALERT, ContentType.HANDSHAKE, ContentType.APPLICATION_DATA):
            raise Refusal(Alert.UNEXPECTED_MESSAGE, f"an inner type {kind}")
        if kind != ContentType.APPLICATION_DATA and not data:
            raise Refusal(Alert.UNEXPECTED_MESSAGE, "an empty record")
        return Record(kind, data, True)

    def take_message(self):
        """The next whole handshake message that has arrived already, header and all, or None."""
        if len(self._handshake) < 4:
            return None
        length = 4 + int.from_bytes(self._handshake[1:4], "big")
        if length > 1 << 17:
            raise Refusal(Alert.ILLEGAL_PARAMETER, "a handshake message too long")
        if len(self._handshake) < length:
            return None
        taken, self._handshake = self._handshake[:length], self._handshake[length:]
        return taken

    def read(self):
        """(True, handshake message) or (False, application data), never mixed (RFC 8446 5.1)"""
        while True:
            taken = self.take_message()
            if taken is not None:
                return True, taken
            record = self.read_record()
            if record.kind == ContentType.HANDSHAKE:
                self._handshake += record.data
            elif self._handshake:
                raise Refusal(Alert.UNEXPECTED_MESSAGE, "another record inside a message")
            else:
                return False, record.data

    def change_reader(self, protection):
        """RFC 8446 5.1: messages must not straddle a change of keys."""
        if self._handshake:
            raise Refusal(Alert.UNEXPECTED_MESSAGE, "more bytes before a change of keys")
        self.reader = protection

    def half_close(self):
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def raise_alert(record):
    """RFC 8446 6: an alert is never fragmented or shared; its level is ignored."""
    if len(record.data) != 2:
        raise Refusal(Alert.DECODE_ERROR, "an alert of a wrong length")
    if record.data[1] == Alert.CLOSE_NOTIFY:
        raise PeerClosed(clean=True)
    raise PeerAlert(record.data[1], record.protected)
