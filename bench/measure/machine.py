"""What the figures were measured on."""
import contextlib
import os
import pathlib
import platform
import re
import subprocess


def describe():
    """Lines: the machine and the versions of what was compared."""
    return [f"{_cpu()}, {os.cpu_count()} CPUs, {platform.system()} {platform.release()}, "
            f"load {os.getloadavg()[0]:.1f}",
            ", ".join(filter(None, map(_version, PROGRAMS)))]


PROGRAMS = {
    "OpenSSL": ["openssl", "version"],
    "GnuTLS": ["gnutls-serv", "--version"],
    "Apache": ["apache2", "-v"],
    "nginx": ["nginx", "-v"],
    "stunnel": ["stunnel4", "-version"],
    "haproxy": ["haproxy", "-v"],
    "hitch": ["hitch", "--version"],
}


@contextlib.contextmanager
def one_cpu():
    """What is started meanwhile shares one CPU, as on a small device. Without other CPUs to wake,
    figures are steadier, and lower."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _cpu():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    found = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    return found[1] if found else platform.machine()


def _version(name):
    try:
        done = subprocess.run(PROGRAMS[name], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    found = re.search(r"\d+\.\d+(\.\d+)?", done.stdout + done.stderr)
    return f"{name} {found[0]}" if found else None
