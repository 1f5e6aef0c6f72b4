"""bench/soak idle and slow: many who want to be held, and how long a page takes meanwhile for a client
that is in."""
import asyncio
import contextlib
import resource
import time

from .engine import TLS12, TLS13_A, VERSIONS, Connection, connect
from .soak_mix import ERRORS, HANDSHAKE_SECONDS
from .standing import Standing, ended, source

QUIET = 5  # seconds of the probe alone, for scale
AT_ONCE = 8
SLOW = 500
ROOM = 500  # descriptors beside the connections


class Siege:
    """serve and its probe, in quiet first."""

    def __init__(self, build, *options):
        self.standing = Standing(build, *options, every=0.1)

    async def __aenter__(self):
        await self.standing.begin()
        await asyncio.sleep(2)
        self.quiet = self.standing.elapsed()
        await asyncio.sleep(QUIET)
        print(f"a page before it       {self.standing.latency(self.quiet)}", flush=True)
        return self

    async def __aexit__(self, *_):
        await self.standing.end_probe()
        self.status = self.standing.stop()

    def tell(self, what, since):
        print(f"a page {what:<15} {self.standing.latency(since)}", flush=True)

    def verdict(self):
        for at, name, text in self.standing.complaints[:20]:
            print(f"  at {at:.0f} s, {name}: {text}")
        print(f"errors not expected    {len(self.standing.complaints)}   (should be 0)")
        return not self.standing.complaints and self.status == 0

    def complain(self, who, error):
        self.standing.complaints.append((self.standing.elapsed(), who,
                                         f"{type(error).__name__} {error}"))


# ---- Idle ----------------------------------------------------------------------------------------

def can_hold(count):
    """serve wants two descriptors for each of its connections."""
    allowed = (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - ROOM) // 2
    if count > allowed:
        print(f"{allowed} connections, not {count}: ulimit -Hn is too low for more")
    return min(count, allowed)


async def hold(siege, count):
    """So many connections, each proved, half of them of TLS 1.2 by ticket; and what serve held
    before."""
    logins, address = siege.standing.logins, siege.standing.address
    first = await Connection.open(logins[TLS12], address)
    ticket = first.session()
    await first.close()
    held, before = [], siege.standing.sample()
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(index):
        async with gate:
            try:
                held.append(await (Connection.open(logins[TLS13_A], address) if index % 2
                                   else Connection.open(logins[TLS12], address, ticket)))
            except ERRORS as error:
                siege.complain("idle", error)

    await asyncio.gather(*(one(index) for index in range(count)))
    return held, before


async def idle(build, count):
    count = can_hold(count)
    async with Siege(build, "--max-connections", str(count * 6 // 5)) as siege:
        standing, start = siege.standing, time.monotonic()
        since = standing.elapsed()
        held, before = await hold(siege, count)
        print(f"proved and held        {len(held)} in {time.monotonic() - start:.0f} s")
        siege.tell("while they came", since)
        await asyncio.sleep(5)
        since = standing.elapsed()
        after = standing.sample()
        await asyncio.sleep(20)
        siege.tell("with them", since)
        lost = sum(ended(connection.sock) for connection in held)
        print(f"memory of serve        {before.rss // 1024} KiB before, {after.rss // 1024} KiB with "
              f"them: {(after.rss - before.rss) / max(1, len(held)):.0f} bytes a connection")
        print(f"ended meanwhile        {lost}   (should be 0)")
        if lost:
            siege.complain("idle", RuntimeError(f"{lost} proved connections ended"))
        for connection in held:
            connection.abort()
    return siege.verdict()


# ---- Slow ----------------------------------------------------------------------------------------

class Shed:
    """Slow clients: how long each was kept."""

    def __init__(self):
        self.seconds, self.kept = [], 0

    async def one(self, login, address, until):
        while time.monotonic() < until:
            connection = Connection(login, await connect(address, source()))
            start = time.monotonic()
            try:
                await self._drip(connection.sock, connection.hello())
            except ConnectionError:
                pass  # a reset is an end
            finally:
                connection.abort()
            self.seconds.append(time.monotonic() - start)
            self.kept += self.seconds[-1] > HANDSHAKE_SECONDS + 5
            await asyncio.sleep(1)

    async def _drip(self, sock, data):
        loop = asyncio.get_running_loop()
        for byte in data:
            await loop.sock_sendall(sock, bytes([byte]))
            with contextlib.suppress(TimeoutError):
                if not await asyncio.wait_for(loop.sock_recv(sock, 4096), 1):
                    return


async def slow(build, seconds):
    # Shed by the time limit, not by others of their address.
    async with Siege(build, "--max-handshakes", "1000", "--max-per-source", "1000") as siege:
        standing, shed = siege.standing, Shed()
        since, until = standing.elapsed(), time.monotonic() + seconds
        results = await asyncio.gather(
            *(shed.one(standing.logins[VERSIONS[i % 3]], standing.address, until)
              for i in range(SLOW)), return_exceptions=True)
        for error in results:
            if error:
                siege.complain("slow", error)
        siege.tell("with them", since)
        times = sorted(shed.seconds)
        print(f"slow clients shed      {len(times)}, {SLOW} at a time, after {times[0]:.1f} to "
              f"{times[-1]:.1f} s; kept longer than they may: {shed.kept}   (should be 0)")
        if shed.kept:
            siege.complain("slow", RuntimeError(f"{shed.kept} slow clients were kept"))
    return siege.verdict()
