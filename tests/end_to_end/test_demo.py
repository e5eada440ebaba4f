"""`make demo`, as a user sees it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


async def test_the_demo_ends_with_what_the_site_saw_and_status_0():
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "demo",
        cwd=ROOT, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await asyncio.wait_for(process.communicate(), 110)
    text = output.decode()
    assert process.returncode == 0, text
    assert "What the site itself saw" in text
    assert "NO" not in text.split("What the site itself saw")[1]
