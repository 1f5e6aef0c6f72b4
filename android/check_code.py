#!/usr/bin/env python3
"""What can be known of the app's code without running it: check_code.py CLASSES_DEX ANDROID_FOLDER

- Taken apart and assembled again it is the same: nothing in it that an assembler would not write.
- Each class, method and field of our own that it refers to is there, and none that isn't used by anybody.
- Each of Android's is in api.txt, with the API level that brought it in: 26 at most.
- Each name of a resource that it asks for is in res/, and English and German have the same texts.
- Nothing is in it that a page could call, read files with or be looked into by.
"""
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

OWN = "Lorg/keyplate/app/"
MIN_SDK = 26
REFERENCE = re.compile(r"(\[*L[\w/$]+;)->([\w$<>]+)(\([^)]*\)\S+|:\S+)")
DEFINED = re.compile(r"^\.(method|field) (?:[a-z]+ )*(?:constructor )?([\w$<>]+)(\([^)]*\)\S+|:\S+)", re.M)
TEXT = re.compile(r'^    const-string (\w+), "(.*)"$')
ASKED = re.compile(r"^    invoke-static \{\w+, (\w+)\}, Lorg/keyplate/app/Res;->(id|layout|drawable|text)\(")
NEVER = ("addJavascriptInterface", "evaluateJavascript", "setAllowFileAccessFromFileURLs",
         "setAllowUniversalAccessFromFileURLs", "setWebContentsDebuggingEnabled", "loadData")

faults = []


def fault(text):
    faults.append(text)


def run(*command):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout


def there_and_back(dex):
    """The same classes by way of baksmali."""
    with tempfile.TemporaryDirectory() as folder:
        again = pathlib.Path(folder) / "again.dex"
        run("baksmali", "disassemble", "--api", MIN_SDK, "-o", f"{folder}/one", dex)
        run("smali", "assemble", "--api", MIN_SDK, "-o", again, f"{folder}/one")
        run("baksmali", "disassemble", "--api", MIN_SDK, "-o", f"{folder}/two", again)
        if run("sh", "-c", f"diff -r '{folder}/one' '{folder}/two' || true"):
            fault("it isn't the same after it was taken apart")
        return {path.stem: path.read_text() for path in pathlib.Path(folder, "one").rglob("*.smali")}


def written(folder):
    return {path.stem: path.read_text() for path in folder.rglob("*.smali")}


def no_comments(text):
    return re.sub(r"(?m)^\s*#.*\n| # .*$", "", text)


def references(sources):
    for name, text in sources.items():
        for found in REFERENCE.finditer(no_comments(text)):
            yield name, found[1], found[2] + found[3]


def check_own(sources):
    defined = {f"{OWN}{name};": {kind[2] + kind[3] for kind in DEFINED.finditer(no_comments(text))}
               for name, text in sources.items()}
    parents = {f"{OWN}{name};": re.search(r"^\.super (\S+)", text, re.M)[1] for name, text in sources.items()}
    used, inherited = set(), []
    for name, owner, member in references(sources):
        if owner.startswith(OWN) and member not in defined.get(owner, set()):
            if owner in parents and not parents[owner].startswith(OWN) and not member.startswith("<"):
                inherited.append((name, parents[owner], member))
            else:
                fault(f"{name} refers to {owner}->{member}, which isn't there")
        used.add((owner, member))
    for owner, members in defined.items():
        parent_is_object = parents[owner] == "Ljava/lang/Object;"
        for member in members:
            if (owner, member) not in used and parent_is_object and not re.match(r"on[A-Z]|run\(|<init>", member):
                fault(f"{owner}->{member} is used by nobody")
    return inherited


def check_android(sources, inherited, folder):
    lines = (folder / "api.txt").read_text().splitlines()
    known = {}
    for line in lines:
        if line and not line.startswith("#"):
            level, reference = line.split()
            known[reference] = int(level)
    wanted = {f"{owner}->{member}" for _, owner, member in references(sources) if owner.startswith("Landroid/")}
    wanted |= {f"{owner}->{member}" for _, owner, member in inherited}
    wanted |= {f"{parent}->{member}" for parent, member in overridden(sources)}
    for reference in sorted(wanted - set(known)):
        fault(f"{reference} isn't in api.txt")
    for reference in sorted(set(known) - wanted):
        fault(f"{reference} is in api.txt, and used by nobody")
    for reference, level in known.items():
        if level > MIN_SDK:
            fault(f"{reference} came with {level}")


def overridden(sources):
    """What Android calls: public and protected methods of classes that stand on one of its own."""
    for text in sources.values():
        parents = [line.split()[1] for line in text.splitlines() if line.startswith((".super L", ".implements L"))]
        android = [parent for parent in parents if parent.startswith("Landroid/")]
        for found in re.finditer(r"^\.method (?:public|protected) (\w+\([^)]*\)\S+)", text, re.M):
            if android and re.match(r"on[A-Z]|should|handle", found[1]):
                yield android[0], found[1]


def resources(text):
    """(KIND, NAME) of each that is asked for by a name that stands there."""
    texts = {}
    for line in text.splitlines():
        if line.startswith(".method"):
            texts = {}
        if (found := TEXT.match(line)) is not None:
            texts[found[1]] = found[2]
        if (found := ASKED.match(line)) is not None and found[1] in texts:
            yield found[2], texts[found[1]]


def check_resources(sources, res):
    names = {"text": set(), "id": set(), "layout": {path.stem for path in (res / "layout").iterdir()},
             "drawable": {path.stem for path in (res / "drawable").iterdir()}}
    texts = {folder: {item.get("name") for item in xml.parse(res / folder / "strings.xml").getroot()}
             for folder in ("values", "values-de")}
    if texts["values"] != texts["values-de"]:
        fault(f"not in both languages: {texts['values'] ^ texts['values-de']}")
    names["text"] = texts["values"]
    layouts = "".join(path.read_text() for path in (res / "layout").iterdir())
    names["id"] = set(re.findall(r"@\+id/(\w+)", layouts))
    asked = {pair for text in sources.values() for pair in resources(no_comments(text))}
    # Names of ids also go by way of methods of ours.
    words = {word for text in sources.values() for word in re.findall(r'const-string \w+, "(\w+)"', text)}
    for kind, name in asked:
        if name not in names[kind]:
            fault(f"there is no {kind} {name}")
    for name in names["id"] - words:
        fault(f"id {name} is used by nobody")
    manifest = (res.parent / "AndroidManifest.xml").read_text()
    in_xml = set(re.findall(r"@string/(\w+)", layouts + manifest))
    for name in names["text"] - in_xml - {word for kind, word in asked if kind == "text"}:
        fault(f"text {name} is used by nobody")


def main(dex, folder):
    folder = pathlib.Path(folder)
    sources = written(folder / "app" / "smali")
    built = there_and_back(dex)
    if set(sources) != set(built):
        fault(f"not the same classes: {set(sources) ^ set(built)}")
    check_android(sources, check_own(sources), folder)
    check_resources(sources, folder / "app" / "res")
    for name, text in sources.items():
        for word in NEVER:
            if word in no_comments(text):
                fault(f"{name} has {word} in it")
        if not text.startswith("# "):
            fault(f"{name} doesn't say what it is for")
    for text in faults:
        print(text)
    print(f"{len(sources)} classes, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
