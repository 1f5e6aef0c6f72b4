"""What the sections of handshakes share: one client's run against one server, and their rows."""
import time

from .process import cpu_us
from .tools import Skipped, figures

SETTLE = 0.03  # seconds in which a server finishes what a client doesn't wait for
ENGINE = "engine alone, in memory"
SOCKETS = "floor: a plain relay's sockets"


def shake(bench, server, bits, client, kind, count, *how):
    """As measure() with a client of load/shake.c; nothing else than kind may have happened."""
    got, us = measure(bench, server, bits, client, *how, kind, count)
    if got["resumed"] != (count if kind == "resumed" else 0):
        raise RuntimeError(f"{server.name}: {got['resumed']:g} of {count} were resumed")
    return got, us


def measure(bench, server, bits, client, *arguments):
    """Runs a client whose last argument is how often: its figures, and the server's CPU
    microseconds for one handshake."""
    with bench.warmed(client, server.address(bits), *arguments, wrap=server.wrap) as process:
        negotiated = process.stdout.readline()
        time.sleep(SETTLE)
        pids = server.pids(bits)
        before = cpu_us(pids)
        process.stdin.write("\n")
        process.stdin.flush()
        result = process.stdout.readline()
    time.sleep(SETTLE)
    return figures(negotiated + result), (cpu_us(pids) - before) / arguments[-1]


def start(kinds, bench, skipped):
    """Those that can run; skipped gets {name: why} of the others."""
    running = []
    for kind in kinds:
        try:
            running.append(kind(bench))
        except Skipped as error:
            skipped[kind.name] = error.why
    return running


def describe(got):
    """What was negotiated."""
    line = f"{got['protocol']} {got['suite']}"
    if "group" in got:
        return f"{line}, key exchange {got['group']}"
    return (f"{line}, encrypt-then-MAC {_yes(got['etm'])}, extended master secret "
            f"{_yes(got['ems'])}")


def _yes(flag):
    return "yes" if flag else "no"


def add_medians(table, samples, row, digits=0):
    table.add(row, [samples.median(row, title) for title in table.columns], digits)


def add_ratios(table, samples, row, other):
    table.add(f"  {row} / {other}",
              [samples.ratio(row, other, title) for title in table.columns], 2)
