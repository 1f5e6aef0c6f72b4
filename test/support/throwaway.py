"""This machine, to be changed at will: its file system under a layer that is thrown away, with own
processes and an own network.  Nothing that is done inside is seen outside, or stays."""
import os
import subprocess

# The folder that is shared is the one thing in the new /tmp; /run is empty, so nothing inside takes
# itself for a machine that runs systemd.  The shell stays, to take leave of processes that were left.
BEGIN = """
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mkdir -p "$1/root$2"
mount -t proc proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
mount --rbind /sys "$1/root/sys"
mount -t tmpfs -o mode=755 tmpfs "$1/root/run"
mount -t tmpfs -o mode=1777 tmpfs "$1/root/tmp"
mkdir "$1/root/tmp/share"
mount --bind "$2" "$1/root/tmp/share"
cd "$1/root"
pivot_root . mnt
cd /
umount -l /mnt
ip link set lo up
echo up
cat
"""
OWN = ["-m", "-n", "-p", "-i", "-u"]


class Throwaway:
    """Lives as long as a process that holds it open: nothing is left behind when the tests die.
    folder: an empty one.  share: what is /tmp/share inside.  Raises OSError where it can't be."""

    def __init__(self, folder, share):
        if os.geteuid() != 0:
            raise OSError("only root can lay a file system over this machine's")
        self._holder = subprocess.Popen(
            ["unshare", *OWN, "--fork", "--kill-child", "sh", "-c", BEGIN, "sh", folder, share],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if self._holder.stdout.readline() != b"up\n":
            reason = self._holder.stderr.read().decode().strip()
            self.stop()
            raise OSError(f"no file system can be laid over this machine's: {reason}")
        with open(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children",
                  encoding="ascii") as children:
            self._enter = ["nsenter", "-t", children.read().split()[0], *OWN, "--"]
        self._environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                             "HOME": "/root", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}

    def tried(self, *command, timeout=300, **more):
        """What became of it."""
        return subprocess.run([*self._enter, *map(str, command)], capture_output=True, text=True, check=False,
                              timeout=timeout, env={**self._environment, **more.pop("env", {})}, **more)

    def run(self, *command, **more):
        """What it printed; anything but status 0 is an error."""
        done = self.tried(*command, **more)
        assert done.returncode == 0, f"{command}: status {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def start(self, *command, log):
        return Inside(self, command, log)

    def open(self, command, log):
        """Popen of it, for Inside: its first line of output tells which process it is inside."""
        with open(log, "wb") as err:
            return subprocess.Popen(
                [*self._enter, "sh", "-c", 'echo $$; exec "$@" >&2', "sh", *map(str, command)],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=err, env=self._environment)

    def has(self, path):
        return self.tried("test", "-e", path).returncode == 0

    def write(self, path, text):
        self.run("tee", path, input=text)

    def stop(self):
        """All that runs inside ends with it."""
        self._holder.stdin.close()
        self._holder.wait(10)
        self._holder.stdout.close()
        self._holder.stderr.close()


class Inside:
    """A program that runs inside.  A signal to who entered the namespaces for it wouldn't reach it."""

    def __init__(self, machine, command, log):
        self._machine = machine
        self._process = machine.open(command, log)
        self._pid = self._process.stdout.readline().strip().decode()
        self._process.stdout.close()

    def stop(self, seconds=60):
        self._machine.tried("kill", "-TERM", self._pid)
        self._process.wait(seconds)
