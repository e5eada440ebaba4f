"""docs/http.md is true: its table has every route that is served, and no other; its limits are the real ones."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from control_plane.config import Config
from control_plane.http.limits import Limits
from control_plane.server import ControlPlane
from scripts.http_routes import table, with_table

PAGE = Path(__file__).parents[2] / "docs/http.md"


@pytest.fixture
def config(config: Config) -> Config:
    """Settings of a control plane that also serves HTTP."""
    return replace(config, http_address="127.0.0.1:0")


@pytest.fixture
async def document(control_plane: ControlPlane) -> dict[str, Any]:
    """What the gateway says of itself; no key is needed for it."""
    async with httpx.AsyncClient(base_url=f"http://{control_plane.http_address}") as http:
        answer = await http.get("/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def test_the_table_of_routes_is_what_is_served(document):
    page = PAGE.read_text()
    assert page == with_table(page, table(document)), "make gen writes the table"


def test_the_limits_on_the_page_are_the_real_ones():
    limits, page = Limits(), " ".join(PAGE.read_text().split())
    for words in (
        f"{limits.connections:,} connections at once",
        f"above {2 * limits.connections:,} a connection just ends",
        f"{limits.head_bytes // 1024} KiB of head within {limits.head_seconds:g} seconds",
        f"{limits.body_bytes // 2**20} MiB of body within {limits.body_seconds:g} seconds",
        f"{limits.idle_seconds:g} seconds between requests",
        f"{limits.unread_seconds:g} seconds in which an answer may lie unread",
    ):
        assert words in page


ONLY_FOR_HOSTS = {
    *("BLOB_INVALID", "CONTROL_EPOCH", "HOST_SILENT", "HOST_TOKEN_BOUND", "PROTOCOL_VERSION", "SLOW_CONSUMER"),
    "STALE_FENCE",
}


def test_every_code_that_callers_may_get_is_on_the_page():
    said = []
    for path in (PAGE.parents[1] / "control_plane").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                said += [keyword.value for keyword in node.keywords if keyword.arg == "reason"]
                if ast.unparse(node.func).endswith(("Refused", "_refuse")):
                    said += node.args[1:2]
    texts = {value.value for value in said if isinstance(value, ast.Constant)}
    codes = {text for text in texts if isinstance(text, str) and re.fullmatch(r"[A-Z_]+", text)}
    assert len(codes) > 60
    listed = PAGE.read_text().partition("\nAll codes")[2].partition("\n## ")[0]
    assert codes - set(re.findall(r"`([A-Z_]+)`", listed)) == ONLY_FOR_HOSTS


async def test_the_document_is_whole(document):
    assert document["openapi"].startswith("3.1")
    used: set[str] = set()
    ids = []

    def look(part: Any) -> None:
        if isinstance(part, dict):
            if isinstance(reference := part.get("$ref"), str):
                used.add(reference)
            for one in part.values():
                look(one)
        elif isinstance(part, list):
            for one in part:
                look(one)

    look(document)
    for reference in used:
        found: Any = document
        for name in reference.removeprefix("#/").split("/"):
            found = found[name]
        assert found, reference
    for path, methods in document["paths"].items():
        for operation in methods.values():
            ids.append(operation["operationId"])
            assert operation["tags"]
            assert operation["summary"], path
            named = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"}
            assert all(f"{{{name}}}" in path for name in named)
            assert path.count("{") == len(named)
    assert len(ids) == len(set(ids))
