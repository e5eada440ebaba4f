"""The versions of the stub generators are named in four places; they must be the same."""

import json
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "clients/README.md").read_text()


def _documented(name: str) -> str:
    """Read a generator's version from the table in clients/README.md."""
    row = re.search(rf"^\| {re.escape(name)} \| (\S+) \|", README, re.MULTILINE)
    assert row is not None, f"clients/README.md has no row for {name}"
    return row[1]


def _pinned(variable: str) -> str:
    """Read a version from the head of the Makefile."""
    line = re.search(rf"^{variable} := (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert line is not None, f"the Makefile does not set {variable}"
    return line[1]


def test_the_clients_readme_names_the_versions_that_the_makefile_pins() -> None:
    assert _documented("buf") == _pinned("BUF_VERSION")
    assert _documented("protoc-gen-es") == _pinned("PROTOC_GEN_ES_VERSION")
    assert _documented("protoc-gen-go") == _pinned("PROTOC_GEN_GO_VERSION")
    assert _documented("protoc-gen-go-grpc") == _pinned("PROTOC_GEN_GO_GRPC_VERSION")


def test_the_clients_readme_names_the_grpcio_tools_that_pyproject_pins() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    assert f"grpcio-tools=={_documented('grpcio-tools')}" in groups["dev"]


def test_the_go_client_builds_with_the_protobuf_its_stubs_were_made_for() -> None:
    assert (
        f"google.golang.org/protobuf {_pinned('PROTOC_GEN_GO_VERSION')}\n" in (ROOT / "clients/go/go.mod").read_text()
    )


def test_the_typescript_client_builds_with_the_protobuf_its_stubs_were_made_for() -> None:
    package = json.loads((ROOT / "clients/typescript/package.json").read_text())
    assert package["dependencies"]["@bufbuild/protobuf"] == _pinned("PROTOC_GEN_ES_VERSION")
