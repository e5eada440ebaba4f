"""The programs of docs/http.md that were written for Skyvern's API, and how each language runs them."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "http.md"
TSC = ROOT / "clients" / "typescript" / "node_modules" / ".bin" / "tsc"
LANGUAGES = ("python", "typescript", "bash")
_TOOLS = {"bash": ("bash", "curl", "jq"), "typescript": ("node", str(TSC)), "python": ()}
"""What each language needs beside the published SDK."""
# What the programs say for what each reader has to put in.
URL, KEY, SITE = "http://127.0.0.1:7331", "YOUR_API_KEY", "http://127.0.0.1:8090"
SESSION_ID = "pbs_490705123456789012"
PYTHON_FRAGMENT = """
import asyncio
from skyvern import Skyvern

async def main():
    client = Skyvern(api_key={key!r}, base_url={url!r})
{fragment}

asyncio.run(main())
"""
TYPESCRIPT_FRAGMENT = """
import {{ Skyvern }} from "@skyvern/client";
const client = new Skyvern({{ apiKey: process.env.SKYVERN_API_KEY!, baseUrl: {url!r} }});
{fragment}
"""


def programs_under(heading: str, language: str) -> list[str]:
    """The blocks of one language under one heading of the page."""
    section = PAGE.read_text().split(f"\n### {heading}\n")[1].split("\n### ")[0]
    return re.findall(rf"^```{language}\n(.*?)^```$", section, re.M | re.S)


@dataclass(frozen=True)
class Ended:
    """A program that ended."""

    status: int | None
    out: str
    err: str

    def answers(self) -> list[Any]:
        """The JSON documents on its standard output."""
        decoder, text, found = json.JSONDecoder(), self.out, []
        while (start := text.find("{")) >= 0:
            document, end = decoder.raw_decode(text[start:])
            found.append(document)
            text = text[start + end :]
        return found


class Programs:
    """Runs them against one server, whose address and key they are given in place of those on the page."""

    def __init__(self, url: str, key: str, skyvern: Path, directory: Path) -> None:
        """`skyvern` is the Python that has the published SDK; `directory` is for programs that must be files."""
        self.url = url
        self._key = key
        self._python = str(skyvern)
        self._directory = directory
        self.environment = {**os.environ, "SKYVERN_API_KEY": key}

    async def run(self, language: str, text: str, *, typed: str = "", given: dict[str, str] | None = None) -> Ended:
        """One of the page's programs, or a fragment of one; `given` replaces more of what stands in it."""
        _need(language)
        for said, meant in {URL: self.url, KEY: self._key, **(given or {})}.items():
            text = text.replace(said, meant)
        if language == "bash":
            return await self.start("bash", "-c", text, typed=typed)
        if language == "typescript":
            return await self._run_typescript(text, typed)
        if "asyncio.run(" not in text:
            lines = "".join(f"    {line}" for line in text.splitlines(keepends=True))
            text = PYTHON_FRAGMENT.format(key=self._key, url=self.url, fragment=lines)
        return await self.start(self._python, "-c", text, typed=typed)

    async def _run_typescript(self, text: str, typed: str) -> Ended:
        package = self._directory / "node_modules" / "@skyvern" / "client"
        package.mkdir(parents=True, exist_ok=True)
        for place in (self._directory, package):
            (place / "package.json").write_text('{"type": "module", "main": "index.js"}')
        shutil.copy(Path(__file__).with_name("skyvern_client.js"), package / "index.js")
        if "new Skyvern" not in text:
            text = TYPESCRIPT_FRAGMENT.format(url=self.url, fragment=text)
        (self._directory / "program.ts").write_text(text)
        options = ["--noCheck", "--module", "esnext", "--target", "es2022", "--moduleResolution", "bundler"]
        compiled = await self.start(str(TSC), *options, str(self._directory / "program.ts"))
        assert compiled.status == 0, compiled.out
        return await self.start("node", str(self._directory / "program.js"), typed=typed)

    async def start(self, *command: str, typed: str = "", **variables: str) -> Ended:
        """A command, to its end."""
        process = await asyncio.create_subprocess_exec(
            *command,
            env={**self.environment, **variables},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, err = await asyncio.wait_for(process.communicate(typed.encode()), 120)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return Ended(process.returncode, out.decode(), err.decode())


async def published_sdk() -> Path:
    """The Python that has the published SDK; installed once, under .tools."""
    place = ROOT / ".tools" / "skyvern"
    version = re.search(r"^SKYVERN_VERSION := (\S+)$", (ROOT / "Makefile").read_text(), re.M)
    assert version is not None
    process = await asyncio.create_subprocess_exec(
        str(ROOT / "scripts" / "set_up_skyvern.sh"), str(place), version[1],
        cwd=ROOT, env={**os.environ, "PYTHON": sys.executable},
    )  # fmt: skip
    assert await process.wait() == 0
    return place / "bin" / "python"


def _need(language: str) -> None:
    """The language's tools are there; make sets up what it can, and CI must not pass without them."""
    for tool in _TOOLS[language]:
        if shutil.which(tool) is None:
            (pytest.fail if "CI" in os.environ else pytest.skip)(f"{tool} is not installed")
