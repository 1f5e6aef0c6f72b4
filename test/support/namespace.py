"""A network namespace of one's own, for servers that cannot be told to bind loopback only."""
import os
import subprocess


class Namespace:
    """Lives as long as a process that holds it open: nothing is left behind when the tests die.
    Raises OSError where neither root nor user namespaces allow one."""

    def __init__(self):
        reasons = []
        for flags, enter in (["-n"], ["-n"]), (["-rn"], ["-U", "-n", "--preserve-credentials"]):
            self._holder = subprocess.Popen(
                ["unshare", *flags, "sh", "-c", "ip link set lo up && echo up && exec cat"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            if self._holder.stdout.readline() == b"up\n":
                self._enter = ["nsenter", "-t", str(self._holder.pid), *enter, "--"]
                return
            reasons.append(self._holder.stderr.read().decode().strip())
            self.stop()
        raise OSError("no network namespace: " + "; ".join(reasons))

    def argv(self, argv):
        """argv, to be run inside."""
        return [*self._enter, *map(os.fspath, argv)]

    def stop(self):
        self._holder.stdin.close()
        self._holder.wait(5)
        self._holder.stdout.close()
        self._holder.stderr.close()
