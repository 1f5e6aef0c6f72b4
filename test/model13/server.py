"""A TLS 1.3 server that holds verifiers: the verifier of SPAKE2+ (RFC 9383), in both forms."""
import hmac
import os
from dataclasses import dataclass, field

from . import p256, spake2plus
from .constants import (BORINGSSL, FORMS, IETF, Alert, ExtensionType, HandshakeType, PSK_DHE_KE,
                        Refusal, RETRY_RANDOM, SECP256R1, SPAKE2PLUS_V1, SSL3, SUITES, TLS13,
                        X25519)
from .messages import (ClientHello, ServerHello, alpn, cookie, encrypted_extensions, key_share,
                       new_session_ticket, pake_answer, parse_alpn, parse_cookie,
                       parse_key_shares, parse_number, parse_number_list, parse_pake_offer,
                       parse_psk_modes, parse_psk_offer, parse_versions, u16)
from .peer import KeyExchange, Peer, random_scalar
from .schedule import Schedule, binder_key, finished, resumption_psk, slot
from .tickets import Issued, TicketBox

CHANGED_BY_RETRY = (ExtensionType.KEY_SHARE, ExtensionType.COOKIE, ExtensionType.PRE_SHARED_KEY,
                    ExtensionType.EARLY_DATA, ExtensionType.PADDING)
GROUP_LENGTHS = {X25519: 32, SECP256R1: 65}


@dataclass
class ServerConfig:
    """verifiers: by user. cookie: send one in a HelloRetryRequest. random, y: fixed for the
    vectors; groups and suites: best first."""
    verifiers: dict = field(default_factory=dict)
    device_id: bytes = b""
    forms: tuple = FORMS
    suites: tuple = (0x1301, 0x1303, 0x1302)
    groups: tuple = (X25519, SECP256R1)
    alpn: tuple = ()
    record_size_limit: int = None
    cookie: bool = False
    tickets: int = 1
    box: TicketBox = field(default_factory=TicketBox)
    random: bytes = None
    y: int = None


@dataclass
class Offer:
    """What a ClientHello offers, checked."""
    form: str
    suite: object
    user: bytes
    device_id: bytes
    share_p: bytes
    group: int = None
    public: bytes = None
    modes: tuple = ()


class Server(Peer):
    own, other = "server", "client"

    def __init__(self, sock, config, edits=None):
        super().__init__(sock, config, edits)
        self.y = config.y or random_scalar()
        self.hello = self.offer = self.user = None
        self.form = None
        self.spake = None
        self.cookie = None
        self.retried = None
        self.proved_at = None
        self.exchange = None

    # --- ClientHello ---

    def read_hello(self):
        data = self.read_message(HandshakeType.CLIENT_HELLO)
        hello = ClientHello.parse(data[4:])
        self.records.ccs_taken = True
        if len(set(hello.kinds())) != len(hello.kinds()):
            raise Refusal(Alert.DECODE_ERROR, "a repeated extension")
        return data, hello

    def check_hello(self, hello):
        """Everything but the shares of (EC)DHE; RFC 8446 4.1.2, 4.2, 9.2"""
        offered = hello.get(ExtensionType.SUPPORTED_VERSIONS)
        if hello.legacy_version == SSL3 or offered is None \
                or TLS13 not in parse_versions(offered):
            raise Refusal(Alert.PROTOCOL_VERSION, "no TLS 1.3")
        if hello.compression != b"\x00":
            raise Refusal(Alert.ILLEGAL_PARAMETER, "a compression method")
        if ExtensionType.PRE_SHARED_KEY in hello.kinds()[:-1]:
            raise Refusal(Alert.ILLEGAL_PARAMETER, "pre_shared_key is not the last extension")
        body = hello.get(ExtensionType.PAKE)
        if body is None and hello.get(ExtensionType.PRE_SHARED_KEY) is None:
            raise Refusal(Alert.HANDSHAKE_FAILURE, "no pake")
        form = self._form_of(hello)
        # A client that may only resume offers its ticket without the password.
        user, device_id, share_p = (self._check_pake(form, body) if body is not None
                                    else (None, None, None))
        suite = next((code for code in self.config.suites if code in hello.suites), None)
        if suite is None:
            raise Refusal(Alert.HANDSHAKE_FAILURE, "no suite in common")
        self.form, self.suite = form, SUITES[suite]
        return Offer(form, self.suite, user, device_id, share_p)

    def _form_of(self, hello):
        """With supported_groups and key_share beside pake: the draft's; with neither:
        BoringSSL's."""
        present = [hello.get(kind) is not None
                   for kind in (ExtensionType.SUPPORTED_GROUPS, ExtensionType.KEY_SHARE)]
        form = IETF if any(present) else BORINGSSL
        if any(present) != all(present) or form not in self.config.forms:
            raise Refusal(Alert.MISSING_EXTENSION, "supported_groups or key_share")
        if form == IETF and hello.get(ExtensionType.SIGNATURE_ALGORITHMS) is not None:
            raise Refusal(Alert.HANDSHAKE_FAILURE, "a client that wants a certificate as well")
        return form

    def _check_pake(self, form, body):
        boring = form == BORINGSSL
        user, device_id, shares = parse_pake_offer(body)
        schemes = [scheme for scheme, _ in shares]
        if sorted(set(schemes)) != schemes:
            raise Refusal(Alert.DECODE_ERROR if boring else Alert.ILLEGAL_PARAMETER,
                          "shares unsorted or repeated")
        if SPAKE2PLUS_V1 not in schemes:
            raise Refusal(Alert.HANDSHAKE_FAILURE if boring else Alert.ILLEGAL_PARAMETER,
                          "no scheme in common")
        return user, device_id, dict(shares)[SPAKE2PLUS_V1]

    def check_shares(self, offer, hello):
        """Picks the group; offer.public stays None when the client sent no share of it."""
        groups = parse_number_list(hello.get(ExtensionType.SUPPORTED_GROUPS))
        entries = parse_key_shares(hello.get(ExtensionType.KEY_SHARE))
        sent = [group for group, _ in entries]
        if len(set(sent)) != len(sent) or any(group not in groups for group in sent):
            raise Refusal(Alert.ILLEGAL_PARAMETER, "key shares repeated or of unlisted groups")
        common = [group for group in self.config.groups if group in groups]
        if not common:
            raise Refusal(Alert.HANDSHAKE_FAILURE, "no group in common")
        offer.group = next((group for group in common if group in sent), common[0])
        offer.public = dict(entries).get(offer.group)
        if offer.public is not None and len(offer.public) != GROUP_LENGTHS[offer.group]:
            raise Refusal(Alert.ILLEGAL_PARAMETER, "a key share of a wrong length")

    # --- HelloRetryRequest ---

    def make_retry(self, group=None, token=None):
        """RFC 8446 4.1.4"""
        extensions = [(ExtensionType.SUPPORTED_VERSIONS, u16(TLS13))]
        if group is not None:
            extensions.append((ExtensionType.KEY_SHARE, u16(group)))
        if token is not None:
            extensions.append((ExtensionType.COOKIE, cookie(token)))
        return ServerHello(RETRY_RANDOM, self.hello.session_id, self.suite.code, extensions)

    def retry_for(self, offer):
        needed = offer.form == IETF and offer.public is None
        if self.config.cookie:
            self.cookie = os.urandom(32)
        if not needed and not self.cookie:
            return None
        return self.make_retry(offer.group if needed else None, self.cookie)

    def send_retry(self, retry, data):
        """The hello's hash stands for it from here on (RFC 8446 4.4.1)."""
        self.transcript.add(data)
        self.transcript.replace_by_hash(self.suite.hash_name)
        self.send_message("hello_retry_bytes", retry.build())
        if self.hello.session_id:
            self.send_ccs()

    def check_second(self, first, second, retry):
        """RFC 8446 4.1.2: nothing but key_share, cookie, PSKs and padding may change."""
        for name in ("legacy_version", "random", "session_id", "suites", "compression"):
            if getattr(first, name) != getattr(second, name):
                raise Refusal(Alert.ILLEGAL_PARAMETER, f"another {name} after the retry")
        if first.without(*CHANGED_BY_RETRY).extensions \
                != second.without(*CHANGED_BY_RETRY).extensions:
            raise Refusal(Alert.ILLEGAL_PARAMETER, "other extensions after the retry")
        token = second.get(ExtensionType.COOKIE)
        sent = retry.get(ExtensionType.COOKIE)
        if (token is None) != (sent is None) or token is not None \
                and parse_cookie(token) != parse_cookie(sent):
            raise Refusal(Alert.ILLEGAL_PARAMETER, "a wrong cookie")
        asked = retry.get(ExtensionType.KEY_SHARE)
        shares = second.get(ExtensionType.KEY_SHARE)
        if asked is not None:
            groups = [group for group, _ in parse_key_shares(shares)] if shares else []
            if groups != [parse_number(asked)]:
                raise Refusal(Alert.ILLEGAL_PARAMETER, "not the share that was asked for")
        elif shares != first.get(ExtensionType.KEY_SHARE):
            raise Refusal(Alert.ILLEGAL_PARAMETER, "other key shares, which nobody asked for")

    # --- resumption ---

    def find_ticket(self, offer, data):
        """RFC 8446 4.2.11: the ticket and its place, or None. Only with psk_dhe_ke, only in the
        draft's form. Nothing here looks at the identity in pake."""
        body = self.hello.get(ExtensionType.PRE_SHARED_KEY)
        if body is None or offer.form != IETF:
            return None
        modes = self.hello.get(ExtensionType.PSK_KEY_EXCHANGE_MODES)
        if modes is None:
            raise Refusal(Alert.MISSING_EXTENSION, "a PSK without psk_key_exchange_modes")
        identities, binders, tail = parse_psk_offer(body)
        if len(identities) != len(binders):
            raise Refusal(Alert.ILLEGAL_PARAMETER, "not as many binders as identities")
        if PSK_DHE_KE not in parse_psk_modes(modes):
            return None
        for place, (identity, _) in enumerate(identities):
            found = self.config.box.find(identity, self.config.device_id, self.config.verifiers)
            if found and found.suite == offer.suite:
                self._check_binder(found, data[:-tail], binders[place])
                return found, place
        return None

    def _check_binder(self, found, covered, binder):
        hash_name = found.suite.hash_name
        expected = finished(hash_name, binder_key(hash_name, found.psk),
                            self.transcript.hash(hash_name, covered))
        if not hmac.compare_digest(expected, binder):
            raise Refusal(Alert.DECRYPT_ERROR, "a wrong binder")

    # --- ServerHello ---

    def verifier_of(self, offer):
        """An unknown identity is simulated: a random verifier, and the same work."""
        known = self.config.verifiers.get(offer.user)
        if known is None or offer.device_id != self.config.device_id:
            return spake2plus.Secret(random_scalar(), random_scalar()).verifier()
        return known

    def run_spake(self, offer):
        """shareV || confirmV"""
        verifier = self.verifier_of(offer)
        try:
            z, v = spake2plus.verifier_points(verifier, self.y, p256.decode(offer.share_p))
        except ValueError as error:
            raise Refusal(Alert.ILLEGAL_PARAMETER, str(error)) from None
        point = spake2plus.share(self.y, verifier.w0, spake2plus.N)
        share_v = self.edit("share_v", p256.encode(point))
        tt = spake2plus.transcript(spake2plus.CONTEXT[offer.form], offer.user, offer.device_id,
                                   offer.share_p, share_v, z, v, verifier.w0)
        self.spake = spake2plus.derive(tt, offer.share_p, share_v)
        return share_v + self.edit("confirm_v", self.spake.confirm_v)

    def answer(self, offer, found):
        """The ServerHello's extensions, and the content of the (EC)DHE slot."""
        extensions, dhe = [], b""
        if offer.form == IETF:
            self.exchange = KeyExchange(offer.group)
            dhe = self.exchange.shared(offer.public)
            extensions.append((ExtensionType.KEY_SHARE,
                               key_share(offer.group, self.exchange.public)))
        if found:
            entry, place = found
            self.resumed, self.user, self.proved_at = True, entry.user, entry.proved
            self.schedule = Schedule(self.suite.hash_name, entry.psk)
            return [(ExtensionType.PRE_SHARED_KEY, u16(place)), *extensions], dhe
        message = self.run_spake(offer)
        self.user, self.proved_at = offer.user, self.config.box.clock()
        self.schedule = Schedule(self.suite.hash_name)
        return ([(ExtensionType.PAKE, pake_answer(SPAKE2PLUS_V1, message)), *extensions],
                slot(offer.form, self.spake.k_shared, dhe))

    def send_server_hello(self, offer, found):
        extensions, shared = self.answer(offer, found)
        extensions.append((ExtensionType.SUPPORTED_VERSIONS, u16(TLS13)))
        hello = ServerHello(self.config.random or os.urandom(32), self.hello.session_id,
                            self.suite.code, extensions)
        self.edit("before_server_hello")
        self.send_message("server_hello_bytes", self.edit("server_hello", hello).build())
        self.schedule.enter_handshake(shared, self.hash())
        self.edit("after_server_hello")
        if self.retried is None and self.edit("ccs", True):
            self.send_ccs()
        self.write_with("handshake")
        self.read_with("handshake")

    # --- the encrypted flight ---

    def make_extensions(self):
        extensions = []
        offered = self.hello.get(ExtensionType.ALPN)
        if offered is not None and self.config.alpn:
            protocols = parse_alpn(offered)
            self.alpn = next((name for name in self.config.alpn if name in protocols), None)
            if self.alpn is None:
                raise Refusal(Alert.NO_APPLICATION_PROTOCOL, "no protocol in common")
            extensions.append((ExtensionType.ALPN, alpn([self.alpn])))
        limit = self.hello.get(ExtensionType.RECORD_SIZE_LIMIT)
        if limit is not None and self.config.record_size_limit:
            extensions.append((ExtensionType.RECORD_SIZE_LIMIT,
                               u16(self.config.record_size_limit)))
        return extensions

    def take_limits(self):
        """RFC 8449 4: the client's limit holds for protected records, ours once it is answered."""
        body = self.hello.get(ExtensionType.RECORD_SIZE_LIMIT)
        if body is None:
            return
        limit = parse_number(body)
        if limit < 64:
            raise Refusal(Alert.ILLEGAL_PARAMETER, "a record_size_limit below 64")
        if self.config.record_size_limit:
            self.records.limit_out = min(limit, self.records.limit_out)
            self.records.limit_in = self.config.record_size_limit

    def send_flight(self, extensions):
        """EncryptedExtensions and Finished, in one record where they fit."""
        body = encrypted_extensions(self.edit("encrypted_extensions", extensions))
        first = self.edit("encrypted_extensions_bytes", body)
        self.transcript.add(first)
        done = self.edit("finished", self.make_finished())
        self.transcript.add(done)
        self.messages.update(encrypted_extensions=first, finished=done)
        flight = self.edit("flight", first + done)
        if flight is not None:
            self.send_handshake(flight)
        self.edit("after_flight")
        self.schedule.enter_application(self.hash())
        self.write_with("application")

    def send_tickets(self):
        """RFC 8446 4.6.1; after a PAKE handshake in the draft's form, and a resumed one, to
        clients that can use them."""
        modes = self.hello.get(ExtensionType.PSK_KEY_EXCHANGE_MODES)
        if self.form != IETF or modes is None or PSK_DHE_KE not in parse_psk_modes(modes):
            return
        for number in range(self.config.tickets):
            self.send_handshake(self.edit("ticket", self.make_ticket(u16(number))))

    def make_ticket(self, nonce):
        psk = resumption_psk(self.suite.hash_name, self.schedule.resumption_master, nonce)
        identity, lifetime = self.config.box.issue(Issued(
            psk, self.suite, self.user, self.config.device_id,
            self.config.verifiers.get(self.user), self.proved_at))
        return new_session_ticket(lifetime, int.from_bytes(os.urandom(4), "big"), nonce, identity)

    # --- all of it ---

    def handshake(self):
        data, self.hello = self.read_hello()
        offer = self.check(self.hello)
        retry = self.edit("hello_retry", self.retry_for(offer))
        if retry is not None:
            data, offer = self.retry(retry, data)
        found = self.edit("ticket_found", self.find_ticket(offer, data))
        if found is None and offer.share_p is None:
            raise Refusal(Alert.HANDSHAKE_FAILURE, "no pake, and no ticket of ours")
        self.offer = offer
        self.take_limits()
        extensions = self.make_extensions()
        self.transcript.add(data)
        self.send_server_hello(offer, found)
        self.send_flight(extensions)
        self.edit("before_client_finished")
        self.read_finished()
        self.schedule.enter_resumption(self.hash())
        self.read_with("application")
        self.records.ccs_taken = False
        self.send_tickets()
        return self

    def check(self, hello):
        offer = self.check_hello(hello)
        if offer.form == IETF:
            self.check_shares(offer, hello)
        return offer

    def retry(self, retry, data):
        self.send_retry(retry, data)
        self.edit("after_hello_retry")
        first, self.retried = self.hello, retry
        data, self.hello = self.read_hello()
        self.check_second(first, self.hello, retry)
        return data, self.check(self.hello)
