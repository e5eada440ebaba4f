"""`python -m browser_host`: one browser host, configured by TABKEEP_* variables (see `config`).

Exit codes: 0 after an orderly end, 1 when Playwright, the guardian or the configured model's package does not work on
this machine, 2 for a wrong setting, 3 when the control plane refuses this host for good.

The first SIGTERM or SIGINT drains, the second closes everything now. The event loop runs in the main thread, because
the kernel's kill-with-parent of drivers and browsers is tied to the thread that started them.
"""

from __future__ import annotations

import os

# Before gRPC is imported: its core logs connection losses, which we log ourselves, in our own form.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

import asyncio
import fcntl
import importlib.metadata
import logging
import random
import secrets
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from tabkeep import telemetry

from browser_host import config, launch
from browser_host.attachment import Attachment, AttachRefused
from browser_host.chat_completions import ChatCompletions, ModelUnusable
from browser_host.chromium.playwright_launcher import PlaywrightLauncher
from browser_host.clock import Clock, SystemClock
from browser_host.config import Config, ConfigInvalid
from browser_host.control_link import ControlLink
from browser_host.downloads import Downloads
from browser_host.epochs import Epochs
from browser_host.guard import GuardianLost, GuardianProcess
from browser_host.host import Host, Means
from browser_host.kernel.cgroups import Limits
from browser_host.kernel.isolation import Isolation
from browser_host.kernel.session_users import SessionUsers
from browser_host.leases import Leases
from browser_host.messages import BrowserType, Identity, Placement
from browser_host.open_browser import LaunchFailed
from browser_host.outbox import Outbox
from browser_host.run_files import RunFiles
from browser_host.run_journal import RunJournal
from browser_host.states import States
from browser_host.task.runner import carry_out
from browser_host.uploads import Uploads
from browser_host.warm_pool import PoolSettings

logger = logging.getLogger("browser_host")

FAREWELL_SECONDS = 15.0
"""How long the goodbye may take."""

EXIT_OK, EXIT_UNUSABLE, EXIT_BAD_CONFIG, EXIT_REFUSED = 0, 1, 2, 3


def main() -> int:
    """Run a host until it was drained; returns the exit code."""
    try:
        settings = config.from_environment(os.environ)
        telemetry.configure("tabkeep-host", log_level=settings.log_level)
        with _data_dir(settings):
            return asyncio.run(_serve(settings))
    except ConfigInvalid as error:
        print(f"browser host: {error}", file=sys.stderr)
        return EXIT_BAD_CONFIG
    except (LaunchFailed, GuardianLost, ModelUnusable) as error:
        print(f"browser host: {error}", file=sys.stderr)
        return EXIT_UNUSABLE
    finally:
        telemetry.shutdown()


@contextmanager
def _data_dir(settings: Config) -> Iterator[None]:
    """Hold the data directory: a second host in it would end the first one's browsers."""
    directory = settings.data_dir
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (directory / "host.lock").open("w")
    except OSError as error:
        raise ConfigInvalid(f"TABKEEP_DATA_DIR={directory.parent}: cannot be used: {error}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigInvalid(
                f"TABKEEP_DATA_DIR={directory.parent}: another browser host runs in it: give this one another"
            ) from None
        config.host_id_file(directory).write_text(settings.host_id + "\n", encoding="utf-8")
        yield


async def _serve(settings: Config) -> int:
    guardian = GuardianProcess()
    try:
        await guardian.open()
        return await _host_browsers(settings, guardian)
    finally:
        await guardian.close()


async def _host_browsers(settings: Config, guardian: GuardianProcess) -> int:
    clock = SystemClock()
    found = await asyncio.to_thread(launch.find_browsers, settings.executables)
    if not any(browser.browser_type is BrowserType.CHROME for browser in found):
        logger.error("no browser found", extra={"remedy": launch.how_to_install(BrowserType.CHROME)})
    if not settings.sandbox:
        logger.warning("browsers run without Chromium's sandbox: open only pages that are trusted")
    launcher = PlaywrightLauncher(
        found,
        settings.data_dir,
        clock,
        sandbox=settings.sandbox,
        concurrency=settings.launch_concurrency,
        use_cgroups=settings.use_cgroups,
        limits=Limits(settings.session_memory_mib * 2**20, settings.session_tasks, settings.session_cpu_percent),
        users=SessionUsers(*settings.session_users) if settings.session_users is not None else None,
        offered=settings.extensions,
        pool=PoolSettings(settings.warm_browsers, settings.warm_minimum_free_mib * 2**20),
        guard=guardian,
        allow_private=settings.allow_private,
    )
    await launcher.open()
    try:
        isolation = await launcher.look()
        if isolation.failure:
            logger.error("host may run no browser", extra={"reason": isolation.failure})
            print(f"browser host: {isolation.failure}", file=sys.stderr)
        return await _control_browsers(settings, launcher, isolation, clock, guardian)
    finally:
        await launcher.close()


async def _control_browsers(
    settings: Config, launcher: PlaywrightLauncher, isolation: Isolation, clock: Clock, guardian: GuardianProcess
) -> int:
    identity = Identity(
        host_id=settings.host_id,
        incarnation=secrets.token_hex(16),
        boot_id=_boot_id(),
        build=importlib.metadata.version("tabkeep"),
        capacity=settings.capacity,
        browsers=launcher.offers,
        isolation=isolation,
        extensions=settings.extensions,
    )
    link = ControlLink(settings.control_plane, settings.host_token, settings.host_id, identity.incarnation)
    try:
        return await _attach(settings, identity, launcher, link, clock, guardian)
    finally:
        await link.close()


async def _attach(
    settings: Config,
    identity: Identity,
    launcher: PlaywrightLauncher,
    link: ControlLink,
    clock: Clock,
    guardian: GuardianProcess,
) -> int:
    """Be a host until it was drained or refused; its browsers are closed by then."""
    rng = random.SystemRandom()
    model = ChatCompletions(settings.model, clock) if settings.model else None
    leases, outbox = Leases(clock), Outbox()
    uploads = Uploads(link.put, clock, rng)
    states = States(link, clock, rng)
    files = RunFiles(link, settings.data_dir / "uploads")

    def new_journal(placement: Placement, run_id: str) -> RunJournal:
        return RunJournal(
            placement,
            run_id,
            outbox=outbox,
            leases=leases,
            uploads=uploads,
            clock=clock,
            new_artifact_id=_artifact_id,
            credentials=link.credential,
            files=files.held,
        )

    downloads = Downloads(uploads, settings.data_dir / "downloads", _artifact_id)
    means = Means(launcher, partial(carry_out, model=model), new_journal, clock, guardian, states, link, downloads)
    host = Host(identity, means, leases, outbox)
    epochs = Epochs(settings.data_dir / "control_epoch", settings.control_plane)
    attachment = Attachment(host, link.dial, _vitals, rng, epochs)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, _drain, host, settings.drain_timeout)
    telemetry.log_what_is_held_on_request()
    logger.info(
        "browser host started",
        extra={"host_id": identity.host_id, "control_plane": settings.control_plane, "capacity": identity.capacity}
        | {
            "browsers": [version for _, version in identity.browsers],
            "sandboxed": identity.isolation.sandboxed,
            "user_per_session": identity.isolation.user_per_session,
        },
    )
    attached = asyncio.create_task(attachment.run())
    own_work = [asyncio.create_task(host.run()), asyncio.create_task(uploads.run())]
    own_work += [asyncio.create_task(states.run()), asyncio.create_task(downloads.run())]
    drained: asyncio.Task[Any] = asyncio.create_task(host.drained.wait())
    guarded = asyncio.create_task(_keep_guarded(guardian, host))
    try:
        await asyncio.wait([attached, drained, *own_work], return_when=asyncio.FIRST_COMPLETED)
        if drained.done() and attachment.attached.is_set():
            await asyncio.wait([attached], timeout=FAREWELL_SECONDS)
        for task in own_work:
            if task.done():
                task.result()  # a fault in the host's own work; there is nothing to go on with
        if attached.done():
            attached.result()
    except AttachRefused as refused:
        logger.critical("refused by the control plane", extra={"code": refused.reason, "reason": str(refused)})
        print(f"browser host: the control plane refuses this host: {refused.reason}: {refused}", file=sys.stderr)
        return EXIT_REFUSED
    finally:
        unguarded = guarded.done()
        for task in (drained, attached, *own_work, guarded):
            task.cancel()
        await asyncio.gather(drained, attached, *own_work, guarded, return_exceptions=True)
        if model is not None:
            await model.close()
    logger.info("browser host ended")
    return EXIT_UNUSABLE if unguarded else EXIT_OK


async def _keep_guarded(guardian: GuardianProcess, host: Host) -> None:
    """Keep the guardian alive; returns when that is not possible and the host is ending its browsers."""
    try:
        await guardian.run()
    except GuardianLost as lost:
        logger.critical("host gives up its browsers", extra={"reason": str(lost)})
        host.give_up(f"the host lost its guardian and may hold no browser without one: {lost}")


def _drain(host: Host, timeout: timedelta) -> None:
    if host.draining:
        host.drain(timedelta(0))
        return
    host.drain(timeout)


def _artifact_id() -> str:
    return f"art_{secrets.token_hex(13)}"


def _vitals() -> tuple[float, int]:
    return psutil.getloadavg()[0], psutil.virtual_memory().available


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


if __name__ == "__main__":
    sys.exit(main())
