"""Makes the stubs of every language from the protos: `make gen`. With --check it writes nothing and says what differs.

Everything is made in a temporary folder first and then compared with the tree, so a check leaves no trace, needs no
git, and a proto that is gone takes its stubs with it. Python comes from grpc_tools.protoc (the two ways of making
Python stubs differ in bytes, so there is only this one), Go and TypeScript from buf with buf.gen.yaml.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import descriptor_pb2

ROOT = Path(__file__).resolve().parent.parent
TOOLS = (ROOT / ".tools/bin", ROOT / ".tools/node_modules/.bin")
PATH = os.pathsep.join([*map(str, TOOLS), os.environ.get("PATH", "")])

GENERATED = {
    "Python": [
        "clients/python/tabkeep/**/*_pb2.py",
        "clients/python/tabkeep/**/*_pb2.pyi",
        "clients/python/tabkeep/**/*_pb2_grpc.py",
        "control_plane/http/proto_comments.json",
    ],
    "Go": ["clients/go/**/*.pb.go"],
    "TypeScript": ["clients/typescript/src/gen/**/*.ts"],
}
"""Which files of the tree are generated, by language: none of them is written by hand."""

LANGUAGE_OF_PLUGIN = {"protoc-gen-go": "Go", "protoc-gen-go-grpc": "Go", "protoc-gen-es": "TypeScript"}


class GenerationError(Exception):
    """A generator ended with an error; its own words are above."""


def main() -> int:
    """Generate or check; the exit status is 1 when stubs differ, a generator fails or, under CI, one is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a committed stub is out of date")
    check: bool = parser.parse_args().check
    missing = missing_tools()
    for language, tools in missing.items():
        print(f"stubs: {language} left as it is, this machine has no {', '.join(tools)}")
    with tempfile.TemporaryDirectory(prefix="tabkeep-stubs-") as folder:
        fresh = Path(folder)
        try:
            generate_python(fresh)
            generate_comments(fresh)
            generate_others(fresh, without=set(missing))
        except GenerationError as error:
            print(f"stubs: {error}", file=sys.stderr)
            return 1
        made = [language for language in GENERATED if language not in missing]
        changes = compare(fresh, made)
        if not check:
            take_over(fresh, changes)
    for path, change in changes:
        print(f"  {change:8} {path}")
    if not changes:
        print(f"stubs: {', '.join(made)} up to date")
    elif check:
        print("stubs: out of date, run `make gen` and commit the result", file=sys.stderr)
    else:
        print(f"stubs: {len(changes)} files written or removed")
    return int((check and bool(changes)) or (bool(missing) and "CI" in os.environ))


def missing_tools() -> dict[str, list[str]]:
    """List what each language lacks on this machine; languages that lack nothing are left out."""
    missing: dict[str, list[str]] = {}
    buf = [] if shutil.which("buf", path=PATH) else ["buf"]
    for plugin, language in LANGUAGE_OF_PLUGIN.items():
        plugin_missing = [] if shutil.which(plugin, path=PATH) else [plugin]
        if absent := [tool for tool in buf + plugin_missing if tool not in missing.get(language, [])]:
            missing.setdefault(language, []).extend(absent)
    return missing


def generate_python(into: Path) -> None:
    """Make messages, type hints and services; a proto without services gets no empty _pb2_grpc.py."""
    out = into / "clients/python"
    out.mkdir(parents=True)
    protos = sorted((ROOT / "protos").rglob("*.proto"))
    run(
        [sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT / 'protos'}", f"-I{ROOT / 'third_party'}"]
        + [f"--{kind}_out={out}" for kind in ("python", "pyi", "grpc_python")]
        + [str(proto) for proto in protos]
    )
    for services in out.rglob("*_pb2_grpc.py"):
        if "add_generic_rpc_handlers" not in services.read_text():
            services.unlink()


def generate_comments(into: Path) -> None:
    """Write down the public protos' comments, by full name, for the OpenAPI document: stubs do not carry them."""
    protos = sorted((ROOT / "protos/tabkeep/v1").glob("*.proto"))
    with tempfile.NamedTemporaryFile(suffix=".binpb") as image:
        run(
            [sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT / 'protos'}", f"-I{ROOT / 'third_party'}"]
            + ["--include_source_info", f"--descriptor_set_out={image.name}"]
            + [str(proto) for proto in protos]
        )
        files = descriptor_pb2.FileDescriptorSet.FromString(Path(image.name).read_bytes()).file
    comments: dict[str, str] = {}
    for file in files:
        for location in file.source_code_info.location:
            if location.leading_comments and (name := full_name(file, list(location.path))):
                comments[name] = unwrapped(location.leading_comments)
    out = into / "control_plane/http/proto_comments.json"
    out.parent.mkdir(parents=True)
    out.write_text(json.dumps(comments, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def full_name(file: descriptor_pb2.FileDescriptorProto, path: list[int]) -> str:
    """The name of what a path of numbers leads to in a file: alternately a field and a position in it."""
    named: Any = file
    names = [file.package]
    for number, position in zip(path[::2], path[1::2], strict=False):
        field = named.DESCRIPTOR.fields_by_number[number]
        if not field.is_repeated or field.message_type is None or "name" not in field.message_type.fields_by_name:
            return ""
        if named.DESCRIPTOR.name == "EnumDescriptorProto":
            names.pop()  # an enum's values lie beside it
        named = getattr(named, field.name)[position]
        names.append(named.name)
    return ".".join(names) if len(path) % 2 == 0 and len(path) > 0 else ""


def unwrapped(comment: str) -> str:
    """A comment as running text: lines of one paragraph joined, paragraphs and listed points kept apart."""
    text = ""
    for line in comment.strip().splitlines():
        line = line[1:] if line.startswith(" ") else line
        if not line.strip():
            text += "\n\n"
        elif re.match(r"[A-Z]\w+( \w+)?: ", line) and text and not text.endswith("\n"):
            text += "\n" + line
        else:
            text += ("" if not text or text.endswith("\n") else " ") + line.strip()
    return text


def generate_others(into: Path, without: set[str]) -> None:
    """Make Go and TypeScript as buf.gen.yaml says, apart from the languages in `without`."""
    template = yaml.safe_load((ROOT / "buf.gen.yaml").read_text())
    template["plugins"] = [
        plugin for plugin in template["plugins"] if LANGUAGE_OF_PLUGIN[plugin["local"]] not in without
    ]
    if template["plugins"]:
        run(["buf", "generate", "--template", json.dumps(template), "--output", str(into)])


def run(command: list[str]) -> None:
    """Run a generator from the root of the tree, with the pinned tools first on the PATH."""
    try:
        subprocess.run(command, cwd=ROOT, env={**os.environ, "PATH": PATH}, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise GenerationError(f"{command[0]} failed: {error}") from error


def compare(fresh: Path, languages: list[str]) -> list[tuple[Path, str]]:
    """List the generated files that are not the same in `fresh` and in the tree, and what is to be done with each."""
    patterns = [pattern for language in languages for pattern in GENERATED[language]]
    there = {path.relative_to(ROOT) for pattern in patterns for path in ROOT.glob(pattern)}
    made = {path.relative_to(fresh) for path in fresh.rglob("*") if path.is_file()}
    changes = dict.fromkeys(there - made, "removed")
    for path in made:
        if path not in there:
            changes[path] = "new"
        elif (fresh / path).read_bytes() != (ROOT / path).read_bytes():
            changes[path] = "changed"
    return sorted(changes.items())


def take_over(fresh: Path, changes: list[tuple[Path, str]]) -> None:
    """Bring the tree to what `fresh` holds."""
    for path, change in changes:
        if change == "removed":
            (ROOT / path).unlink()
        else:
            (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(fresh / path, ROOT / path)


if __name__ == "__main__":
    sys.exit(main())
