"""A session's page: what stands on it, and that what others wrote stays text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

from google.protobuf.struct_pb2 import Value
from tabkeep.v1 import browser_sessions_pb2, runs_pb2

from control_plane.entities.records import Artifact, ArtifactState
from control_plane.http import session_view
from control_plane.http.session_view import ShownRun
from tests.fake_host import step_finished, step_started

NOW = datetime(2026, 2, 1, 10, 30, tzinfo=UTC)
HOSTILE = "</title><script>alert(1)</script>\"'<img src=x> \N{RIGHT-TO-LEFT OVERRIDE}drow \0"


class Page(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str, name: str) -> list[str | None]:
        return [attributes.get(name) for found, attributes in self.elements if found == tag]


def page(*runs: ShownRun, state: int = browser_sessions_pb2.BROWSER_SESSION_STATE_RUNNING, **fields: str) -> Page:
    session = browser_sessions_pb2.BrowserSession(browser_session_id="pbs_1", state=state, **fields)
    session.create_time.FromDatetime(NOW)
    return Page(session_view.session(session, runs, lambda artifact_id, kind: f"/{kind}/{artifact_id}", more=False))


def shown(
    *events: runs_pb2.RunEvent, artifacts: tuple[Artifact, ...] = (), title: str = "", **fields: object
) -> ShownRun:
    return ShownRun(runs_pb2.Run(run_id="tsk_1", **fields), title, events, artifacts)


def artifact(artifact_id: str, kind: str, file_name: str = "", after: int = 0) -> Artifact:
    return Artifact(
        artifact_id, "o_a", "pbs_1", "tsk_1", kind, file_name, "", 1, "", ArtifactState.STORED, "", True,
        NOW + timedelta(seconds=after), None,
    )  # fmt: skip


def test_steps_have_their_pictures_and_the_newest_one_stands_on_top():
    first, second = step_finished(2, 1), step_finished(4, 2)
    first.step_finished.screenshot_artifact_id, second.step_finished.screenshot_artifact_id = "art_1", "art_gone"
    pictures = (artifact("art_1", "screenshot"), artifact("art_2", "screenshot", after=5))
    seen = page(shown(step_started(1), first, step_started(3, 2), second, step_started(5, 3), artifacts=pictures))
    assert seen.all("img", "src") == ["/screenshots/art_2", "/screenshots/art_1"]
    assert "1. click 0.0 s" in seen.text
    assert "3. click under way" in seen.text


def test_what_others_wrote_stays_text_in_its_order():
    run = shown(
        step_started(1), prompt=HOSTILE, title=HOSTILE, output=Value(string_value=HOSTILE),
        status=runs_pb2.RUN_STATUS_FAILED, failure_reason=runs_pb2.FAILURE_REASON_INTERNAL, failure_message=HOSTILE,
        artifacts=(artifact("art_1", "download", HOSTILE),),
    )  # fmt: skip
    run.events[0].step_started.description = HOSTILE
    run.run.pending_approval.message = HOSTILE
    seen = page(run, page_title=HOSTILE, current_url=HOSTILE)
    assert not {"script", "object", "iframe"} & {tag for tag, _ in seen.elements}
    assert seen.all("img", "src") == []
    assert not [name for _, attributes in seen.elements for name in attributes if name.startswith("on")]
    assert seen.text.count("alert(1)") == 8
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in seen.text
    assert "\0" not in seen.text


def test_a_run_is_called_by_its_title_and_a_long_prompt_stands_below():
    prompt = "Buy one of each. " * 40
    assert page(shown(prompt="Buy a mug")).text.count("Buy a mug") == 1
    assert "Buy one of each. …" in page(shown(prompt=prompt)).text
    assert page(shown(prompt=prompt)).text.count(prompt) == 1
    assert "Groceries" in page(shown(workflow_id="wf_1", title="Groceries")).text
    labelled = page(shown(prompt="Buy a mug", labels={"title": "For Grace"})).text
    assert labelled.index("For Grace") < labelled.index("Buy a mug")


def test_results_and_downloads_are_there():
    output = Value()
    output.struct_value["name"] = "Grace"
    seen = page(shown(output=output, artifacts=(artifact("art_1", "download", "bill.pdf"),)))
    assert '"name": "Grace"' in seen.text
    assert seen.all("a", "href") == ["/files/art_1"]
    assert "bill.pdf" in seen.text


def test_a_question_says_how_it_is_answered():
    run = shown(status=runs_pb2.RUN_STATUS_PAUSED)
    run.run.pending_approval.message = "Place the order?"
    assert "It asks: Place the order?To answer: tabkeep run approve tsk_1" in page(run).text
    run.run.pending_approval.kind = runs_pb2.APPROVAL_KIND_TAKE_OVER
    assert "tabkeep session take-over pbs_1" in page(run).text


def test_only_the_page_of_an_open_session_is_loaded_again():
    assert page().all("meta", "http-equiv").count("refresh") == 1
    closed = page(state=browser_sessions_pb2.BROWSER_SESSION_STATE_CLOSED, close_message="closed on request")
    assert closed.all("meta", "http-equiv").count("refresh") == 0
    assert "closed on request" in closed.text
    assert "01 Feb 2026, 10:30:00 UTC" in closed.text
