"""`make demo`: the main job from end to end, and at the end what the site itself saw.

A control plane and a browser host start as `tabkeep up` starts them, in a directory of their own. A session logs in,
finds a customer, puts headphones into the cart, pauses for a person, checks out, and runs a workflow; then it closes.
Its state becomes a profile, and a second session that starts from it is logged in without a login; where the ad blocker
was built, that session has it, and the shop's advertisement is not asked for any more.
The exit status is 0 only if the site's own log shows each of these exactly as often as it should, by one visitor, and
no process of the browser is left.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from textwrap import shorten

import psutil
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text
from tabkeep import Client, Run, RunEvent, RunStatus, actions
from tabkeep.records.run_events import StepFinished, StepOutcome, StepStarted

from browser_host.kernel import isolation
from demo.site import DemoSite, SiteLog

USERNAME, PASSWORD = "support@company.com", "headphones-4-all"
CUSTOMER = "customer@example.com"
HEADPHONES = "cove-wireless-headphones"
AD_BLOCKER = Path(__file__).parents[1] / ".tools" / "ad-blocker"
START_SECONDS = 60.0
STOP_SECONDS = 20.0

CHECKOUT = """
version: 1
title: Checkout, once a person agrees
blocks:
  - approve:
      id: agree
      message: Place the order for what is in the cart?
      timeout: 10m
  - task:
      id: order
      prompt: Complete checkout and confirm order
"""
REPORT = """
version: 1
title: Export the monthly report
parameters:
  site: {type: string, description: where the customer desk is}
  month: {type: string, default: "2026-10"}
blocks:
  - goto: {id: open, url: "{{site}}/desk/reports/{{month}}"}
  - actions:
      id: export
      steps:
        - click: {role: button, name: Export report}
          expect: [{text: Report exported}]
  - extract: {id: report}
"""

console = Console(highlight=False, soft_wrap=True)


class DemoFailed(Exception):
    """The demo did not do what it says; the text tells what."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A running control plane and host."""

    address: str
    api_key: str
    data_dir: Path
    pids: tuple[int, ...]


@asynccontextmanager
async def running_stack(data_dir: Path) -> AsyncIterator[Stack]:
    """`tabkeep up` on free ports, ended with SIGTERM."""
    up = ["up", "--json", "--data-dir", str(data_dir), "--grpc-address", "127.0.0.1:0"]
    up += ["--allow-private", "127.0.0.1"]  # the demo's own site; otherwise browsers reach the public web only
    up += ["--http-address", ""]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tabkeep", *up, stdout=asyncio.subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_SECONDS):
            line = await process.stdout.readline()
        if not line:
            raise DemoFailed(f"tabkeep up ended with status {await process.wait()}; what it said stands above")
        ready = json.loads(line)
        key = (await asyncio.to_thread(Path(ready["api_key_file"]).read_text)).strip()
        yield Stack(ready["grpc_address"], key, data_dir, (ready["control_plane_pid"], ready["host_pid"]))
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def show(client: Client, title: str, run: Run) -> Run:
    """Print a run's steps as they happen; returns it once it is final.

    Raises:
        DemoFailed: it did not complete.
    """
    console.print(f"\n[bold]{title}[/bold]  [dim]{run.run_id}[/dim]")
    final = run
    async for update in client.watch_run(run.run_id):
        if isinstance(update, RunEvent):
            _show_step(update)
            continue
        final = update
        if update.status is RunStatus.PAUSED and update.pending_approval:
            await _answer(client, update)
    if final.status is not RunStatus.COMPLETED:
        raise DemoFailed(f"{title}: {final.status}, {final.failure_reason}: {final.failure_message}")
    if final.output is not None:
        text = json.dumps(final.output, ensure_ascii=False)
        console.print(Text("  output ", style="dim"), Text(shorten(text, 400, placeholder=" …")), sep="")
    return final


def _show_step(event: RunEvent) -> None:
    detail = event.detail
    if isinstance(detail, StepStarted):
        console.print(f"  {detail.step:>2} {escape(detail.description)}", end="")
    elif isinstance(detail, StepFinished):
        done = detail.outcome is StepOutcome.DONE
        milliseconds = detail.duration / timedelta(milliseconds=1)
        console.print(
            f"  {'[green]done[/green]' if done else f'[red]{detail.message}[/red]'} [dim]{milliseconds:.0f} ms[/dim]"
        )


async def _answer(client: Client, run: Run) -> None:
    """Let a person answer the approval; without a terminal the demo answers yes, and says so."""
    approval = run.pending_approval
    assert approval is not None
    console.print(f"  [yellow]paused[/yellow] {escape(approval.message)}")
    if sys.stdin.isatty():
        typed = await asyncio.to_thread(input, "  approve? [Y/n] ")
        approved, comment = typed.strip().lower() in ("", "y", "yes"), "answered at the terminal"
    else:
        approved, comment = True, "no terminal: the demo agrees by itself"
        console.print(f"  [yellow]approved[/yellow] ({comment})")
    await client.resolve_approval(run.run_id, approval.approval_id, approved, comment=comment)


@dataclass(frozen=True, slots=True)
class Job:
    """What the main job did."""

    browser_session_ids: list[str]
    advertisements: int
    """How many the second session's browser asked for."""


def has_ad_blocker() -> bool:
    """Whether `make ad-blocker` has built it."""
    return (AD_BLOCKER / "manifest.json").exists()


async def main_job(client: Client, site: DemoSite) -> Job:
    """Everything a user's program would do."""
    for workflow_id, definition in (("wf_checkout", CHECKOUT), ("wf_export_monthly_report", REPORT)):
        await client.create_workflow(definition, workflow_id=workflow_id)
    async with client.browser_session(timeout=30, save_profile=True) as session:
        browser_session_id = session.browser_session_id
        console.print(f"session [bold]{browser_session_id}[/bold] is {session.state}")

        async def task(title: str, prompt: str, url: str | None = None) -> Run:
            return await show(
                client, title, await client.run_task(prompt, url=url, browser_session_id=browser_session_id)
            )

        await task("Log in", f"Login with username '{USERNAME}' and password '{PASSWORD}'", f"{site.url}/desk/login")
        found = await task("Find a customer, already logged in", f"Find customer with email '{CUSTOMER}'")
        if "Casey Morgan" not in json.dumps(found.output):
            raise DemoFailed(f"the customer found is not the one asked for: {found.output}")
        await task("Fill the cart", "Find wireless headphones under $100, add top result to cart", site.url)
        await show(
            client,
            "Check out, once a person agrees",
            await client.run_workflow("wf_checkout", browser_session_id=browser_session_id),
        )
        await show(
            client,
            "Run a workflow, still logged in",
            await client.run_workflow(
                "wf_export_monthly_report", parameters={"site": site.url}, browser_session_id=browser_session_id
            ),
        )
    profile = await client.create_browser_profile("demo", browser_session_id=browser_session_id)
    console.print(f"\nthe state of that session is profile [bold]{profile.browser_profile_id}[/bold]")
    extensions = ["ad-blocker"] if has_ad_blocker() else []
    async with client.browser_session(
        timeout=30, browser_profile_id=profile.browser_profile_id, extensions=extensions
    ) as later:
        seen = len(site.log.entries)
        await show(
            client,
            f"Open the shop again, {'with' if extensions else 'without'} the ad blocker",
            await client.run_task(actions=[actions.goto(site.url)], browser_session_id=later.browser_session_id),
        )
        advertisements = len(site.log.events("advertisement_shown", since=seen))
        run = await client.run_task(
            f"Find customer with email '{CUSTOMER}'",
            url=f"{site.url}/desk/customers",
            browser_session_id=later.browser_session_id,
        )
        found = await show(client, "Find the customer in another session, logged in from the profile", run)
        if "Casey Morgan" not in json.dumps(found.output):
            raise DemoFailed(f"the customer found is not the one asked for: {found.output}")
    return Job([browser_session_id, later.browser_session_id], advertisements)


async def browsers_gone(client: Client, browser_session_ids: list[str], data_dir: Path) -> bool:
    """Whether the host said that the browsers are gone, and the process table agrees."""
    async with asyncio.timeout(10):
        waiting = list(browser_session_ids)
        while waiting:
            if (await client.get_browser_session(waiting[-1])).browser_gone_time is None:
                await asyncio.sleep(0.05)
            else:
                waiting.pop()
    directory = await asyncio.to_thread((data_dir / "host" / "browsers").resolve)
    marks = (f"--user-data-dir={directory}", f"--database={directory}")
    left = [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if any(part.startswith(marks) for part in process.info["cmdline"] or [])
    ]
    return not left


def verdict(log: SiteLog, advertisements_later: int, gone: bool) -> bool:
    """Print what the site saw beside what it should have seen; True when they agree."""
    visitors = {entry.visitor for entry in log.events("login", "added_to_cart", "order_placed", "report_exported")}
    users = [entry.user for entry in log.events("login")]
    carts = [entry.details["product"] for entry in log.events("added_to_cart")]
    orders = [entry.details["products"] for entry in log.events("order_placed")]
    advertisements = log.count("advertisement_shown") - advertisements_later
    expected_later = 0 if has_ad_blocker() else 1
    blocked = f"… in the second, {'with' if has_ad_blocker() else 'without'} the ad blocker"
    rows: list[tuple[str, object, bool]] = [
        ("logins", ", ".join(map(str, users)), users == [USERNAME]),
        ("logins refused", log.count("login_failed"), log.count("login_failed") == 0),
        ("customer searches", log.count("customer_search"), log.count("customer_search") >= 2),
        ("put into the cart", ", ".join(carts), carts == [HEADPHONES]),
        ("orders placed", len(orders), orders == [{HEADPHONES: 1}]),
        ("orders sent twice", log.count("order_resubmitted"), log.count("order_resubmitted") == 0),
        ("reports exported", log.count("report_exported"), log.count("report_exported") == 1),
        ("advertisements, first session", advertisements, advertisements >= 1),
        (blocked, advertisements_later, advertisements_later == expected_later),
        ("visitors in all of this", len(visitors), len(visitors) == 1),
        ("browsers gone after the close", "yes" if gone else "no", gone),
    ]
    table = Table(title="\nWhat the site itself saw", title_style="bold", title_justify="left")
    table.add_column("what")
    table.add_column("seen")
    table.add_column("as it should be")
    for name, seen, right in rows:
        table.add_row(name, str(seen), "[green]yes[/green]" if right else "[red]NO[/red]")
    console.print(table)
    return all(right for _, _, right in rows)


async def main() -> int:
    """Run the demo; returns the exit status."""
    with tempfile.TemporaryDirectory(prefix="tabkeep-demo-") as directory:
        data_dir = Path(directory) / "data"
        async with DemoSite() as site:
            console.print(f"demo site at {site.url}; starting a control plane and a browser host …")
            try:
                async with running_stack(data_dir) as stack:
                    console.print(f"control plane at {stack.address} (pid {stack.pids[0]}), host pid {stack.pids[1]}")
                    async with Client(api_key=stack.api_key, address=stack.address) as client:
                        job = await main_job(client, site)
                        gone = await browsers_gone(client, job.browser_session_ids, data_dir)
            except DemoFailed as error:
                console.print(f"\n[red]the demo failed:[/red] {error}")
                return 1
            return 0 if verdict(site.log, job.advertisements, gone) else 1


def prepare() -> None:
    """Set what the host of this demo needs beyond its defaults."""
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    # Every browser that there is belongs to the session then, and the end can be told from the process table.
    os.environ.setdefault("TABKEEP_WARM_BROWSERS", "0")
    if has_ad_blocker():
        os.environ.setdefault("TABKEEP_EXTENSIONS", f"ad-blocker={AD_BLOCKER}")
    else:
        console.print("the ad blocker is not built (`make ad-blocker` says why): the demo goes on without it")
    if not isolation.sandbox_is_possible():
        os.environ.setdefault("TABKEEP_ALLOW_UNSANDBOXED", "1")
        console.print("no user namespaces here: the browser opens the demo's own site, and does so without its sandbox")


if __name__ == "__main__":
    prepare()
    sys.exit(asyncio.run(main()))
