"""Stock browsers, driven: Chromium and Firefox as test/browser/driver.mjs has them."""
import json
import os
import select
import shutil
import subprocess

import pytest

from gateways import BUILD, ROOT

DRIVER = ROOT / "test" / "browser" / "driver.mjs"
PROGRAMS = {"chromium": "chromium", "firefox": "firefox-esr"}


def modules():
    """The folder of what drives browsers, made at first."""
    folder = BUILD / "browser"
    done = subprocess.run([ROOT / "test" / "browser" / "setup", folder], capture_output=True,
                          text=True, timeout=300, check=False)
    if done.returncode != 0:
        pytest.skip(f"browsers can't be driven: {done.stderr}")
    return folder / "node_modules"


class Browser:
    """kind: of PROGRAMS.  It has pages (tabs) by name."""

    def __init__(self, kind, folder):
        for program in ("node", PROGRAMS[kind]):
            if shutil.which(program) is None:
                pytest.skip(f"{program} isn't installed")
        self.kind = kind
        home = folder / kind
        home.mkdir()
        self.log = open(folder / f"{kind}.log", "wb")
        self.process = subprocess.Popen(
            ["timeout", "-k", "5", "900", "node", DRIVER, kind, home / "profile"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, bufsize=0,
            env={**os.environ, "HOME": str(home), "KEYPLATE_NODE_MODULES": str(modules())})
        self.rest = b""
        self.version = self.answer(60)

    def answer(self, seconds):
        while b"\n" not in self.rest:
            ready, _, _ = select.select([self.process.stdout], [], [], seconds)
            piece = os.read(self.process.stdout.fileno(), 1 << 20) if ready else b""
            assert piece, f"{self.kind} doesn't answer: see {self.log.name}"
            self.rest += piece
        line, self.rest = self.rest.split(b"\n", 1)
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer["value"]

    def do(self, what, page="main", **more):
        line = json.dumps({"do": what, "page": page, **more})
        self.process.stdin.write(line.encode() + b"\n")
        return self.answer(70)

    def goto(self, url, page="main", how="goto"):
        """The status of the answer; 0: the browser shows a page of its own."""
        return self.do("goto", page, url=url, how=how)

    def look(self, page="main"):
        """Title and text."""
        return self.do("look", page)["text"]

    def where(self, page="main"):
        return self.do("look", page)["url"]

    def run(self, code, it=None, page="main"):
        return self.do("run", page, code=code, it=it)

    def until(self, code, page="main"):
        return self.do("until", page, code=code)

    def shot(self, path, size, page="main"):
        self.do("shot", page, path=str(path), width=size[0], height=size[1])

    def stop(self):
        """timeout passes the signal on to all that the driver has started."""
        try:
            self.process.stdin.close()
            self.process.wait(10)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self.process.terminate()
            self.process.wait(10)
        self.process.stdout.close()
        self.log.close()
