#!/usr/bin/env python3
"""The @std packages of this project without JSR. See README.md.

    registry.py build OUT ARCHIVE...   writes a registry to the folder OUT, from the modules that the executables
                                       in the archives (.whl, .tgz) carry; each file must match its digest in pins.json
    registry.py lock DENO_LOCK         puts JSR's own integrity values into a lock file
    registry.py pin OUT ARCHIVE...     like build, but writes what it found to pins.json (after a change of versions)
"""
import hashlib
import json
import os
import re
import struct
import sys
import tarfile
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
PINS = os.path.join(HERE, "pins.json")
STUBS = os.path.join(HERE, "stubs")
MAGIC = b"d3n0l4nd"
SPECIFIER = re.compile(r"^https://[^/]+/(@std/[a-z-]+)/([^/]+)/(.+)$")


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def executable(archive):
    """The largest file of an archive."""
    if archive.endswith(".whl"):
        with zipfile.ZipFile(archive) as z:
            return z.read(max(z.infolist(), key=lambda i: i.file_size))
    with tarfile.open(archive) as t:
        return t.extractfile(max((m for m in t if m.isfile()), key=lambda m: m.size)).read()


class Reader:
    def __init__(self, data, at):
        self.data, self.at = data, at

    def number(self, form):
        (value,) = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return value

    def take(self, length):
        if self.at + length > len(self.data):
            raise ValueError("past the end")
        self.at += length
        return self.data[self.at - length : self.at]


def metadata_end(data):
    """Where the data section's metadata ends: magic, u64 length, JSON. The magic alone occurs elsewhere too."""
    at = data.find(MAGIC)
    while at >= 0:
        try:
            reader = Reader(data, at + len(MAGIC))
            json.loads(reader.take(reader.number("Q")))
            return reader.at
        except (ValueError, struct.error):
            at = data.find(MAGIC, at + 1)
    raise ValueError("no data section of `deno compile`")


def modules(data):
    """Specifier -> source, of the remote modules in an executable made by `deno compile` (Deno 2.3 to 2.7).

    After the metadata: u64 length and the npm snapshot; u32 count of (u32 length, specifier, u32 id); u32 count of
    redirects (u32, u32); u32 count of (u32 id, u8 media type, u32 length, source, u8 flags, and for each of the
    flags 1 transpiled, 2 source map, 4 CommonJS analysis: u32 length, bytes).
    """
    reader = Reader(data, metadata_end(data))
    reader.take(reader.number("Q"))
    specifiers = {}
    for _ in range(reader.number("I")):
        specifier = reader.take(reader.number("I")).decode()
        specifiers[reader.number("I")] = specifier
    reader.take(8 * reader.number("I"))
    found = {}
    for _ in range(reader.number("I")):
        module = reader.number("I")
        reader.number("B")
        source = reader.take(reader.number("I"))
        flags = reader.number("B")
        for flag in (1, 2, 4):
            if flags & flag:
                reader.take(reader.number("I"))
        found[specifiers[module]] = source
    return found


def collect(archives, packages):
    """ "@std/NAME@VERSION/PATH" -> source, for the packages wanted: those of the archives, then the stubs."""
    found = {}
    for archive in archives:
        for specifier, source in modules(executable(archive)).items():
            match = SPECIFIER.match(specifier)
            if match and f"{match[1]}@{match[2]}" in packages:
                found.setdefault(f"{match[1]}@{match[2]}/{match[3]}", source)
    for folder, _, names in os.walk(STUBS):
        name, version = os.path.relpath(folder, STUBS).split(os.sep)[:2] if names else ("", "")
        for file in names:
            path = os.path.relpath(os.path.join(folder, file), os.path.join(STUBS, name, version))
            with open(os.path.join(folder, file), "rb") as f:
                found.setdefault(f"@std/{name}@{version}/{path}", f.read())
    return found


def entry_point(path):
    """The name that a module of a @std package is exported under."""
    if path == "mod.ts":
        return "."
    return "./" + re.sub(r"(/mod)?\.ts$", "", path).replace("_", "-")


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data if isinstance(data, bytes) else json.dumps(data).encode())


def build(out, files):
    packages = {}
    for key, source in sorted(files.items()):
        name, version, path = re.fullmatch(r"(@std/[^@]+)@([^/]+)/(.+)", key).groups()
        packages.setdefault((name, version), {})[path] = source
    for (name, version), sources in packages.items():
        folder = os.path.join(out, *name.split("/"))
        write(os.path.join(folder, "meta.json"),
              {"scope": "std", "name": name.split("/")[1], "latest": version, "versions": {version: {}}})
        write(os.path.join(folder, f"{version}_meta.json"), {
            "manifest": {f"/{p}": {"size": len(s), "checksum": f"sha256-{sha256(s)}"} for p, s in sources.items()},
            "exports": {entry_point(p): f"./{p}" for p in sources if not re.search(r"(^|/)_", p)},
        })
        for path, source in sources.items():
            write(os.path.join(folder, version, *path.split("/")), source)
    return len(packages)


def mend_lock(lock_file, integrity):
    with open(lock_file, encoding="utf-8") as f:
        text = f.read()
    lock = json.loads(text)
    for package, entry in lock.get("jsr", {}).items():
        if package not in integrity:
            sys.exit(f"{lock_file}: {package} has no integrity value in {PINS}: put the one of JSR there")
        text = text.replace(entry["integrity"], integrity[package])
    with open(lock_file, "w", encoding="utf-8") as f:
        f.write(text)


def main(arguments):
    if len(arguments) < 2 or arguments[0] not in ("build", "lock", "pin"):
        sys.exit(__doc__)
    command, target, *archives = arguments
    with open(PINS, encoding="utf-8") as f:
        pins = json.load(f)
    if command == "lock":
        return mend_lock(target, pins["integrity"])
    files = collect(archives, pins["integrity"])
    digests = {key: sha256(source) for key, source in sorted(files.items())}
    if command == "pin":
        pins["files"] = digests
        with open(PINS, "w", encoding="utf-8") as f:
            f.write(json.dumps(pins, indent=2) + "\n")
    wanted = pins["files"]
    wrong = sorted(key for key in wanted if digests.get(key) != wanted[key])
    if wrong:
        sys.exit(f"{len(wrong)} of the @std files are missing from the archives or differ from {PINS}, e.g. {wrong[0]}")
    count = build(target, {key: files[key] for key in wanted})
    print(f"{count} @std packages, {len(wanted)} files, all as pinned")


if __name__ == "__main__":
    main(sys.argv[1:])
