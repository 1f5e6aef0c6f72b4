"""Goal of this test: what the pages for vendors and for who would follow us name is there: files, tests,
commands with their options, and the sentences that a support desk looks up."""
import functools
import pathlib
import re
import subprocess

import pytest

from gateways import KEYPLATE

TOP = pathlib.Path(__file__).resolve().parents[2]
PAGES = [TOP / "doc" / "vendors.md", TOP / "doc" / "roadmap.md"]
ROOMS = ("bench", "browser", "build/bench", "cmd", "demo", "doc", "factory", "gateway", "include",
         "integrations", "lib", "packaging", "scripts", "test")
OF_OTHERS = {"--tls-max", "--tlsuser", "--tlspassword"}  # curl's
ROOMS_OF_OTHERS = {"lib/ssl", "lib/freebl", "lib/softoken"}  # NSS's

page = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)


def slug(heading):
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def headings(path):
    return {slug(line) for line in re.findall(r"^#+ (.*)$", path.read_text(), re.M)}


def code(text):
    """What stands between backticks, and the lines that are indented by four."""
    return re.findall(r"`([^`\n]+)`", text) + re.findall(r"^    (\S.*)$", text, re.M)


def wrong_links(text):
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        name, _, anchor = target.partition("#")
        path = (TOP / "doc" / name).resolve() if name else None
        if path and not path.exists():
            yield f"{target}: no such file"
        elif anchor and path and anchor not in headings(path):
            yield f"{target}: no such heading"


def is_there(name):
    """A file of the tree, or a program that bench/meson.build makes."""
    if name.startswith("build/bench/"):
        return f"'{name.removeprefix('build/bench/')}'" in (TOP / "bench/meson.build").read_text()
    return (TOP / name).exists()


def wrong_files(text):
    for words in code(text):
        for name in re.findall(rf"(?<![\w./-])((?:{'|'.join(ROOMS)})/[\w./-]+)", words):
            if name not in ROOMS_OF_OTHERS and not is_there(name):
                yield f"{name}: no such file"


def wrong_tests(text):
    """A test is named behind its file, up to the next semicolon or the end of the cell."""
    for name, behind in re.findall(r"`(test/[\w./]+)`([^;|\n]*)", text):
        path = TOP / name
        if path.is_file():
            for test in re.findall(r"\btest_\w+", behind):
                if not re.search(rf"\b{test}\(", path.read_text()):
                    yield f"{test}: not in {name}"


@functools.cache
def help_of(command):
    done = subprocess.run([KEYPLATE, "help", command], capture_output=True, text=True, timeout=20)
    return done.stdout if done.returncode == 0 else None


def commands():
    done = subprocess.run([KEYPLATE, "help"], capture_output=True, text=True, check=True)
    return [name for name in re.findall(r"^  (\w+) ", done.stdout, re.M) if name != "help"]


def options_of(words):
    return re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", words)


def knows(help_text, option):
    return re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", help_text) is not None


def wrong_commands(text):
    for words in code(text):
        words = words.split("   ")[0]
        for command, rest in re.findall(r"(?:^|[\s|])keyplate ([a-z]+)\b([^|<]*)", words):
            told = help_of(command)
            if told is None:
                yield f"keyplate {command}: no such command"
                continue
            action = re.match(r" ([a-z]+)\b", rest)
            if command in ("passwd", "devices", "browser") and action and \
                    not re.search(rf"\b{action.group(1)}\b", told):
                yield f"keyplate {command} {action.group(1)}: no such action"
            for option in options_of(rest):
                if not knows(told, option):
                    yield f"keyplate {command} {option}: no such option"


def wrong_options(text):
    """Options that stand alone are of some command, or of the demo device."""
    told = "\n".join(help_of(name) for name in commands()) + (TOP / "demo/main.c").read_text() + \
        (TOP / "quickstart").read_text()
    for words in code(text):
        if words.startswith("--"):
            for option in options_of(words):
                if not knows(told, option) and option not in OF_OTHERS:
                    yield f"{option}: nobody has it"
    settings = (TOP / "meson_options.txt").read_text()
    for name in re.findall(r"-D(\w+)=", text):
        if f"'{name}'" not in settings:
            yield f"-D{name}: no such option of the build"


@functools.cache
def sentences():
    """The texts of the programs, literals that follow each other joined, without spaces."""
    found = []
    for room in "cmd", "gateway":
        for path in sorted((TOP / room).rglob("*.c")):
            found.append(re.sub(r'"\s*"', "", path.read_text()))
    return re.sub(r"\s+", "", "\n".join(found))


def wrong_sentences(text):
    for said in re.findall(r"^\| `([a-z][^`]*)` \|[^|]*\|[^|]*\|$", text, re.M):
        if " " in said and re.sub(r"\s+", "", said) not in sentences():
            yield f"nobody says: {said}"


def support(text):
    found = re.search(r"^## \d+\. What the support desk says$(.*?)^## ", text, re.M | re.S)
    return found.group(1) if found else ""


CHECKS = {"links": wrong_links, "files": wrong_files, "tests": wrong_tests,
          "commands": wrong_commands, "options": wrong_options}


@page
@pytest.mark.parametrize("check", CHECKS)
def test_what_is_named_is_there(path, check):
    assert "\n".join(CHECKS[check](path.read_text())) == ""


def test_what_the_support_desk_reads_is_said():
    rows = support(PAGES[0].read_text())
    assert rows.count("\n| `") >= 10
    assert "\n".join(wrong_sentences(rows)) == ""


@page
def test_there_is_much_to_look_at(path):
    text = path.read_text()
    assert len(re.findall(r"`test/[^`]+`", text)) > 20
    assert sum("keyplate " in words for words in code(text)) > 4


@pytest.mark.parametrize("check, text", [
    ("links", "[x](nowhere.md)"),
    ("links", "[x](../SECURITY.md#no-such-heading)"),
    ("files", "`test/scenario/test_99_nothing.py`"),
    ("files", "`lib/nothing.h`"),
    ("files", "    build/bench/nothing 300"),
    ("tests", "| a | `test/pair/test_flow13.c` test_nothing_of_this |"),
    ("commands", "`keyplate frobnicate`"),
    ("commands", "`keyplate passwd frobnicate`"),
    ("commands", "    keyplate serve --frobnicate"),
    ("options", "`--frobnicate`"),
    ("options", "`meson setup x -Dfrobnicate=true`"),
])
def test_what_is_not_there_is_found(check, text):
    assert len(list(CHECKS[check](text))) == 1


def test_what_nobody_says_is_found():
    assert len(list(wrong_sentences("| `the moon is made of cheese` | a | b |"))) == 1
