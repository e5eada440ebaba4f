"""`tabkeep session`: open, look at, follow, extend and close browsers."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from tabkeep.cli import failures
from tabkeep.cli.connection import calls_control_plane, labels
from tabkeep.cli.durations import DURATION
from tabkeep.cli.isolation import limits
from tabkeep.cli.listing import MOST_OF_PAGE, first, limit_option
from tabkeep.cli.output import Output, show
from tabkeep.client import Client
from tabkeep.records.sessions import (
    BrowserSession,
    BrowserSessionChange,
    BrowserSessionState,
    BrowserSessionUpdate,
    CrashPolicy,
    DialogPolicy,
    HttpCredential,
    PageOptions,
    PermissionGrant,
    Proxy,
    SessionIsolation,
)


@click.group()
def session() -> None:
    """Open, look at, follow, extend and close browser sessions."""


def parse_viewport(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """Return WIDTHxHEIGHT as a pair; anything else is a usage error."""
    if value is None:
        return None
    width, x, height = value.partition("x")
    if not (x and width.isdecimal() and height.isdecimal()):
        raise click.BadParameter(f"{value!r} is not WIDTHxHEIGHT, for example 1280x720", ctx, param)
    return int(width), int(height)


def _read_proxy(
    proxy: str | None, proxy_user: str | None, proxy_password_file: Path | None, proxy_bypass: tuple[str, ...]
) -> Proxy | None:
    """Return the proxy that the options name."""
    if proxy is None:
        if proxy_user or proxy_password_file or proxy_bypass:
            raise click.UsageError("--proxy-user, --proxy-password-file and --proxy-bypass belong to a --proxy")
        return None
    if "@" in proxy:
        raise click.UsageError(
            "--proxy: everybody on this machine can read a command line: give the user with --proxy-user and the "
            "password with --proxy-password-file"
        )
    password = proxy_password_file.read_text(encoding="utf-8").strip() if proxy_password_file else ""
    return Proxy(url=proxy, username=proxy_user or "", password=password, bypass=proxy_bypass)


def network_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for what a browser may reach, and how; the command gets them as Python's client takes them."""

    @click.option("--proxy", metavar="URL", help="http, https or socks5://host:port.")
    @click.option("--proxy-user", metavar="NAME")
    @click.option(
        "--proxy-password-file",
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        help="File with the proxy's password.",
    )
    @click.option(
        "--proxy-bypass",
        multiple=True,
        metavar="DOMAIN",
        help="Reached without the proxy. May be given several times.",
    )
    @click.option("--proxy-location", metavar="NAME", help="A proxy of the operator's, for example RESIDENTIAL_GB.")
    @click.option(
        "--allow-domain",
        "allowed_domains",
        multiple=True,
        metavar="DOMAIN",
        help="Reach only this, and what is below it. May be given several times.",
    )
    @click.option(
        "--block-domain",
        "blocked_domains",
        multiple=True,
        metavar="DOMAIN",
        help="Do not reach this. May be given several times.",
    )
    @functools.wraps(command)
    def with_proxy(
        *args: Any,
        proxy: str | None,
        proxy_user: str | None,
        proxy_password_file: Path | None,
        proxy_bypass: tuple[str, ...],
        proxy_location: str | None,
        **options: Any,
    ) -> Any:
        own = _read_proxy(proxy, proxy_user, proxy_password_file, proxy_bypass)
        return command(*args, proxy=own, proxy_location=proxy_location, **options)

    return with_proxy


def parse_grant(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[PermissionGrant, ...]:
    """Return each PERMISSION or PERMISSION@ORIGIN as what it grants."""
    return tuple(PermissionGrant(*one.split("@", 1)) for one in value)


def read_logins(ctx: click.Context, param: click.Parameter, value: Path | None) -> tuple[HttpCredential, ...]:
    """Return what a file of HTTP credentials holds; anything else is a usage error, which repeats nothing of it."""
    if value is None:
        return ()
    try:
        return tuple(HttpCredential(**one) for one in json.loads(value.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        raise click.BadParameter(
            f'{value} must hold [{{"origin": "https://...", "username": "...", "password": "..."}}]', ctx, param
        ) from None


def page_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for how tabs and dialogs are dealt with."""
    options = (
        click.option(
            "--dialogs", type=click.Choice(["dismiss", "accept"]), help="That no action answers.  [default: dismiss]"
        ),
        click.option(
            "--on-crash", type=click.Choice(["reload", "close_session"]), help="Of a page.  [default: reload]"
        ),
        click.option("--max-pages", type=click.IntRange(1, 100), help="Tabs open at once.  [default: 20]"),
        click.option(
            "--grant",
            "permissions",
            multiple=True,
            callback=parse_grant,
            metavar="PERMISSION[@ORIGIN]",
            help="Let pages do this: geolocation, notifications, ... May be given several times.",
        ),
        click.option(
            "--http-credentials",
            type=click.Path(path_type=Path, dir_okay=False, exists=True),
            callback=read_logins,
            help="JSON file with origin, username and password of sites that ask by HTTP.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@session.command()
@click.option("--timeout", type=DURATION, help="Lifetime from the browser's launch, 5m to 24h.  [default: 60m]")
@click.option("--browser", "browser_type", type=click.Choice(["chrome", "msedge"]), help="[default: chrome]")
@click.option("--url", help="A page to open first.")
@click.option("--viewport", callback=parse_viewport, help="WIDTHxHEIGHT.  [default: 1280x720]")
@click.option("--label", "label", multiple=True, metavar="KEY=VALUE", help="May be given several times.")
@click.option("--queue-timeout", type=DURATION, help="How long to wait for a host with room.  [default: 60s]")
@click.option("--profile", "browser_profile_id", help="The browser profile to start from.")
@click.option("--profile-version", "browser_profile_version", type=click.IntRange(1), help="[default: the current one]")
@click.option("--save", "save_profile", is_flag=True, help="Keep its state at the end.")
@click.option("--extension", "extensions", multiple=True, help="By the name a host offers; may be given several times.")
@click.option("--request-id", help="The same id returns the same session.")
@click.option("--wait", is_flag=True, help="Return when the browser is up.")
@network_options
@page_options
@calls_control_plane
async def create(client: Client, output: Output, label: tuple[str, ...], wait: bool, **options: Any) -> int | None:
    """Open a browser session."""
    made = await client.create_browser_session(labels=labels(label), **options)
    if wait:
        made = await _until_up(client, made)
    show_session(output, made)
    return failures.FAILED if made.state is BrowserSessionState.CLOSED else None


@session.command()
@click.argument("browser_session_id")
@calls_control_plane
async def get(client: Client, output: Output, browser_session_id: str) -> None:
    """Show one session."""
    show_session(output, await client.get_browser_session(browser_session_id))


@session.command("list")
@click.option("--state", "states", multiple=True, type=click.Choice(["pending", "launching", "running", "closed"]))
@click.option("--label", "label", multiple=True, metavar="KEY=VALUE")
@limit_option
@calls_control_plane
async def list_sessions(
    client: Client, output: Output, states: tuple[str, ...], label: tuple[str, ...], limit: int
) -> None:
    """List sessions, newest first."""
    found = await first(
        limit, client.list_browser_sessions(states=states, labels=labels(label), page_size=min(limit, MOST_OF_PAGE))
    )
    columns = ("SESSION", "STATE", "BROWSER", "HOST", "CREATED", "EXPIRES", "PAGE")
    rows = [
        (s.browser_session_id, _state(s), s.browser_type, s.host_id, s.create_time, s.expire_time, s.current_url)
        for s in found
    ]
    output.table(found, columns, rows)


@session.command()
@click.argument("browser_session_id")
@calls_control_plane
async def pages(client: Client, output: Output, browser_session_id: str) -> None:
    """List a session's open tabs."""
    found = await client.list_pages(browser_session_id)
    rows = [("*" if p.current else "", p.page_id, p.opener_page_id, p.title, p.url) for p in found]
    output.table(found, ("", "TAB", "OPENED BY", "TITLE", "URL"), rows)


@session.command("take-over")
@click.argument("browser_session_id")
@click.option("--for", "lifetime", type=DURATION, help="How long the link works, up to 1h.  [default: 15m]")
@calls_control_plane
async def take_over(client: Client, output: Output, browser_session_id: str, lifetime: timedelta | None) -> None:
    """Make a link with which a person takes over a session's browser."""
    made = await client.create_take_over_link(browser_session_id, lifetime=lifetime)
    if output.as_json:
        output.json_line(made)
    else:
        click.echo(made.url)  # in one piece, however narrow the terminal is
        click.echo(f"works until {show(made.expire_time)}", err=True)


@session.command()
@click.argument("browser_session_id")
@click.option("--expiry-warning", type=DURATION, help="How long before its end to warn.  [default: 1m]")
@calls_control_plane
async def watch(client: Client, output: Output, browser_session_id: str, expiry_warning: timedelta | None) -> None:
    """Follow a session until it is closed."""
    async for update in client.watch_browser_session(browser_session_id, expiry_warning=expiry_warning):
        if output.as_json:
            output.json_line(update)
        else:
            output.line(_update_line(update))


@session.command()
@click.argument("browser_session_id")
@click.argument("timeout", type=DURATION)
@calls_control_plane
async def extend(client: Client, output: Output, browser_session_id: str, timeout: timedelta) -> None:
    """Set a new whole lifetime, counted from the browser's launch: 30m, 2h."""
    show_session(output, await client.extend_browser_session(browser_session_id, timeout))


@session.command()
@click.argument("browser_session_id")
@network_options
@page_options
@click.option("--no-proxy", is_flag=True, help="Take the proxy away.")
@click.option("--allow-all-domains", is_flag=True, help="Take the list of allowed domains away.")
@click.option("--block-no-domains", is_flag=True, help="Take the list of blocked domains away.")
@click.option("--grant-nothing", is_flag=True, help="Take all permissions away.")
@click.option("--no-http-credentials", is_flag=True, help="Take the HTTP credentials away.")
@calls_control_plane
async def update(
    client: Client,
    output: Output,
    browser_session_id: str,
    no_proxy: bool,
    allow_all_domains: bool,
    block_no_domains: bool,
    grant_nothing: bool,
    no_http_credentials: bool,
    proxy: Proxy | str | None,
    proxy_location: str | None,
    allowed_domains: tuple[str, ...],
    blocked_domains: tuple[str, ...],
    permissions: tuple[PermissionGrant, ...],
    http_credentials: tuple[HttpCredential, ...],
    **options: Any,
) -> None:
    """Change the proxy, domains, permissions and the like of an open session while its browser goes on."""
    for taken_away, by, given, name in (
        (no_proxy, "--no-proxy", proxy or proxy_location, "--proxy or --proxy-location"),
        (allow_all_domains, "--allow-all-domains", allowed_domains, "--allow-domain"),
        (block_no_domains, "--block-no-domains", blocked_domains, "--block-domain"),
        (grant_nothing, "--grant-nothing", permissions, "--grant"),
        (no_http_credentials, "--no-http-credentials", http_credentials, "--http-credentials"),
    ):
        if taken_away and given:
            raise click.UsageError(f"give {by}, or {name}, not both")
    takes_away = (no_proxy, allow_all_domains, block_no_domains, grant_nothing, no_http_credentials)
    gives = (proxy, allowed_domains, blocked_domains, permissions, http_credentials, *options.values())
    if not any(takes_away) and not any(gives) and proxy_location is None:
        raise click.UsageError("say what to change: --help lists it")
    changed = await client.update_browser_session(
        browser_session_id,
        proxy="" if no_proxy else proxy,
        proxy_location=proxy_location,
        allowed_domains=() if allow_all_domains else allowed_domains or None,
        blocked_domains=() if block_no_domains else blocked_domains or None,
        permissions=() if grant_nothing else permissions or None,
        http_credentials=() if no_http_credentials else http_credentials or None,
        **options,
    )
    show_session(output, changed)


@session.command()
@click.argument("browser_session_id", nargs=-1, required=True)
@calls_control_plane
async def close(client: Client, output: Output, browser_session_id: tuple[str, ...]) -> None:
    """Close sessions; closing a closed one changes nothing."""
    for one in browser_session_id:
        show_session(output, await client.close_browser_session(one))


def show_session(output: Output, s: BrowserSession) -> None:
    """Write one session."""
    fields = (
        ("session", s.browser_session_id),
        ("state", s.state.value),
        ("close reason", s.close_reason),
        ("close message", s.close_message),
        ("browser", s.browser_version or s.browser_type.value),
        ("extensions", ", ".join(s.extensions) or None),
        ("sandbox", None if s.sandboxed or s.start_time is None else "off, by the host's operator"),
        *_isolation_fields(s.isolation),
        ("warm start", "yes" if s.warm_start else None),
        ("proxy", s.proxy and s.proxy.url),
        ("proxy location", s.proxy_location),
        ("time zone", s.time_zone),
        ("locale", s.locale),
        ("allowed domains", ", ".join(s.allowed_domains)),
        ("blocked domains", ", ".join(s.blocked_domains)),
        ("host", s.host_id),
        ("page", s.current_url or s.url),
        ("title", s.page_title),
        ("tabs", s.tab_count or None),
        *_page_fields(s.page_options),
        ("profile", s.browser_profile_id and f"{s.browser_profile_id}, version {s.browser_profile_version}"),
        ("profile save", _save_words(s)),
        ("cdp", s.cdp_url),
        ("run", s.active_run_id),
        ("timeout", s.timeout),
        ("created", s.create_time),
        ("started", s.start_time),
        ("expires", s.expire_time),
        ("closed", s.close_time),
        ("labels", dict(s.labels)),
        ("conditions", "; ".join(f"{c.type}: {c.message}" for c in s.conditions)),
    )
    output.record(s, fields)


def _isolation_fields(isolation: SessionIsolation | None) -> list[tuple[str, str]]:
    if isolation is None:
        return []
    return [
        ("user", "its own" if isolation.own_user else "the host's own, as other sessions"),
        ("limits", limits(isolation.memory_limit_bytes, isolation.task_limit, isolation.cpu_percent_limit)),
    ]


def _page_fields(options: PageOptions | None) -> list[tuple[str, str]]:
    """What of the page options is not as usual."""
    if options is None:
        return []
    grants = [f"{one.permission}@{one.origin}" if one.origin else one.permission for one in options.permissions]
    return [
        ("dialogs", "" if options.dialogs is DialogPolicy.DISMISS else options.dialogs.value),
        ("on crash", "" if options.on_crash is CrashPolicy.RELOAD else options.on_crash.value),
        ("permissions", ", ".join(grants)),
        ("http credentials", ", ".join(one.origin for one in options.http_credentials)),
    ]


async def _until_up(client: Client, made: BrowserSession) -> BrowserSession:
    async with aclosing(client.watch_browser_session(made.browser_session_id)) as updates:
        async for update in updates:
            made = update.browser_session
            if made.state in (BrowserSessionState.RUNNING, BrowserSessionState.CLOSED):
                break
    return made


def _save_words(s: BrowserSession) -> str:
    save = s.profile_save
    if save is None:
        return ""
    words = [save.state.value]
    if save.browser_profile_version:
        words.append(f"version {save.browser_profile_version}")
    if save.state_time:
        words.append(f"as of {show(save.state_time)}")
    return ", ".join([*words, save.message] if save.message else words)


def _state(s: BrowserSession) -> str:
    return s.state.value


def _update_line(update: BrowserSessionUpdate) -> str:
    s = update.browser_session
    if update.change is BrowserSessionChange.EXPIRY_WARNING:
        return f"{show(s.update_time)}  expires soon: {show(s.expire_time)}"
    words = [show(s.update_time), "", s.state.value]
    if s.close_reason:
        words.append(f"{s.close_reason.value} {show(s.close_message)}")
    elif s.current_url:
        words.append(f"{show(s.current_url)} {show(s.page_title or '')}".strip())
    if s.active_run_id:
        words.append(f"run {s.active_run_id}")
    return " ".join(words)
