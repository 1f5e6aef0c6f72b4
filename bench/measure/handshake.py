"""CPU time of a handshake of TLS 1.2 with SRP: servers, clients, the engine alone, and the floor of
the arithmetic."""
from dataclasses import dataclass

from . import servers
from .report import Samples, Table, note_who
from .shaking import ENGINE, SOCKETS, add_medians, add_ratios, describe, measure, shake, start
from .tools import PASSWORD, Skipped, user


@dataclass(frozen=True)
class Column:
    """What is measured: bits of the group, full or resumed, and how many a round."""

    title: str
    bits: int
    kind: str
    count: int


COLUMNS = [Column("full 2048", 2048, "full", 40), Column("full 3072", 3072, "full", 20),
           Column("resumed", 2048, "resumed", 100)]
TITLES = [column.title for column in COLUMNS]
PRODUCTS = 72 + 48  # of a full handshake's two tables: g^b and v^u with 16 entries a row

SERVE, LIBSSL, GNUTLS = servers.Serve.name, servers.Libssl.name, servers.Gnutls.name
LIBSSL_ALONE = "libssl alone, in memory"
FLOOR, OURS = "floor: 1 modexp, 120 products", "the engine's arithmetic"
CLIENTS = {"keyplate engine": "shake_keyplate", "libssl": "shake_libssl", "GnuTLS": "shake_gnutls"}


class Handshakes:
    def __init__(self, bench):
        self.bench = bench
        self.server_side, self.client_side = Samples(), Samples()
        self.skipped, self.seen = {}, {}
        self._plain = servers.PlainRelay(bench)
        self._servers = start(servers.ALL, bench, self.skipped)

    def run(self, rounds):
        for _ in range(rounds):
            for column in COLUMNS:
                self._round(column)

    def _round(self, column):
        for server in self._servers:
            got, us = self._shake(server, "shake_libssl", column, column.count)
            self.server_side.add(server.name, column.title, us)
            self.seen[server.name] = describe(got)
            if server.name == SERVE:
                self.client_side.add("libssl", column.title, got["cpu_us"])
        for name in "keyplate engine", "GnuTLS":
            self._client(name, column)
        if column.kind == "resumed":
            _, us = measure(self.bench, self._plain, column.bits, "shake_plain", column.count)
            self.server_side.add(SOCKETS, column.title, us)
        self._alone(column)

    def _client(self, name, column):
        try:
            got, _ = self._shake(self._servers[0], CLIENTS[name], column, column.count // 2)
            self.client_side.add(name, column.title, got["cpu_us"])
        except Skipped as error:
            self.skipped[f"{name}, as client"] = error.why

    def _shake(self, server, client, column, count):
        return shake(self.bench, server, column.bits, client, column.kind, count,
                     "srp", user(column.bits), PASSWORD)

    def _alone(self, column):
        files = {ENGINE: ("memory_keyplate", self.bench.credentials(column.bits)),
                 LIBSSL_ALONE: ("memory_libssl", self.bench.srpv(servers.GROUPS))}
        for row, (program, file) in files.items():
            got = self.bench.run(program, "srp", file, user(column.bits), PASSWORD,
                                 column.count // 2)
            self.server_side.add(row, column.title, got[f"server_{column.kind}_us"])
            self.client_side.add(row, column.title, got[f"client_{column.kind}_us"])
        if column.kind == "full":
            got = self.bench.run("floor", column.bits, column.count)
            self.server_side.add(FLOOR, column.title,
                                 got["modexp_us"] + PRODUCTS * got["product_us"])
            self.server_side.add(OURS, column.title, got["share_us"] + got["secret_us"])

    def tables(self):
        return [self._server_table(), self._client_table()]

    def _server_table(self):
        s, table = self.server_side, Table("TLS 1.2 server, CPU us a handshake", TITLES)
        for kind in servers.ALL:
            add_medians(table, s, kind.name)
        for other in LIBSSL, servers.Apache.name, GNUTLS:
            add_ratios(table, s, SERVE, other)
        table.gap()
        for row in ENGINE, LIBSSL_ALONE:
            add_medians(table, s, row)
        add_ratios(table, s, ENGINE, LIBSSL_ALONE)
        for row in OURS, FLOOR, SOCKETS:
            add_medians(table, s, row)
        table.note("The client is libssl for all of them: connect, handshake, a small request, its "
                   "answer, close_notify, close. serve also connects to its upstream for each.")
        note_who(table, self.seen, self.skipped)
        return table

    def _client_table(self):
        s, table = self.client_side, Table("TLS 1.2 client, CPU us a handshake", TITLES)
        for name in CLIENTS:
            add_medians(table, s, name)
        for other in "libssl", "GnuTLS":
            add_ratios(table, s, "keyplate engine", other)
        table.gap()
        for row in ENGINE, LIBSSL_ALONE:
            add_medians(table, s, row)
        add_ratios(table, s, ENGINE, LIBSSL_ALONE)
        table.note("The server is keyplate serve for all of them.")
        return table

    def judge(self, verdicts):
        s, full, resumed = self.server_side, TITLES[0], TITLES[2]
        floor = s.ratio(FLOOR, LIBSSL, full)
        verdicts.judge("full 2048 by itself, engine / libssl, in memory",
                       s.ratio(ENGINE, LIBSSL_ALONE, full), 0.5)
        verdicts.judge(f"full 2048 with its connection, serve / {LIBSSL}",
                       s.ratio(SERVE, LIBSSL, full), 0.5,
                       missed=floor and f"the floor of the arithmetic is {floor:.2f}, the engine "
                       f"in memory {s.ratio(ENGINE, LIBSSL, full):.2f}; the rest is two "
                       "connections and cold caches")
        verdicts.judge(f"full 2048 with its connection, serve / {GNUTLS}",
                       s.ratio(SERVE, GNUTLS, full), 0.2)
        alone, sockets = (s.median(row, resumed) for row in (ENGINE, SOCKETS))
        verdicts.judge("resumed by itself, engine in memory", alone, 150, 0, " us")
        verdicts.judge("resumed with its connection, serve", s.median(SERVE, resumed), 150, 0,
                       " us", missed=f"the floor is {alone:.0f} us of the engine in memory and "
                       f"{sockets:.0f} us of a blocking relay's sockets")
