"""A TLS 1.3 client that proves a password: the prover of SPAKE2+ (RFC 9383), in both forms."""
import hmac
import os
from dataclasses import dataclass

from . import p256, spake2plus
from .constants import (BORINGSSL, IETF, Alert, ContentType, ExtensionType, HandshakeType,
                        PSK_DHE_KE, Refusal, SECP256R1, SPAKE2PLUS_V1, SSL3, SUITES, TLS12, TLS13,
                        WrongConfirmation, X25519)
from .messages import (ClientHello, ServerHello, alpn, cookie, key_shares, numbers,
                       pake_offer, parse_alpn, parse_cookie, parse_extensions, parse_key_share,
                       parse_new_session_ticket, parse_number, parse_pake_answer, psk_binders,
                       psk_identities, psk_modes, Reader, server_name, u16, versions)
from .peer import KeyExchange, Peer, random_scalar
from .schedule import Schedule, binder_key, finished, resumption_psk, slot
from .tickets import Ticket

# RFC 8446 4.2: what may stand in which answer.
IN_SERVER_HELLO = {ExtensionType.SUPPORTED_VERSIONS, ExtensionType.KEY_SHARE,
                   ExtensionType.PRE_SHARED_KEY, ExtensionType.PAKE}
IN_RETRY = {ExtensionType.SUPPORTED_VERSIONS, ExtensionType.KEY_SHARE, ExtensionType.COOKIE}
IN_ENCRYPTED = {ExtensionType.SERVER_NAME, ExtensionType.ALPN, ExtensionType.SUPPORTED_GROUPS,
                ExtensionType.RECORD_SIZE_LIMIT, ExtensionType.EARLY_DATA}


@dataclass
class ClientConfig:
    """shares: the groups that key_share has an entry of; random, x: fixed for the vectors;
    secret: instead of a password."""
    form: str = IETF
    user: bytes = b""
    device_id: bytes = b""
    password: bytes = b""
    secret: object = None
    suites: tuple = (0x1301, 0x1303, 0x1302)
    groups: tuple = (X25519, SECP256R1)
    shares: tuple = (X25519,)
    session_id: bytes = None
    alpn: tuple = ()
    server_name: bytes = None
    record_size_limit: int = None
    psk_modes: tuple = (PSK_DHE_KE,)
    ticket: Ticket = None
    ccs: bool = True
    random: bytes = None
    x: int = None

    def prover_secret(self):
        return self.secret or spake2plus.register(self.password, self.user, self.device_id)


class Client(Peer):
    own, other = "client", "server"

    def __init__(self, sock, config, edits=None):
        super().__init__(sock, config, edits)
        self.secret_of_user = config.prover_secret()
        self.x = config.x or random_scalar()
        self.random = config.random or os.urandom(32)
        self.session_id = os.urandom(32) if config.session_id is None else config.session_id
        self.exchanges = {group: KeyExchange(group) for group in config.shares}
        self.share_p = None
        self.hello = None      # the ClientHello that the server answered
        self.retry = None      # its HelloRetryRequest
        self.server_hello = None
        self.encrypted_extensions = []
        self.spake = None
        self.tickets = []
        self.cookie = None

    @property
    def form(self):
        return self.config.form

    # --- ClientHello ---

    def make_hello(self):
        """RFC 8446 4.1.2. BoringSSL's form has supported_versions and pake alone."""
        config = self.config
        extensions = [(ExtensionType.SUPPORTED_VERSIONS, versions([TLS13]))]
        if config.server_name is not None:
            extensions.append((ExtensionType.SERVER_NAME, server_name(config.server_name)))
        if self.form == IETF:
            extensions += [(ExtensionType.SUPPORTED_GROUPS, numbers(config.groups)),
                           (ExtensionType.KEY_SHARE, self._key_shares()),
                           (ExtensionType.PSK_KEY_EXCHANGE_MODES, psk_modes(config.psk_modes))]
        if config.alpn:
            extensions.append((ExtensionType.ALPN, alpn(config.alpn)))
        if config.record_size_limit:
            extensions.append((ExtensionType.RECORD_SIZE_LIMIT, u16(config.record_size_limit)))
        if self.cookie is not None:
            extensions.append((ExtensionType.COOKIE, cookie(self.cookie)))
        extensions.append((ExtensionType.PAKE, self._pake()))
        if config.ticket and self._fits(config.ticket):
            extensions.append((ExtensionType.PRE_SHARED_KEY, self._unbound(config.ticket)))
        return ClientHello(self.random, self.session_id, list(config.suites), extensions)

    def _key_shares(self):
        return key_shares([(group, exchange.public) for group, exchange in self.exchanges.items()])

    def _pake(self):
        if self.share_p is None:
            point = spake2plus.share(self.x, self.secret_of_user.w0, spake2plus.M)
            self.share_p = self.edit("share_p", p256.encode(point))
        return pake_offer(self.config.user, self.config.device_id,
                          [(SPAKE2PLUS_V1, self.share_p)])

    def _fits(self, ticket):
        """After a HelloRetryRequest a PSK of another hash is left out (RFC 8446 4.1.4)."""
        return self.suite is None or self.suite.hash_name == ticket.suite.hash_name

    def _unbound(self, ticket):
        """pre_shared_key with a binder of zeros, to be filled in."""
        zeros = bytes(ticket.suite.hash_length)
        return (psk_identities([(ticket.identity, ticket.obfuscated_age())])
                + psk_binders([zeros]))

    def _bind(self, hello):
        """RFC 8446 4.2.11.2: the binder covers the ClientHello up to the binders."""
        ticket, data = self.config.ticket, hello.build()
        if ticket is None or hello.get(ExtensionType.PRE_SHARED_KEY) is None:
            return data
        hash_name = ticket.suite.hash_name
        cut = len(data) - 3 - ticket.suite.hash_length
        digest = self.transcript.hash(hash_name, data[:cut])
        binder = finished(hash_name, binder_key(hash_name, ticket.psk), digest)
        return data[:cut] + psk_binders([self.edit("binder", binder)])

    def send_hello(self, name="client_hello"):
        """Edits, in turn: the structure, then its bytes, then what goes onto the wire."""
        self.hello = self.edit(name, self.make_hello())
        data = self.edit(name + "_bytes", self._bind(self.hello))
        self.messages[name] = data
        self.transcript.add(data)
        wire = self.edit(name + "_wire", data)
        if wire is not None:
            self.send_handshake(wire)
        self.records.ccs_taken = True

    # --- HelloRetryRequest ---

    def read_server_hello(self):
        data = self.read_message(HandshakeType.SERVER_HELLO)
        hello = ServerHello.parse(data[4:])
        self._check_hello(hello)
        return data, hello

    def _check_hello(self, hello):
        """RFC 8446 4.1.3, of both kinds"""
        kinds = hello.kinds()
        if ExtensionType.SUPPORTED_VERSIONS not in kinds:
            raise Refusal(Alert.PROTOCOL_VERSION, "the server chose TLS 1.2 or less")
        if hello.legacy_version == SSL3:
            raise Refusal(Alert.PROTOCOL_VERSION, "SSL 3.0 (RFC 8446 D.5)")
        if len(set(kinds)) != len(kinds):
            raise Refusal(Alert.ILLEGAL_PARAMETER, "a repeated extension")
        if parse_number(hello.get(ExtensionType.SUPPORTED_VERSIONS)) != TLS13:
            raise Refusal(Alert.ILLEGAL_PARAMETER, "a version not offered")
        if hello.legacy_version != TLS12 or hello.compression != 0:
            raise Refusal(Alert.ILLEGAL_PARAMETER, "a wrong legacy_version or compression")
        if hello.session_id != self.session_id:
            raise Refusal(Alert.ILLEGAL_PARAMETER, "a wrong session id")
        if hello.suite not in self.config.suites or hello.suite not in SUITES:
            raise Refusal(Alert.ILLEGAL_PARAMETER, "a suite not offered")
        self._check_kinds(kinds, IN_RETRY if hello.is_retry else IN_SERVER_HELLO)

    def _check_kinds(self, kinds, allowed):
        """RFC 8446 4.2: an answer to what wasn't asked, or in the wrong message. A cookie alone
        needs no question."""
        asked = set(self.hello.kinds()) | {ExtensionType.COOKIE}
        for kind in kinds:
            if kind not in asked:
                raise Refusal(Alert.UNSUPPORTED_EXTENSION, f"extension {kind} not asked for")
            if kind not in allowed:
                pake_in_retry = kind == ExtensionType.PAKE and allowed is IN_RETRY
                raise Refusal(Alert.UNSUPPORTED_EXTENSION if pake_in_retry
                              else Alert.ILLEGAL_PARAMETER, f"extension {kind} out of place")

    def take_retry(self, data, retry):
        """RFC 8446 4.1.4: a second ClientHello that differs as the retry asks, and no more."""
        self.suite, self.retry = SUITES[retry.suite], retry
        self.transcript.replace_by_hash(self.suite.hash_name)
        self.transcript.add(data)
        group, token = retry.get(ExtensionType.KEY_SHARE), retry.get(ExtensionType.COOKIE)
        if group is None and token is None:
            raise Refusal(Alert.ILLEGAL_PARAMETER, "a HelloRetryRequest that changes nothing")
        if token is not None:
            self.cookie = parse_cookie(token)
        if group is not None:
            self._retry_group(parse_number(group))
        if self.config.ccs and self.session_id:
            self.send_ccs()
        self.edit("before_second_client_hello")
        self.send_hello("second_client_hello")

    def _retry_group(self, group):
        if group not in self.config.groups or group in self.exchanges:
            raise Refusal(Alert.ILLEGAL_PARAMETER, "a group not offered, or offered already")
        self.exchanges = {group: KeyExchange(group)}

    # --- ServerHello ---

    def take_server_hello(self, data, hello):
        self.server_hello = hello
        if hello.is_retry:
            raise Refusal(Alert.UNEXPECTED_MESSAGE, "a second HelloRetryRequest")
        if self.retry and hello.suite != self.retry.suite:
            raise Refusal(Alert.ILLEGAL_PARAMETER, "another suite than the HelloRetryRequest's")
        self.suite = SUITES[hello.suite]
        shared = self._take_psk(hello) if ExtensionType.PRE_SHARED_KEY in hello.kinds() \
            else self._take_pake(hello)
        self.transcript.add(data)
        self.schedule.enter_handshake(shared, self.hash())
        self.write_with("handshake")
        self.read_with("handshake")

    def _take_psk(self, hello):
        """RFC 8446 4.2.11; the draft: never beside pake. psk_dhe_ke only."""
        ticket = self.config.ticket
        if (ExtensionType.PAKE in hello.kinds()
                or parse_number(hello.get(ExtensionType.PRE_SHARED_KEY)) != 0
                or self.suite.hash_name != ticket.suite.hash_name):
            raise Refusal(Alert.ILLEGAL_PARAMETER, "a PSK that can't be")
        self.resumed = True
        self.schedule = Schedule(self.suite.hash_name, ticket.psk)
        return self._exchange(hello)

    def _take_pake(self, hello):
        """confirmV is checked before anything is derived from the run, and before key_share is
        looked at."""
        if hello.get(ExtensionType.PAKE) is None:
            raise Refusal(Alert.MISSING_EXTENSION, "no pake")
        if self.form == IETF and hello.get(ExtensionType.KEY_SHARE) is None:
            raise Refusal(Alert.MISSING_EXTENSION, "no key_share")
        self._run_spake(*parse_pake_answer(hello.get(ExtensionType.PAKE)))
        self.schedule = Schedule(self.suite.hash_name)
        dhe = self._exchange(hello) if self.form == IETF else b""
        return slot(self.form, self.spake.k_shared, dhe)

    def _run_spake(self, scheme, answer):
        boring = self.form == BORINGSSL
        if scheme != SPAKE2PLUS_V1:
            raise Refusal(Alert.DECODE_ERROR if boring else Alert.ILLEGAL_PARAMETER,
                          "another scheme")
        if len(answer) != p256.LENGTH + spake2plus.CONFIRM_LENGTH:
            raise Refusal(Alert.ILLEGAL_PARAMETER, "a pake_message of a wrong length")
        share_v, confirm_v = answer[:p256.LENGTH], answer[p256.LENGTH:]
        try:
            z, v = spake2plus.prover_points(self.secret_of_user, self.x, p256.decode(share_v))
        except ValueError as error:
            raise Refusal(Alert.ILLEGAL_PARAMETER, str(error)) from None
        tt = spake2plus.transcript(spake2plus.CONTEXT[self.form], self.config.user,
                                   self.config.device_id, self.share_p, share_v, z, v,
                                   self.secret_of_user.w0)
        self.spake = spake2plus.derive(tt, self.share_p, share_v)
        if not self.edit("confirmed", hmac.compare_digest(self.spake.confirm_v, confirm_v)):
            raise WrongConfirmation(Alert.ILLEGAL_PARAMETER if boring else Alert.DECRYPT_ERROR,
                                    "confirmV is wrong")

    def _exchange(self, hello):
        """The (EC)DHE secret; with a PSK the server must send key_share too (psk_dhe_ke)."""
        body = hello.get(ExtensionType.KEY_SHARE)
        if body is None:
            raise Refusal(Alert.MISSING_EXTENSION, "no key_share")
        group, public = parse_key_share(body)
        if group not in self.exchanges:
            raise Refusal(Alert.ILLEGAL_PARAMETER, "a group without a share")
        return self.exchanges[group].shared(public)

    # --- the rest ---

    def read_encrypted_extensions(self):
        data = self.read_message(HandshakeType.ENCRYPTED_EXTENSIONS)
        self.transcript.add(data)
        reader = Reader(data[4:])
        extensions = parse_extensions(reader.vector(2))
        reader.end()
        kinds = [kind for kind, _ in extensions]
        if len(set(kinds)) != len(kinds):
            raise Refusal(Alert.ILLEGAL_PARAMETER, "a repeated extension")
        for kind in kinds:
            if kind == ExtensionType.PAKE:
                raise Refusal(Alert.UNSUPPORTED_EXTENSION, "pake in EncryptedExtensions")
        self._check_kinds(kinds, IN_ENCRYPTED)
        self.encrypted_extensions = extensions
        self._take_extensions(dict(extensions))

    def _take_extensions(self, extensions):
        if ExtensionType.ALPN in extensions:
            chosen = parse_alpn(extensions[ExtensionType.ALPN])
            if len(chosen) != 1 or chosen[0] not in self.config.alpn:
                raise Refusal(Alert.ILLEGAL_PARAMETER, "a protocol not offered")
            self.alpn = chosen[0]
        if ExtensionType.RECORD_SIZE_LIMIT in extensions:
            limit = parse_number(extensions[ExtensionType.RECORD_SIZE_LIMIT])
            if limit < 64:
                raise Refusal(Alert.ILLEGAL_PARAMETER, "a record_size_limit below 64")
            self.records.limit_out = min(limit, self.records.limit_out)
            self.records.limit_in = self.config.record_size_limit or self.records.limit_in
        if ExtensionType.EARLY_DATA in extensions:
            raise Refusal(Alert.UNSUPPORTED_EXTENSION, "early data that was not sent")

    def read_flight(self):
        """EncryptedExtensions and Finished: no certificates in a PAKE handshake."""
        self.read_encrypted_extensions()
        self.read_finished()
        self.schedule.enter_application(self.hash())
        self.read_with("application")
        self.records.ccs_taken = False

    def send_finished(self):
        """The client's Finished takes confirmP's place. Keys change right after it."""
        if self.config.ccs and not self.retry and self.session_id:
            self.send_ccs()
        self.edit("before_finished")
        self.send_message("finished", self.make_finished())
        self.edit("after_finished")
        self.schedule.enter_resumption(self.hash())
        self.write_with("application")

    def handshake(self):
        self.edit("before_hello")
        self.send_hello()
        self.edit("after_hello")
        data, hello = self.read_server_hello()
        if hello.is_retry:
            self.take_retry(data, hello)
            data, hello = self.read_server_hello()
        self.take_server_hello(data, hello)
        self.read_flight()
        self.send_finished()
        return self

    def after_handshake(self, data):
        if data[0] != HandshakeType.NEW_SESSION_TICKET:
            return super().after_handshake(data)
        lifetime, age_add, nonce, identity = parse_new_session_ticket(data[4:])
        psk = resumption_psk(self.suite.hash_name, self.schedule.resumption_master, nonce)
        if self.form == IETF and 0 < lifetime:
            self.tickets.append(Ticket(identity, psk, self.suite, lifetime, age_add))
        return None

    # --- 0-RTT, which no server of ours may take ---

    def send_early_data(self, data):
        """A record under the early traffic keys of the ticket's PSK (RFC 8446 4.2.10)."""
        ticket = self.config.ticket
        early = Schedule(ticket.suite.hash_name, ticket.psk)
        secret = early.derive(early.early, b"c e traffic",
                              self.transcript.hash(ticket.suite.hash_name))
        self.suite, kept = ticket.suite, self.suite
        self.schedule = early
        early.client_early = secret
        self.write_with("early")
        self.records.send(ContentType.APPLICATION_DATA, data)
        self.records.writer, self.schedule, self.suite = None, None, kept


