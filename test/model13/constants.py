"""Numbers of the protocol, by their names in the RFCs."""
import enum
from dataclasses import dataclass

IETF = "ietf"            # draft-ietf-tls-pake-02: key_share and supported_groups beside pake
BORINGSSL = "boringssl"  # the earlier form: pake alone
FORMS = (IETF, BORINGSSL)

SSL3, TLS12, TLS13 = 0x0300, 0x0303, 0x0304


class ContentType(enum.IntEnum):
    """RFC 8446 5.1"""
    CHANGE_CIPHER_SPEC = 20
    ALERT = 21
    HANDSHAKE = 22
    APPLICATION_DATA = 23


class HandshakeType(enum.IntEnum):
    """RFC 8446 4"""
    CLIENT_HELLO = 1
    SERVER_HELLO = 2
    NEW_SESSION_TICKET = 4
    END_OF_EARLY_DATA = 5
    ENCRYPTED_EXTENSIONS = 8
    CERTIFICATE = 11
    CERTIFICATE_REQUEST = 13
    CERTIFICATE_VERIFY = 15
    FINISHED = 20
    KEY_UPDATE = 24
    MESSAGE_HASH = 254


class ExtensionType(enum.IntEnum):
    """RFC 8446 4.2; pake has no assigned code point yet, so BoringSSL's private one."""
    SERVER_NAME = 0
    SUPPORTED_GROUPS = 10
    SIGNATURE_ALGORITHMS = 13
    ALPN = 16
    PADDING = 21
    RECORD_SIZE_LIMIT = 28
    PRE_SHARED_KEY = 41
    EARLY_DATA = 42
    SUPPORTED_VERSIONS = 43
    COOKIE = 44
    PSK_KEY_EXCHANGE_MODES = 45
    KEY_SHARE = 51
    PAKE = 0x8A3B


class Alert(enum.IntEnum):
    """RFC 8446 6"""
    CLOSE_NOTIFY = 0
    UNEXPECTED_MESSAGE = 10
    BAD_RECORD_MAC = 20
    RECORD_OVERFLOW = 22
    HANDSHAKE_FAILURE = 40
    ILLEGAL_PARAMETER = 47
    DECODE_ERROR = 50
    DECRYPT_ERROR = 51
    PROTOCOL_VERSION = 70
    INTERNAL_ERROR = 80
    USER_CANCELED = 90
    MISSING_EXTENSION = 109
    UNSUPPORTED_EXTENSION = 110
    UNKNOWN_PSK_IDENTITY = 115
    NO_APPLICATION_PROTOCOL = 120


SPAKE2PLUS_V1 = 0x7D96
X25519, SECP256R1, X448 = 0x001D, 0x0017, 0x001E
PSK_KE, PSK_DHE_KE = 0, 1
MAX_PLAINTEXT = 1 << 14
MAX_CIPHERTEXT = MAX_PLAINTEXT + 256

# RFC 8446 4.1.3: the random that makes a ServerHello a HelloRetryRequest.
RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


@dataclass(frozen=True)
class Suite:
    """RFC 8446 B.4"""
    code: int
    hash_name: str
    hash_length: int
    key_length: int
    aead: str


SUITES = {suite.code: suite for suite in (
    Suite(0x1301, "sha256", 32, 16, "aes-gcm"),
    Suite(0x1302, "sha384", 48, 32, "aes-gcm"),
    Suite(0x1303, "sha256", 32, 32, "chacha20-poly1305"))}


class Refusal(Exception):
    """The model found its peer wrong; the alert is what it tells the peer."""

    def __init__(self, alert, text):
        super().__init__(f"{alert.name.lower()}: {text}")
        self.alert, self.text = alert, text


class WrongConfirmation(Refusal):
    """confirmV doesn't fit: a wrong password, or a simulated identity."""


class PeerAlert(Exception):
    """The peer ended with an alert (any but close_notify)."""

    def __init__(self, code, protected):
        name = Alert(code).name.lower() if code in list(Alert) else f"alert {code}"
        super().__init__(name + (", protected" if protected else ", in the clear"))
        self.code, self.name, self.protected = code, name, protected


class PeerClosed(Exception):
    """The connection ended: with a close_notify (clean), or with EOF or a reset."""

    def __init__(self, clean):
        super().__init__("close_notify" if clean else "end of the connection")
        self.clean = clean
