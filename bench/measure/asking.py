"""One client's small requests through one proxy."""
import contextlib
import time

from .process import cpu_us
from .tools import figures

KEPT, RESUMED = "kept", "resumed"  # of load/ask.c
SETTLE = 0.05


def ask(bench, proxy, mode, count, watch=contextlib.nullcontext):
    """What was negotiated, and the proxy's CPU microseconds for one request. watch(pids): a context
    around the requests."""
    with bench.warmed(f"ask_{proxy.client}", proxy.address, *proxy.how, mode, count) as process:
        negotiated = process.stdout.readline()
        time.sleep(SETTLE)
        pids = proxy.pids()
        with watch(pids):
            before = cpu_us(pids)
            _go(process)
            done = figures(process.stdout.readline())
            time.sleep(SETTLE)
            used = cpu_us(pids) - before
        if mode == KEPT:
            _go(process)
    if done.get("asked") != count:
        raise RuntimeError(f"{proxy.name} answered {done.get('asked', 0):g} of {count} requests")
    return figures(negotiated), used / count


def _go(process):
    process.stdin.write("\n")
    process.stdin.flush()
