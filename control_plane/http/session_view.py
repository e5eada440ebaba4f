"""A session's page as HTML, of what the store has: its state, its runs, their steps, pictures, files and results. Pure.

All of it is text that callers and web pages wrote, so every word goes through `_text`. There is no script in it.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any

from tabkeep.v1 import browser_sessions_pb2, runs_pb2

from control_plane.entities.records import Artifact
from control_plane.http import seed_runs, seed_sessions

_HEADING = 120
"""Characters of a run's heading; what is longer stands below it whole."""
_OUTPUT = 20_000
_WITHOUT_MARKS = dict.fromkeys(
    [*range(32), 0x7F, 0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)],
    "\N{REPLACEMENT CHARACTER}",
) | {ord("\n"): "\n", ord("\t"): "\t"}
"""What would show text in another order than it has, or not at all."""
_STYLE = """
:root { color-scheme: light dark; --ink: #1d1d1f; --quiet: #626770; --line: #d9dce1; --ground: #fff; --card: #f6f7f8;
  --good: #14733b; --bad: #a40000; --busy: #1456b8; --ask: #fff3c4 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e7e9; --quiet: #9da3ad; --line: #3a3e45; --ground: #17181b;
  --card: #202226; --good: #5fd08c; --bad: #ff8f85; --busy: #82b4ff; --ask: #4a3f12 } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 68rem; padding: 0 1rem; color: var(--ink);
  background: var(--ground); overflow-wrap: anywhere }
h1 { font-size: 1.3rem; margin: 0 } h2 { font-size: 1.05rem; margin: 0 } p { margin: .4rem 0 }
small, dt, .quiet { color: var(--quiet) } a { color: var(--busy) }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 1rem 0; align-content: start }
dd { margin: 0; min-width: 0 }
.top { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 24rem); gap: 0 2rem }
section { margin-top: 2rem; padding-top: 1rem; border-top: 1px solid var(--line) }
ol { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: .8rem; padding: 0;
  list-style: none } li { padding: .5rem .7rem; background: var(--card); border-radius: 6px; min-width: 0 }
img { display: block; width: 100%; box-sizing: border-box; aspect-ratio: 16 / 9; object-fit: cover;
  object-position: top; border: 1px solid var(--line); border-radius: 4px; margin: .4rem 0 0 }
pre { white-space: pre-wrap; background: var(--card); border-radius: 6px; padding: .6rem .8rem; margin: .6rem 0;
  max-height: 24rem; overflow: auto; font-size: .87rem }
.prompt { white-space: pre-wrap } .ask { background: var(--ask); border-radius: 6px; padding: .6rem .8rem }
.badge { display: inline-block; border: 1px solid; border-radius: 1rem; padding: 0 .6rem; font-size: .85rem;
  font-weight: 600; color: var(--busy) }
.closed, .canceled { color: var(--quiet) } .completed { color: var(--good) }
.failed, .terminated, .timed_out { color: var(--bad) }
@media (max-width: 45rem) { body { margin: 1rem auto } .top { grid-template-columns: minmax(0, 1fr) } }
"""

Link = Callable[[str, str], str]
"""The path of an artifact of the session, by its id and how it is to be opened: "screenshots" or "files"."""


@dataclass(frozen=True, slots=True)
class ShownRun:
    """A run and what is stored of it."""

    run: runs_pb2.Run
    workflow_title: str
    """Empty for tasks."""
    events: Sequence[runs_pb2.RunEvent]
    artifacts: Sequence[Artifact]
    """Those whose bytes are there, oldest first."""


def session(shown: browser_sessions_pb2.BrowserSession, runs: Sequence[ShownRun], link: Link, *, more: bool) -> str:
    """The page of a session with its newest runs, the newest first; `more`: there are older ones."""
    state = seed_sessions.session(shown, None)["state"] or "pending"
    parts = [
        f'<h1>Browser session <span class="badge {state}">{state}</span></h1>',
        f'<div class="top"><div>{_facts(shown)}</div>{_newest_picture(runs, link)}</div>',
        *(_run(shown.browser_session_id, one, link) for one in runs),
    ]
    if not runs:
        parts.append('<p class="quiet">Nothing has run in it yet.</p>')
    if more:
        parts.append(f'<p class="quiet">Older runs than these {len(runs)} are not shown.</p>')
    fresh = shown.state != browser_sessions_pb2.BROWSER_SESSION_STATE_CLOSED
    return whole(f"{state}: {shown.browser_session_id}", "\n".join(parts), fresh=fresh)


def refusal(title: str, text: str) -> str:
    """A page that says why there is none."""
    return whole(title, f"<h1>{_text(title)}</h1><p>{_text(text)}</p>", fresh=False)


def whole(title: str, body: str, *, fresh: bool) -> str:
    """A whole page; `fresh` lets the browser load it again every few seconds."""
    again = '<meta http-equiv="refresh" content="5">' if fresh else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{again}'
        '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
        f'<link rel="icon" href="data:,"><title>{_text(title)}</title><style>{_STYLE}</style></head>'
        f"<body>\n{body}\n</body></html>"
    )


def _facts(session: browser_sessions_pb2.BrowserSession) -> str:
    shown = seed_sessions.session(session, None)
    ended = shown["completed_at"] is not None
    rows = [
        ("id", _text(session.browser_session_id)),
        ("closed because", _text(shown["close_message"] or "")),
        ("page", _text(shown["page_title"] or "")),
        ("at", _text(shown["current_url"] or "")),
        ("browser", _text(shown["browser_type"] or "")),
        ("created", _time(shown["created_at"])),
        ("started", _time(shown["started_at"])),
        ("closed", _time(shown["completed_at"])) if ended else ("closes", _time(shown["expires_at"])),
        *(("note", _text(condition["message"])) for condition in shown["conditions"]),
    ]
    return f"<dl>{''.join(f'<dt>{name}</dt><dd>{value}</dd>' for name, value in rows if value)}</dl>"


def _newest_picture(runs: Sequence[ShownRun], link: Link) -> str:
    """What the session showed last, as far as steps have pictures."""
    pictures = [one for run in runs for one in run.artifacts if one.artifact_type == "screenshot"]
    if not pictures:
        return ""
    newest = max(pictures, key=lambda one: (one.create_time, one.artifact_id))
    return _picture(link(newest.artifact_id, "screenshots"), "the newest picture of the page")


def _run(browser_session_id: str, one: ShownRun, link: Link) -> str:
    run, shown = one.run, seed_runs.run(one.run, None)
    heading = " ".join((shown["title"] or one.workflow_title or seed_runs.title(run)).split())
    short = textwrap.shorten(heading, _HEADING, placeholder=" …") if len(heading) > _HEADING else heading
    about = [_text(run.run_id), f"{run.step_count} step{'' if run.step_count == 1 else 's'}"]
    if run.HasField("start_time") and run.HasField("end_time"):
        about.append(f"{(run.end_time.ToDatetime() - run.start_time.ToDatetime()).total_seconds():.1f} s")
    status = shown["status"]
    parts = [
        f"<h2>{_text(short)}</h2>",
        f'<p><span class="badge {status}">{status}</span> <small>{" · ".join(about)}</small></p>',
    ]
    if run.prompt and " ".join(run.prompt.split()) != short:
        parts.append(f'<p class="prompt">{_text(run.prompt)}</p>')
    if shown["failure_reason"]:
        parts.append(f'<p class="failed">{_text(shown["failure_reason"])}</p>')
    if shown["pending_approval"]:
        parts.append(_question(browser_session_id, run))
    if shown["output"] is not None:
        parts.append(f"<pre>{_text(_output(shown['output']))}</pre>")
    if files := [artifact for artifact in one.artifacts if artifact.artifact_type == "download"]:
        names = (f'<a href="{_text(link(file.artifact_id, "files"))}">{_text(file.file_name)}</a>' for file in files)
        parts.append(f"<p>Downloaded: {', '.join(names)}</p>")
    if steps := "".join(_steps(one, link)):
        parts.append(f"<ol>{steps}</ol>")
    return f"<section>{''.join(parts)}</section>"


def _question(browser_session_id: str, run: runs_pb2.Run) -> str:
    """What a run asks, and how it is answered."""
    if run.pending_approval.kind == runs_pb2.APPROVAL_KIND_TAKE_OVER:
        how = f"To take over: <code>tabkeep session take-over {_text(browser_session_id)}</code>"
    else:
        run_id = _text(run.run_id)
        how = f"To answer: <code>tabkeep run approve {run_id}</code> or <code>tabkeep run reject {run_id}</code>"
    return f'<p class="ask">It asks: {_text(run.pending_approval.message)}<br><small>{how}</small></p>'


def _output(output: Any) -> str:
    text = output if isinstance(output, str) else json.dumps(output, ensure_ascii=False, indent=2)
    return text if len(text) <= _OUTPUT else f"{text[:_OUTPUT]}…"


def _steps(one: ShownRun, link: Link) -> Iterable[str]:
    pictures = {artifact.artifact_id for artifact in one.artifacts if artifact.artifact_type == "screenshot"}
    begun: dict[int, str] = {}
    ended: dict[int, runs_pb2.StepFinished] = {}
    for event in one.events:
        if event.WhichOneof("kind") == "step_started":
            begun[event.step_started.step] = event.step_started.description
        elif event.WhichOneof("kind") == "step_finished":
            ended[event.step_finished.step] = event.step_finished
    for step, description in begun.items():
        yield f"<li>{step}. {_text(description)} {_outcome(ended.get(step), description, pictures, link)}</li>"


def _outcome(finished: runs_pb2.StepFinished | None, description: str, pictures: set[str], link: Link) -> str:
    if finished is None:
        return "<small>under way</small>"
    parts = [f"<small>{finished.duration.ToTimedelta().total_seconds():.1f} s</small>"]
    if finished.outcome != runs_pb2.STEP_OUTCOME_DONE:
        parts.append(f'<span class="failed">{_text(finished.message)}</span>')
    if finished.screenshot_artifact_id in pictures:
        path = link(finished.screenshot_artifact_id, "screenshots")
        parts.append(_picture(path, f"the page after: {description}"))
    return " ".join(parts)


def _picture(path: str, description: str) -> str:
    """A picture that leads to itself in full, and is loaded when somebody scrolls to it."""
    return f'<a href="{_text(path)}"><img src="{_text(path)}" alt="{_text(description)}" loading="lazy"></a>'


def _time(said: str | None) -> str:
    """A time for people, in UTC as everything is."""
    if said is None:
        return ""
    return f'<time datetime="{said}">{datetime.fromisoformat(said):%d %b %Y, %H:%M:%S} UTC</time>'


def _text(value: str) -> str:
    """Text that somebody wrote, so that it stays text, and stays in its order."""
    return escape(value.translate(_WITHOUT_MARKS))
