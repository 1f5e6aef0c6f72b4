"""CPU time of a handshake of TLS 1.3: SPAKE2+ in both forms and a resumption, beside libssl with
SRP and with a certificate, and the floor of the arithmetic."""
from dataclasses import dataclass

from . import servers
from .report import Samples, Table, note_who
from .shaking import SOCKETS, add_medians, add_ratios, describe, measure, shake, start
from .tools import PASSWORD, user


@dataclass(frozen=True)
class Column:
    """What is measured: the form of SPAKE2+ as in serve's --pake, full or resumed, and how many a
    round."""

    title: str
    form: str
    kind: str
    count: int


BORINGSSL, DRAFT, RESUMED = COLUMNS = [
    Column("boringssl", "boringssl", "full", 60), Column("ietf", "ietf", "full", 60),
    Column("resumed", "ietf", "resumed", 100)]
TITLES = [column.title for column in COLUMNS]
BITS = 2048  # of the group of SRP
ALONE = 40   # handshakes in memory, a round

SERVE, CERTIFICATE = servers.Serve.name, servers.LibsslCertificate.name
ENGINE, SRP_ALONE, CERTIFICATE_ALONE = "engine alone", "libssl alone, SRP", "libssl alone, ECDSA"
OURS, FLOOR = "the engine's arithmetic", "floor: libcrypto's"
CLIENT, CERTIFICATE_CLIENT = "keyplate engine", "libssl, ECDSA"


class Handshakes13:
    def __init__(self, bench):
        self.bench = bench
        self.server_side, self.client_side = Samples(), Samples()
        self.skipped, self.seen = {}, {}
        self._plain = servers.PlainRelay(bench)
        self._serve = servers.Serve(bench)
        self._certificate = start([servers.LibsslCertificate], bench, self.skipped)

    def run(self, rounds):
        for _ in range(rounds):
            for column in COLUMNS:
                self._sockets(column)
                self._alone(column)
            self._floors()

    def _sockets(self, column):
        self._shake(self._serve, column, CLIENT, "shake_keyplate", column.form, user(BITS),
                    PASSWORD)
        for server in self._certificate:
            self._shake(server, column, CERTIFICATE_CLIENT, "shake_libssl", "certificate13", "-",
                        "-")
        if column is RESUMED:
            _, us = measure(self.bench, self._plain, BITS, "shake_plain", column.count)
            self.server_side.add(SOCKETS, column.title, us)

    def _shake(self, server, column, name, client, *how):
        got, us = shake(self.bench, server, BITS, client, column.kind, column.count, *how)
        self.server_side.add(server.name, column.title, us)
        self.client_side.add(name, column.title, got["cpu_us"])
        self.seen[f"{server.name}, {column.title}"] = describe(got)

    def _alone(self, column):
        programs = {ENGINE: ("memory_keyplate", column.form, self.bench.credentials(BITS)),
                    SRP_ALONE: ("memory_libssl", "srp", self.bench.srpv(servers.GROUPS))}
        if self._certificate:
            programs[CERTIFICATE_ALONE] = ("memory_libssl", "certificate13",
                                           self.bench.certificate())
        for row, program in programs.items():
            got = self.bench.run(*program, user(BITS), PASSWORD, ALONE)
            self.server_side.add(row, column.title, got[f"server_{column.kind}_us"])
            self.client_side.add(row, column.title, got[f"client_{column.kind}_us"])

    def _floors(self):
        """SPAKE2+ takes one multiplication of the base and two of other points; what key_share adds
        is a key pair and one more."""
        got = self.bench.run("floor13", 60)
        curve = got["base_us"] + 2 * got["free_us"]
        for column, floor, ours in (
                (BORINGSSL, curve, got["pake_us"]),
                (DRAFT, curve + got["x25519_us"], got["pake_us"] + got["exchange_us"]),
                (RESUMED, got["x25519_us"], got["exchange_us"])):
            self.server_side.add(FLOOR, column.title, floor)
            self.server_side.add(OURS, column.title, ours)

    def tables(self):
        return [self._server_table(), self._client_table()]

    def _server_table(self):
        s, table = self.server_side, Table("TLS 1.3 server, CPU us a handshake", TITLES)
        for row in SERVE, CERTIFICATE:
            add_medians(table, s, row)
        add_ratios(table, s, SERVE, CERTIFICATE)
        table.gap()
        for row in ENGINE, SRP_ALONE, CERTIFICATE_ALONE:
            add_medians(table, s, row)
        for row in SRP_ALONE, CERTIFICATE_ALONE:
            add_ratios(table, s, row, ENGINE)
        for row in OURS, FLOOR:
            add_medians(table, s, row)
        for row in OURS, ENGINE:
            add_ratios(table, s, row, FLOOR)
        add_medians(table, s, SOCKETS)
        table.note("boringssl, ietf: full handshakes with the forms of SPAKE2+, as in serve's "
                   "--pake; libssl's one full handshake stands in both columns. resumed: ietf. "
                   f"SRP: {BITS} bits, TLS 1.2. ECDSA: P-256, TLS 1.3. Alone: in memory.")
        table.note("libcrypto's floor: a multiplication of P-256's base and two of other points; "
                   "in ietf, and alone in resumed, a key pair and a secret of X25519.")
        table.note("The client is the engine for serve, libssl for libssl: connect, handshake, a "
                   "small request, its answer, close_notify, close. serve also connects to its "
                   "upstream for each.")
        note_who(table, self.seen, self.skipped)
        return table

    def _client_table(self):
        s, table = self.client_side, Table("TLS 1.3 client, CPU us a handshake", TITLES)
        for row in CLIENT, CERTIFICATE_CLIENT:
            add_medians(table, s, row)
        table.gap()
        for row in ENGINE, SRP_ALONE, CERTIFICATE_ALONE:
            add_medians(table, s, row)
        for row in SRP_ALONE, CERTIFICATE_ALONE:
            add_ratios(table, s, row, ENGINE)
        return table

    def judge(self, verdicts):
        """Times by the best round: whatever else the machine does only adds to them."""
        s = self.server_side
        for column, limit in (BORINGSSL, 170), (DRAFT, 260), (RESUMED, 150):
            floor, ours = (s.least(row, column.title) for row in (FLOOR, OURS))
            verdicts.judge(f"TLS 1.3 {column.title} by itself, engine in memory, best round",
                           s.least(ENGINE, column.title), limit, 0, " us",
                           missed=floor and f"libcrypto's floor is {floor:.0f} us, the engine's "
                           f"arithmetic {ours:.0f} us; the rest is keys and messages")
        verdicts.judge_least(f"SRP {BITS} of libssl / TLS 1.3 boringssl of the engine, in memory",
                             s.ratio(SRP_ALONE, ENGINE, BORINGSSL.title), 6.5)
