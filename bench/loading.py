"""The load process as a question sees it: one for both sides, which take turns."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench.figures import Sample
from bench.programs import Program, Workshop


@dataclass(frozen=True, slots=True)
class Served:
    """A server, and how it is called."""

    program: Program
    address: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Load:
    """Makes calls from a process of its own."""

    program: Program

    async def calls(
        self, server: Served, call: str, *, count: int, in_flight: int, ids: Sequence[str] = ()
    ) -> tuple[Sample, dict[str, Any]]:
        """So many calls; also the load process's own words."""
        before = server.program.cpu_seconds()
        answer = await self.program.ask(
            address=server.address, key=server.key, call=call, count=count, in_flight=in_flight, ids=list(ids)
        )
        cpu_seconds = server.program.cpu_seconds() - before
        return Sample(answer["seconds"], answer["latencies"], cpu_seconds), answer


@contextlib.asynccontextmanager
async def load(workshop: Workshop) -> AsyncIterator[Load]:
    """The load process, until the context ends."""
    async with workshop.program("load", "bench.load") as program:
        yield Load(program)
