"""bench/soak SECONDS: the mixed load, what serve holds meanwhile, and what came of it."""
import asyncio
import contextlib
import csv
import signal
import time

from .soak_mix import HANDSHAKE_SECONDS, Mix
from .standing import Standing

SAMPLE_SECONDS = 10
WARM_MAX = 300  # seconds, or a quarter of a short run
PAUSE = HANDSHAKE_SECONDS + 5  # until what was half-open has been shed
SHOWN = 20


def slope(samples):
    """RSS over time by least squares: bytes a second."""
    count = len(samples)
    if count < 2:
        return 0.0
    mean_at = sum(sample.at for sample in samples) / count
    mean_rss = sum(sample.rss for sample in samples) / count
    spread = sum((sample.at - mean_at) ** 2 for sample in samples)
    return sum((sample.at - mean_at) * (sample.rss - mean_rss) for sample in samples) / spread


class Hour:
    def __init__(self, build, seconds):
        self.standing, self.seconds = Standing(build), seconds
        self.mix, self.csv = Mix(self.standing), build / "soak.csv"
        self.start = self.end = None
        self._over = asyncio.Event()

    async def run(self):
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._over.set)
        await self.standing.begin()
        await asyncio.sleep(2)  # the probe is in
        self.start = self.standing.sample()
        await self.mix.begin()
        with self.csv.open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["seconds", "rss_bytes", "descriptors", "clients", "cpu_seconds",
                           "done", "errors"])
            await self._watch(rows, file)
        await self.mix.end()
        await asyncio.sleep(PAUSE)
        self.end = self.standing.sample()
        await self.standing.end_probe()

    async def _watch(self, rows, file):
        begun = time.monotonic()
        while time.monotonic() - begun < self.seconds and not self._over.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), min(SAMPLE_SECONDS, self.seconds))
            sample = self.standing.sample()
            rows.writerow([f"{sample.at:.1f}", sample.rss, sample.descriptors, self.mix.open,
                           f"{sample.cpu:.3f}", sum(self.mix.done.values()),
                           len(self.mix.errors)])
            file.flush()

    def report(self, status):
        mix, standing = self.mix, self.standing
        warm = [sample for sample in standing.samples[1:-1]
                if sample.at >= min(WARM_MAX, self.seconds / 4)]
        print(f"\n{self.end.at - PAUSE - self.start.at:.0f} s of mixed load; samples in {self.csv}")
        for name, count in sorted(mix.done.items()):
            excused = mix.excused[name]
            note = f"   ({excused} more met the upstream's restart)" if excused else ""
            print(f"  {name:<20} {count:8}{note}")
        print(f"done                   {sum(mix.done.values()):8}")
        print(f"errors not expected    {len(mix.errors):8}   (should be 0)")
        for at, name, text in mix.errors[:SHOWN]:
            print(f"  at {at:.0f} s, {name}: {text}")
        if warm:
            print(f"RSS                    {warm[0].rss // 1024} KiB warm, {warm[-1].rss // 1024} "
                  f"KiB at the end, {slope(warm) * 3600 / 1024:+.0f} KiB an hour "
                  f"({len(warm)} samples)")
        print(f"descriptors            {self.start.descriptors} at the start, "
              f"{max(s.descriptors for s in standing.samples)} at most, {self.end.descriptors} "
              f"when all were gone")
        last = standing.samples[-2]
        print(f"CPU of serve           {100 * (last.cpu - self.start.cpu) / (last.at - self.start.at):.1f} "
              f"% of one")
        print(f"a page, proved client  {standing.latency(until=last.at)}")
        if status != 0:
            print(f"serve ended with status {status}")
        kept = self.end.descriptors > self.start.descriptors
        if kept:
            print("descriptors were kept")
        return not mix.errors and not kept and status == 0


async def run(build, seconds):
    hour = Hour(build, seconds)
    status = None
    try:
        await hour.run()
    finally:
        status = hour.standing.stop()
    return hour.report(status)
