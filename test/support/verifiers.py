"""Verifier files made by the tools of other implementations: `openssl srp` and `srptool`."""
import os
import pty
import select
import signal
import time

from .processes import check

# srptool's numbers for the groups of RFC 5054 that it can use.
SRPTOOL_INDEX = {1536: 2, 2048: 3, 3072: 4, 4096: 5, 8192: 7}


DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz./"


def _begins_with_zero(salt, length):
    """Both tools draw such a salt once in 256 times, and no OpenSSL client can use it."""
    number = 0
    for digit in salt:
        number = number * 64 + DIGITS.index(digit)
    return number < 256 ** (length - 1)


def openssl_srpv(path, users):
    """Writes an OpenSSL verifier file; users: (name, password, bits). `openssl srp` wants passwords
    of four characters or more."""
    path.write_text("")
    for name, password, bits in users:
        check(["openssl", "srp", "-srpvfile", path, "-add", "-gn", str(bits),
               "-passout", f"pass:{password}", name])
    rows = path.read_text().splitlines()
    assert len(rows) == len(users), f"openssl srp made {len(rows)} rows"
    if any(_begins_with_zero(row.split("\t")[2], 20) for row in rows):
        return openssl_srpv(path, users)
    return path


def gnutls_tpasswd(directory, users):
    """Writes tpasswd and tpasswd.conf; returns both paths. users: (name, password, bits)."""
    passwd, conf = directory / "tpasswd", directory / "tpasswd.conf"
    passwd.unlink(missing_ok=True)
    check(["srptool", "--create-conf", conf])
    for name, password, bits in users:
        _srptool(["srptool", "--passwd", passwd, "--passwd-conf", conf, "-u", name,
                  "-i", str(SRPTOOL_INDEX[bits])], password)
    rows = passwd.read_text().splitlines()
    assert len(rows) == len(users), f"srptool made {len(rows)} rows"
    if any(_begins_with_zero(row.split(":")[2], 16) for row in rows):
        return gnutls_tpasswd(directory, users)
    return passwd, conf


def _srptool(argv, password, timeout=20):
    """srptool takes passwords from its terminal only, and drops what was typed before it asks."""
    pid, terminal = pty.fork()
    if pid == 0:
        try:
            os.execvp(argv[0], [str(a) for a in argv])
        finally:
            os._exit(127)
    seen, asked, deadline = b"", 0, time.monotonic() + timeout
    try:
        while True:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
                raise TimeoutError(f"srptool: {seen!r}")
            if not select.select([terminal], [], [], 0.5)[0]:
                continue
            try:
                chunk = os.read(terminal, 4096)
            except OSError:  # EIO: srptool has ended
                chunk = b""
            if not chunk:
                break
            seen += chunk
            if seen.lower().count(b"password: ") > asked:
                asked += 1
                os.write(terminal, password.encode() + b"\n")
    finally:
        os.close(terminal)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert status == 0, f"srptool: status {status}, {seen!r}"
