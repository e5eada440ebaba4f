"""A control plane that tests leave and enter again."""

from __future__ import annotations

import contextlib

import grpc

from control_plane import first_keys
from control_plane.server import serve
from tests.clocks import SteppedClock
from tests.conftest import api_on
from tests.fake_host import FakeHost


class Restarting:
    """A control plane that is left and entered again on the same data directory."""

    def __init__(self, config, clock_after=SteppedClock):
        self.config = config
        self.clock_after = clock_after

    async def start(self):
        self.running = contextlib.AsyncExitStack()
        self.control_plane = await self.running.enter_async_context(serve(self.config, self.clock_after))
        clock = self.control_plane.coordinator.clock
        assert isinstance(clock, SteppedClock)
        self.clock = clock
        self.channel = grpc.aio.insecure_channel(
            self.control_plane.address, options=[("grpc.use_local_subchannel_pool", 1)]
        )
        self.api = api_on(self.channel, first_keys.api_key_file(self.config.data_dir).read_text().strip())
        return self

    async def stop(self):
        await self.running.aclose()
        await self.channel.close()

    async def restart(self):
        await self.stop()
        return await self.start()

    def new_host(self):
        return FakeHost(
            self.control_plane.address, first_keys.host_token_file(self.config.data_dir).read_text().strip()
        )

    async def reattach(self, host):
        host._address = self.control_plane.address
        await host.attach()

    async def advance(self, length, *, heard=False):
        """Let time pass and all happen that is due by then; attached hosts are silent meanwhile unless `heard`."""
        self.clock.advance(length)
        for pulse in self.control_plane.coordinator.pulses.values() if heard else ():
            pulse.heard_at = self.clock.monotonic()
        await self.control_plane.coordinator.expire_due()
