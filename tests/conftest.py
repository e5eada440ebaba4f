"""What several tests stand on: a running control plane with a clock that tests move, stubs, a fake host."""

from __future__ import annotations

import os

os.environ.setdefault("GRPC_VERBOSITY", "NONE")
# The tests' own sites; a test of what browsers may reach says itself what is open.
os.environ.setdefault("TABKEEP_ALLOW_PRIVATE", "127.0.0.0/8,localhost")
# Tests count browsers; those that are about browsers kept ready ask for them.
os.environ.setdefault("TABKEEP_WARM_BROWSERS", "0")
# Programs are started hundreds of times; without bytecode, which some machines turn off, each start compiles them anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from tabkeep.host.v1 import host_pb2_grpc
from tabkeep.v1 import (
    artifacts_pb2_grpc,
    browser_profiles_pb2_grpc,
    browser_sessions_pb2_grpc,
    credentials_pb2_grpc,
    files_pb2_grpc,
    hosts_pb2_grpc,
    keys_pb2_grpc,
    recordings_pb2_grpc,
    runs_pb2_grpc,
    usage_pb2_grpc,
    webhooks_pb2_grpc,
    workflows_pb2_grpc,
)

from browser_host.kernel import isolation
from control_plane import first_keys
from control_plane.config import Config
from control_plane.server import ControlPlane, serve
from tests.clocks import SteppedClock
from tests.fake_host import FakeHost

SANDBOX = isolation.sandbox_is_possible()
"""Whether this machine lets Chromium have its sandbox; where not, the tests do without, as an operator would."""
if not SANDBOX:
    os.environ.setdefault("TABKEEP_ALLOW_UNSANDBOXED", "1")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what it puts into the background so, and programs that a test interrupts would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A directory of the test's own, to which the users of sessions can get where browsers have such.

    Not pytest's own, because that closes the one above it for everybody else whenever it is started.
    """
    with passable_directory() as directory:
        yield directory


@contextmanager
def passable_directory() -> Iterator[Path]:
    """A directory that every user may pass through; removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="tk-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        directory.chmod(0o711)
        yield directory


@dataclass
class Api:
    """Stubs of every public service, with one key."""

    sessions: Any
    profiles: Any
    runs: Any
    workflows: Any
    artifacts: Any
    hosts: Any
    keys: Any
    usage: Any
    webhooks: Any
    credentials: Any
    files: Any
    recordings: Any


class Keyed:
    """A stub whose calls carry a key."""

    def __init__(self, stub: Any, *metadata: tuple[str, str]) -> None:
        self._stub = stub
        self._metadata = metadata

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._stub, name)
        return lambda request, **options: method(request, metadata=self._metadata, **options)


def api_on(channel: grpc.aio.Channel, key: str, *more: tuple[str, str]) -> Api:
    """Stubs on a channel, whose calls carry a key and `more` metadata."""
    metadata = ((("x-api-key", key),) if key else ()) + more
    return Api(
        sessions=Keyed(browser_sessions_pb2_grpc.BrowserSessionServiceStub(channel), *metadata),
        profiles=Keyed(browser_profiles_pb2_grpc.BrowserProfileServiceStub(channel), *metadata),
        runs=Keyed(runs_pb2_grpc.RunServiceStub(channel), *metadata),
        workflows=Keyed(workflows_pb2_grpc.WorkflowServiceStub(channel), *metadata),
        artifacts=Keyed(artifacts_pb2_grpc.ArtifactServiceStub(channel), *metadata),
        files=Keyed(files_pb2_grpc.FileServiceStub(channel), *metadata),
        hosts=Keyed(hosts_pb2_grpc.HostServiceStub(channel), *metadata),
        keys=Keyed(keys_pb2_grpc.KeyServiceStub(channel), *metadata),
        usage=Keyed(usage_pb2_grpc.UsageServiceStub(channel), *metadata),
        webhooks=Keyed(webhooks_pb2_grpc.WebhookServiceStub(channel), *metadata),
        credentials=Keyed(credentials_pb2_grpc.CredentialServiceStub(channel), *metadata),
        recordings=Keyed(recordings_pb2_grpc.RecordingServiceStub(channel), *metadata),
    )


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Settings of a control plane on a free port and an empty directory."""
    return Config(
        data_dir=tmp_path / "data", grpc_address="127.0.0.1:0", minimum_free_bytes=0, first_host_token_for="*"
    )


@pytest.fixture
async def control_plane(config: Config) -> AsyncIterator[ControlPlane]:
    """A running control plane whose clock stands still."""
    async with serve(config, SteppedClock) as running:
        yield running


@pytest.fixture
async def channel(control_plane: ControlPlane) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to the control plane."""
    async with grpc.aio.insecure_channel(
        control_plane.address, options=[("grpc.use_local_subchannel_pool", 1)]
    ) as opened:
        yield opened


@pytest.fixture
def api_key(control_plane: ControlPlane) -> str:
    """The first key."""
    return first_keys.api_key_file(control_plane.config.data_dir).read_text().strip()


@pytest.fixture
def host_token(control_plane: ControlPlane) -> str:
    """The first host token."""
    return first_keys.host_token_file(control_plane.config.data_dir).read_text().strip()


@pytest.fixture
def api(channel: grpc.aio.Channel, api_key: str) -> Api:
    """Stubs of every public service, with the first key."""
    return api_on(channel, api_key)


@pytest.fixture
def host_secrets(channel: grpc.aio.Channel, host_token: str) -> Keyed:
    """HostSecretService as hosts call it, with the first host token."""
    return Keyed(host_pb2_grpc.HostSecretServiceStub(channel), ("x-api-key", host_token))


@pytest.fixture
async def host(control_plane: ControlPlane, host_token: str) -> AsyncIterator[FakeHost]:
    """An attached fake host with room for four sessions."""
    fake = FakeHost(control_plane.address, host_token)
    await fake.attach()
    yield fake
    await fake.vanish()


@pytest.fixture
async def another(control_plane: ControlPlane, host_token: str) -> AsyncIterator[Callable[..., FakeHost]]:
    """Makes further fake hosts; the test attaches them."""
    made: list[FakeHost] = []

    def make(host_id: str = "host-b", token: str = host_token, **fields: Any) -> FakeHost:
        made.append(FakeHost(control_plane.address, token, host_id, **fields))
        return made[-1]

    yield make
    for fake in made:
        await fake.vanish()


@pytest.fixture
def advance(control_plane: ControlPlane) -> Callable[..., Awaitable[None]]:
    """Moves the control plane's clock, and makes everything happen that is due by then.

    Attached hosts count as heard of meanwhile, unless they are `silent`.
    """

    async def move_on(length: timedelta, *, silent: bool = False) -> None:
        coordinator = control_plane.coordinator
        assert isinstance(coordinator.clock, SteppedClock)
        coordinator.clock.advance(length)
        for host_id, pulse in coordinator.pulses.items():
            if not silent and coordinator.links.get(host_id):
                pulse.heard_at = coordinator.clock.monotonic()
        await coordinator.expire_due()

    return move_on
