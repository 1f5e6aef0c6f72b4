"""Bytes of flash that an integration takes: of programs and modules that are built for that, for size
as vendors do, stripped."""
import pathlib
import re
import shutil

from support.processes import check

from .tools import Skipped

ROOT = pathlib.Path(__file__).resolve().parents[2]
INTEGRATIONS = ROOT / "integrations"
LEVELS = {"-Os": "s", "-O2": "2"}
SECTIONS = ["-ffunction-sections", "-fdata-sections"]
LINK = ["-Wl,--gc-sections", "-Wl,--as-needed", "-s"]
# The functions by which a server finds a module: all else in it can be left out.
MODULES = {
    "goahead": (["goahead/*.c"], "test/integrations/goahead", "ssl*; keyplate_*", []),
    "mongoose": (["mongoose/*.c"], "test/integrations/mongoose", "mg_tls_*; keyplate_*",
                 ["-DMG_TLS=MG_TLS_CUSTOM"]),
    "uhttpd": (["uhttpd/*.c"], "test/integrations/uhttpd", "ustream_ssl_ops",
               ["-DUBOX_SSL_ENTRIES=11"]),
}
LIBRARIES = ["libcrypto.so.3", "libutf8proc.so.2", "libuv.so.1", "libinih.so.1", "libseccomp.so.2"]


def stripped(program, directory):
    """Bytes of a file without its symbols."""
    copy = directory / f"{program.name}.stripped"
    check(["strip", "-o", copy, program])
    return copy.stat().st_size


class Flash:
    """Of one level of optimisation, with a build of the engine and of serve for that."""

    def __init__(self, build, level):
        self.level = level
        self.build = build / f"cost{level}"
        self.work = self.build / "modules"

    def prepare(self, serve):
        if not (self.build / "build.ninja").exists():
            check(["meson", "setup", self.build, ROOT, "--buildtype=plain",
                   f"-Doptimization={LEVELS[self.level]}", "-Dclient=false", "-Dtests=false",
                   "-Ddemo=false", "-Dutf8proc=disabled", "-Dseccomp=disabled", "-Davahi=disabled",
                   "-Dkeyring=disabled", f"-Dc_args={' '.join(SECTIONS)}",
                   "-Dc_link_args=-Wl,--gc-sections,--as-needed"])
        check(["ninja", "-C", self.build, "lib/libkeyplate.a", *(["keyplate"] if serve else [])],
              timeout=300)
        self.work.mkdir(exist_ok=True)

    def _cc(self, out, *arguments):
        check(["cc", "-std=gnu11", self.level, "-fstack-protector-strong", *SECTIONS, *LINK, "-I",
               ROOT / "include", "-I", INTEGRATIONS / "common", "-o", self.work / out, *arguments])
        return (self.work / out).stat().st_size

    def own_server(self):
        """What the engine adds to it."""
        sources = sorted((INTEGRATIONS / "own-server").glob("*.c"))
        plain = self._cc("own-server-plain", *sources, ROOT / "bench/load/no_tls.c")
        return self._cc("own-server", *sources, self.build / "lib/libkeyplate.a", "-lcrypto") - plain

    def module(self, name):
        patterns, headers, shown, flags = MODULES[name]
        sources = [path for pattern in patterns for path in sorted(INTEGRATIONS.glob(pattern))]
        if not sources or not (ROOT / headers).is_dir():
            raise Skipped("it isn't there")
        script = self.work / f"{name}.map"
        script.write_text(f"{{ global: {shown}; local: *; }};\n")
        return self._cc(f"{name}.so", "-shared", "-fPIC", *flags, f"-Wl,--version-script={script}",
                        "-I", INTEGRATIONS / name, "-I", ROOT / headers, *sources,
                        *sorted((INTEGRATIONS / "common").glob("*.c")),
                        self.build / "lib/libkeyplate.a", "-lcrypto")

    def lighttpd(self, source):
        """source: a lighttpd that is configured; None: none is."""
        if source is None:
            raise Skipped("integrations/lighttpd/build hasn't been run for this build")
        out = self.work / "lighttpd"
        shutil.rmtree(out, ignore_errors=True)
        check(["env", f"CFLAGS={self.level}", "LDFLAGS=-Wl,--as-needed",
               INTEGRATIONS / "lighttpd/build", "--keyplate-build", self.build, "--source", source,
               "--out", out], timeout=120)
        return stripped(out / "mod_keyplate.so", self.work)

    def serve(self):
        return stripped(self.build / "keyplate", self.work)

    def of(self, name, source):
        if name in MODULES:
            return self.module(name)
        return self.lighttpd(source) if name == "lighttpd" else getattr(self, name.replace("-", "_"))()


def libraries():
    """Bytes of what Debian has: None where it isn't."""
    known = dict(re.findall(r"^\s*(\S+) .*=> (\S+)$", check(["ldconfig", "-p"]).out.decode(), re.M))
    return {name: pathlib.Path(known[name]).stat().st_size for name in LIBRARIES if name in known}
