"""What the kernel counts of other processes: CPU time and memory."""
import pathlib
import time

CPUCLOCK_SCHED = 2  # clock_getcpuclockid(3): the scheduler's nanoseconds


def cpu_us(pids):
    """CPU microseconds that these processes have used, with all their threads, ended ones too."""
    return sum(time.clock_gettime(~pid << 3 | CPUCLOCK_SCHED) for pid in pids) * 1e6


def with_children(pid):
    text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [pid, *map(int, text.split())]


def memory(pids):
    """Resident bytes of these processes: RSS, all; PSS, with shared pages divided among those that
    share them (missing where the kernel doesn't let us see that)."""
    status = [pathlib.Path(f"/proc/{pid}/status").read_text() for pid in pids]
    found = {"RSS": sum(_kilobytes(text, "VmRSS") for text in status)}
    try:
        rollups = [pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids]
    except PermissionError:
        return found
    return {"RSS": sum(_kilobytes(text, "Rss") for text in rollups),
            "PSS": sum(_kilobytes(text, "Pss") for text in rollups)}


def private(pids):
    """Bytes that these processes have written to, and share with nobody: what a device has to have
    for them."""
    rollups = [pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids]
    return sum(_kilobytes(text, "Private_Dirty") for text in rollups)


def _kilobytes(text, key):
    line = next(line for line in text.splitlines() if line.startswith(f"{key}:"))
    return int(line.split()[1]) * 1024
