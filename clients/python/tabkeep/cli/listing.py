"""What all commands that list something have in common."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeVar

import click

MOST_OF_PAGE = 500
"""The most that the control plane answers at once."""

T = TypeVar("T")

limit_option = click.option("--limit", type=click.IntRange(1), default=50, show_default=True)


async def first(limit: int, listed: AsyncIterator[T]) -> list[T]:
    """The first `limit` of a list, without asking for what comes after them."""
    found: list[T] = []
    async for one in listed:
        found.append(one)
        if len(found) == limit:
            break
    return found
