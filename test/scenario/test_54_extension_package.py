"""Goal: what is given to browsers is what is in the tree and nothing else, the same bytes whoever
packs it; and an extension that asks for more, or that could run or reach what isn't in it, is found.

browser/package and scripts/check_extension, on copies of the sources in which something is wrong.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

from gateways import ROOT

EXTENSION = ROOT / "browser" / "extension"
KINDS = {"chromium": "zip", "firefox": "xpi"}


class Tree:
    """A copy of what is packed, and of what packs and checks it."""

    def __init__(self, folder):
        self.top = folder / "tree"
        self.out = folder / "out"
        (self.top / "scripts").mkdir(parents=True)
        shutil.copytree(ROOT / "browser", self.top / "browser",
                        ignore=shutil.ignore_patterns("__pycache__"))
        (self.top / "doc").mkdir()
        shutil.copy(ROOT / "doc" / "extension.md", self.top / "doc")
        shutil.copy(ROOT / "meson.build", self.top)
        shutil.copy(ROOT / "scripts" / "check_extension", self.top / "scripts")
        self.source = self.top / "browser" / "extension"

    def run(self, *command, **more):
        return subprocess.run([str(part) for part in command], capture_output=True, text=True,
                              check=False, timeout=120, **more)

    def package(self, folders=False, **more):
        return self.run(sys.executable, self.top / "browser" / "package",
                        *(["--folders"] if folders else []), self.out, **more)

    def packed(self):
        done = self.package()
        assert done.returncode == 0, done.stderr
        return {kind: next(self.out.glob(f"keyplate-{kind}-*.{suffix}"))
                for kind, suffix in KINDS.items()}

    def check(self):
        return self.run(sys.executable, self.top / "scripts" / "check_extension", "--offline", self.out)

    def write(self, name, text):
        path = self.source / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def add(self, name, text):
        """Text at the end of a file of that suffix, or a line in the head of a page."""
        path = self.source / name
        path.write_text(path.read_text() + "\n" + text + "\n")

    def manifest(self, change):
        path = self.source / "manifest.json"
        manifest = json.loads(path.read_text())
        change(manifest)
        path.write_text(json.dumps(manifest))


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)


def test_the_same_bytes(tree, tmp_path):
    first = {kind: path.read_bytes() for kind, path in tree.packed().items()}
    assert all(path.stat().st_size > 1000 for path in tree.out.iterdir())
    # Another folder, time, mode, order and language.
    other = Tree(tmp_path / "other")
    for path in sorted(other.source.rglob("*"), reverse=True):
        os.utime(path, (1_000_000_000, 1_000_000_000))
        path.chmod(0o700 if path.is_dir() else 0o600)
    other.out = tmp_path / "out2"
    done = other.package(cwd="/", umask=0o077, env={**os.environ, "TZ": "Asia/Tokyo", "LC_ALL": "C"})
    assert done.returncode == 0, done.stderr
    for kind, suffix in KINDS.items():
        path = next(other.out.glob(f"keyplate-{kind}-*.{suffix}"))
        assert path.read_bytes() == first[kind], kind


def test_what_each_browser_gets(tree):
    packed = tree.packed()
    assert sorted(path.name for path in tree.out.iterdir()) == sorted(path.name for path in packed.values())
    whole = json.loads((tree.source / "manifest.json").read_text())
    names = sorted(path.relative_to(tree.source).as_posix() for path in tree.source.rglob("*") if path.is_file())
    for kind, path in packed.items():
        assert path.name == f"keyplate-{kind}-{whole['version']}.{KINDS[kind]}"
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None and archive.namelist() == names
            for entry in archive.infolist():
                assert entry.date_time[0] == 1980 and entry.external_attr >> 16 == 0o100644
                if entry.filename != "manifest.json":
                    assert archive.read(entry) == (tree.source / entry.filename).read_bytes()
            manifest = json.loads(archive.read("manifest.json"))
        background = dict(whole["background"])
        foreign = ("browser_specific_settings", "page_action") if kind == "chromium" else (
            "key", "minimum_chrome_version")
        del background["scripts" if kind == "chromium" else "service_worker"]
        wanted = {**whole, "background": background}
        assert manifest == {name: value for name, value in wanted.items() if name not in foreign}


def test_folders_to_load_from(tree):
    assert tree.package(True).returncode == 0
    for kind in KINDS:
        assert (tree.out / f"keyplate-{kind}" / "popup" / "popup.html").is_file()
    # Once more, over what was there; but not over a folder of somebody else's.
    (tree.out / "keyplate-firefox" / "popup" / "old.js").write_text("1\n")
    assert tree.package(True).returncode == 0
    assert not (tree.out / "keyplate-firefox" / "popup" / "old.js").exists()
    shutil.rmtree(tree.out / "keyplate-firefox")
    (tree.out / "keyplate-firefox").mkdir()
    (tree.out / "keyplate-firefox" / "diary").write_text("mine\n")
    assert tree.package(True).returncode == 1
    assert (tree.out / "keyplate-firefox" / "diary").exists()


def set_gecko(manifest):
    manifest["browser_specific_settings"]["gecko"]["id"] = "other@keyplate.org"


@pytest.mark.parametrize("spoil, why", [
    (lambda t: t.write(".DS_Store", "x"), "doesn't belong"),
    (lambda t: t.write("popup/popup.js~", "x"), "doesn't belong"),
    (lambda t: t.write("popup/popup.js.map", "{}"), "doesn't belong"),
    (lambda t: t.write("popup/Popup.js", "1;"), "doesn't belong"),
    (lambda t: t.write("background/notes.html", "x"), "doesn't belong"),
    (lambda t: t.write("shared/data.json", "{}"), "doesn't belong"),
    (lambda t: t.write("package.json", "{}"), "doesn't belong"),
    (lambda t: t.write("key.pem", "x"), "doesn't belong"),
    (lambda t: t.write("popup/empty.js", ""), "is empty"),
    (lambda t: t.write("node_modules/a.js", "1;"), "is no room"),
    (lambda t: (t.source / "icons" / "more.png").symlink_to("/etc/passwd"), "is a link"),
    (lambda t: (t.source / "popup" / "popup.html").unlink(), "names popup/popup.html, which isn't there"),
    (lambda t: (t.source / "manifest.json").unlink(), "no manifest.json"),
    (lambda t: t.write("manifest.json", "{"), "manifest.json:"),
    (lambda t: t.write("manifest.json", '{"key": "a", "key": "b"}'), "twice"),
    (lambda t: t.manifest(lambda m: m.update(key=m["key"][:-4] + "AQAA")), "chromium_key"),
    (lambda t: t.manifest(lambda m: m.pop("key")), "chromium_key"),
    (lambda t: t.manifest(set_gecko), "firefox_id"),
    (lambda t: t.manifest(lambda m: m.update(version="0.0.1")), "of version 0.0.1"),
    (lambda t: (t.top / "meson.build").write_text("project('keyplate', 'c', version: '9.9.9')\n"),
     "meson.build of 9.9.9"),
    (lambda t: (t.top / "browser" / "ids").write_text(
        (t.top / "browser" / "ids").read_text().replace("chromium_id = ", "chromium_id = a", 1)), "chromium_id"),
])
def test_what_does_not_fit_is_not_packed(tree, spoil, why):
    spoil(tree)
    done = tree.package()
    assert done.returncode == 1 and why in done.stderr and "Traceback" not in done.stderr, done.stderr
    assert not tree.out.exists()


def test_the_extension_as_it_is(tree):
    done = tree.check()
    assert done.returncode == 0, done.stdout + done.stderr


def policy(**changes):
    """A change of the policy of the extension's pages."""
    def change(manifest):
        rules = dict(rule.split(None, 1) for rule in
                     manifest["content_security_policy"]["extension_pages"].split("; "))
        rules.update((name.replace("_", "-"), value) for name, value in changes.items())
        manifest["content_security_policy"]["extension_pages"] = "; ".join(
            f"{name} {value}" for name, value in rules.items() if value)
    return change


@pytest.mark.parametrize("change, why", [
    (lambda m: m["host_permissions"].append("<all_urls>"), "<all_urls> is among"),
    (lambda m: m["host_permissions"].append("http://*/*"), "http://*/* is among its host_permissions"),
    (lambda m: m["permissions"].append("tabs"), "tabs is among"),
    (lambda m: m["permissions"].append("webRequest"), "webRequest is among"),
    (lambda m: m["optional_host_permissions"].append("<all_urls>"), "<all_urls> is among"),
    (lambda m: m.update(optional_permissions=["history"]), "it has optional_permissions"),
    (lambda m: m.update(content_scripts=[{"matches": ["http://*/*"], "js": ["words.js"]}]), "content_scripts"),
    (lambda m: m.update(web_accessible_resources=[]), "web_accessible_resources"),
    (lambda m: m.update(externally_connectable={"matches": ["https://keyplate.org/*"]}), "externally_connectable"),
    (lambda m: m.update(update_url="https://example.org/"), "update_url"),
    (lambda m: m.update(manifest_version=2), "version 3"),
    (lambda m: m.pop("incognito"), "private windows"),
    (lambda m: m.pop("content_security_policy"), "a policy of other pages, or none"),
    (lambda m: m["content_security_policy"].update(sandbox="script-src *"), "a policy of other pages"),
    (policy(script_src="'self' 'unsafe-eval'"), "script-src 'self' 'unsafe-eval'"),
    (policy(script_src="'self' https://example.org"), "script-src"),
    (policy(connect_src="'self'"), "connect-src"),
    (policy(default_src="'self'"), "default-src 'self'"),
    (policy(frame_ancestors=None), "lacks frame-ancestors"),
    (policy(base_uri=None), "lacks base-uri"),
    (policy(form_action=None), "lacks form-action"),
    (policy(img_src="'self' data:"), "img-src"),
])
def test_more_than_it_needs_is_found(tree, change, why):
    tree.manifest(change)
    done = tree.check()
    assert done.returncode == 1 and why in done.stderr and "Traceback" not in done.stderr, done.stderr


@pytest.mark.parametrize("name, text, why", [
    ("background/main.js", "eval('1');", "becomes a program"),
    ("background/main.js", "const f = new Function('return 1');", "becomes a program"),
    ("background/main.js", "setTimeout('f()', 1);", "becomes a program"),
    ("background/main.js", "node.innerHTML = text;", "becomes a page"),
    ("background/main.js", "node.insertAdjacentHTML('beforeend', text);", "becomes a page"),
    ("background/main.js", "document.write(text);", "becomes a page"),
    ("background/main.js", "fetch('https://example.org/');", "reaches out"),
    ("background/main.js", "/* seen */ fetch('https://example.org/');", "reaches out"),
    ("background/main.js", "const s = new WebSocket('wss://example.org/');", "reaches out"),
    ("background/main.js", "await import('./more.js');", "loaded"),
    ("background/main.js", "api.scripting.executeScript({});", "loaded"),
    ("background/main.js", "api.storage.sync.set({});", "leave this computer"),
    ("background/main.js", "api.runtime.onMessageExternal.addListener(f);", "others could speak"),
    ("background/main.js", "import { a } from 'https://example.org/a.js';", "https://example.org/a.js isn't"),
    ("background/main.js", "import '../shared/nowhere.js';", "../shared/nowhere.js isn't"),
    ("background/main.js", "export { a } from '../../../ids.js';", "../../../ids.js isn't"),
    ("background/main.js", "import {\n  a,\n} from 'other';", "other isn't"),
    ("popup/popup.html", "<script src='https://example.org/a.js'></script>", "https://example.org/a.js isn't"),
    ("popup/popup.html", "<script>let a;</script>", "stands in the page"),
    ("popup/popup.html", "<img src=//example.org/a.png alt=''>", "//example.org/a.png isn't"),
    ("popup/popup.html", "<p onclick='f()'>a</p>", "the policy forbids"),
    ("popup/popup.html", "<p style='color: red'>a</p>", "the policy forbids"),
    ("popup/popup.html", "<iframe></iframe>", "no place here"),
    ("popup/popup.html", "<form action='https://example.org/'></form>", "no place here"),
    ("popup/popup.html", "<a href='https://example.org/'>a</a>", "https://example.org/ isn't"),
    ("shared/look.css", "@import 'https://example.org/a.css';", "https://example.org/a.css isn't"),
    ("shared/look.css", "p { background: url(https://example.org/a.png); }", "https://example.org/a.png isn't"),
    ("icons/proved.svg", "<script>1</script>", "stands in the page"),
    ("icons/proved.svg", "<image href='https://example.org/a.png'/>", "https://example.org/a.png isn't"),
])
def test_what_could_run_or_reach_other_things_is_found(tree, name, text, why):
    tree.add(name, text)
    done = tree.check()
    assert done.returncode == 1 and why in done.stderr and "Traceback" not in done.stderr, done.stderr
    assert name in done.stderr


def test_a_permission_that_nobody_explains(tree):
    manual = tree.top / "doc" / "extension.md"
    manual.write_text(manual.read_text().replace("`browsingData`", "browsing data"))
    done = tree.check()
    assert done.returncode == 1 and "browsingData isn't explained" in done.stderr


def test_the_manual_has_the_words_of_the_box():
    """What a person sees is what is looked for in the manual."""
    said = (EXTENSION / "words.js").read_text() + (ROOT / "gateway" / "client" / "words.c").read_text()
    said = re.sub(r"'\s*\+\s*'|\"\s*\n\s*\"", "", said).replace("’", "'").lower()
    manual = (ROOT / "doc" / "extension.md").read_text()
    prose = re.sub(r"\s+", " ", manual)
    rows = re.findall(r"^\| ([A-Z][^|]+) \|", manual.split("| the box says |")[1], re.M)
    quoted = re.findall(r'"((?:Open it|Try it|Try again|Check this|Log out|Forget|Keyplate can)[^"]*?)\.?"', prose)
    assert len(rows) > 8 and len(quoted) > 4
    for words in rows + quoted:
        assert words.lower() in said, words


def test_a_picture_that_is_none(tree):
    (tree.source / "icons" / "idle-16.png").write_bytes(b"<svg/>")
    done = tree.check()
    assert done.returncode == 1 and "icons/idle-16.png:1: it is no PNG" in done.stderr


def test_a_script_that_is_none(tree):
    if shutil.which("node") is None or int(
            subprocess.run(["node", "-p", "process.versions.node"], capture_output=True, check=True,
                           text=True).stdout.split(".")[0]) < 20:
        pytest.skip("node is missing or old")
    tree.add("background/main.js", "const = 1;")
    done = tree.check()
    assert done.returncode == 1 and "node --check" in done.stderr, done.stderr


def test_unit_tests_that_fail(tree):
    if shutil.which("node") is None:
        pytest.skip("node isn't installed")
    folder = tree.top / "test" / "browser" / "unit"
    folder.mkdir(parents=True)
    (folder / "x.test.mjs").write_text("import test from 'node:test';\ntest('x', () => { throw new Error('no'); });\n")
    done = tree.check()
    assert done.returncode == 1 and "node --test" in done.stderr or "Node is missing or old" in done.stdout
