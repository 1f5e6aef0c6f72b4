"""A network namespace of one's own, for servers that cannot be told to bind loopback only."""
import os
import subprocess


class Namespace:
    """Lives as long as a process that holds it open: nothing is left behind when the tests die.
    Raises OSError where neither root nor user namespaces allow one.
    own_run: with an empty /run of its own. beside: another one, whose network can be joined."""

    def __init__(self, own_run=False, beside=None):
        reasons = []
        mount = ["-m"] if own_run else []
        begin = "ip link set lo up && "
        if own_run:
            begin += "mount -t tmpfs tmpfs /run && mkdir -m 755 /run/dbus && "
        for flags, enter in self._ways(beside):
            self._holder = subprocess.Popen(
                [*flags, *mount, "sh", "-c", begin + "echo up && exec cat"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            if self._holder.stdout.readline() == b"up\n":
                self.user = enter
                self.pid = self._holder.pid
                self._enter = ["nsenter", "-t", str(self.pid), *enter, "-n", *mount, "--"]
                return
            reasons.append(self._holder.stderr.read().decode().strip())
            self.stop()
        raise OSError("no network namespace: " + "; ".join(reasons))

    @staticmethod
    def _ways(beside):
        own_user = ["-U", "--preserve-credentials"]
        if beside is None:
            return [(["unshare", "-n"], []), (["unshare", "-rn"], own_user)]
        # A link reaches from one to the other only where one user rules both.
        into = ["nsenter", "-t", str(beside.pid), *beside.user, "--"] if beside.user else []
        return [([*into, "unshare", "-n"], beside.user)]

    def argv(self, argv):
        """argv, to be run inside."""
        return [*self._enter, *map(os.fspath, argv)]

    def stop(self):
        self._holder.stdin.close()
        self._holder.wait(5)
        self._holder.stdout.close()
        self._holder.stderr.close()


class Pair:
    """Two of them, joined by a cable: "near" at both ends."""

    def __init__(self, own_run=False):
        self.ends = [Namespace(own_run)]
        try:
            self.ends.append(Namespace(own_run, self.ends[0]))
            self._run(0, "link", "add", "near", "type", "veth", "peer", "name", "near", "netns",
                      str(self.ends[1].pid))
            for i in 0, 1:
                self._run(i, "address", "add", f"192.0.2.{i + 1}/24", "dev", "near")
                self._run(i, "link", "set", "near", "up")
        except (OSError, subprocess.CalledProcessError) as error:
            self.stop()
            raise OSError(f"no pair of network namespaces: {error}") from error

    def _run(self, i, *args):
        subprocess.run(self.ends[i].argv(["ip", *args]), check=True, capture_output=True)

    def stop(self):
        for end in self.ends:
            end.stop()
