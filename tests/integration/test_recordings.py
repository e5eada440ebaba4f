"""Recordings on real pages: what the site saw is the truth, not what a replay says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from tabkeep.host.v1 import host_pb2
from tabkeep.v1 import actions_pb2, recordings_pb2, runs_pb2

from browser_host.browser import HeldFile
from browser_host.chat_completions import ChatCompletions, ModelSettings
from browser_host.clock import SystemClock
from browser_host.task import replay
from browser_host.task.journal import Credential
from control_plane.prompt_secrets import secrets_in
from control_plane.prompt_templates import taken_apart
from demo.site import DemoSite
from tests.integration.task_fixtures import Desk, ListJournal, Outcome, PageServer, impatient
from tests.model_stub import calls, model_stub, tool

LOGIN = "Login with username '{}' and password '{}'"
STAFF = ("support@company.com", "headphones-4-all")
SHOPPER = ("shopper@example.com", "shop-till-drop")
FORM = """<title>Notes</title><h1>Notes</h1><form onsubmit="event.preventDefault();
 document.querySelector('#list').innerHTML += '<li>' + note.value + '</li>'; note.value = ''">
 <label>{label} <input id=note></label><button id=add>{button}</button></form><ul id=list></ul>"""


class Shelf:
    """Runs prompts with what earlier runs have recorded, as a control plane would hand it out."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.known: list[host_pb2.Recordings.Known] = []

    async def run(
        self,
        prompt: str,
        mode: runs_pb2.ReplayMode = runs_pb2.REPLAY_MODE_UNSPECIFIED,
        journal: ListJournal | None = None,
        **fields: Any,
    ) -> Outcome:
        secrets, recordings = secrets_in(prompt), self.of(prompt, mode)
        outcome = await self.desk.run(prompt=prompt, journal=journal, secrets=secrets, recordings=recordings, **fields)
        self._keep(outcome)
        return outcome

    async def run_workflow(
        self, *blocks: host_pb2.Block, secret: str = "", journal: ListJournal | None = None, **parameters: str
    ) -> Outcome:
        """Run blocks with parameters, of which one is secret."""
        for block in blocks:
            if block.HasField("task") and block.task.recordings.mode != runs_pb2.REPLAY_MODE_OFF:
                mode = block.task.recordings.mode
                block.task.recordings.CopyFrom(self.of(block.task.prompt, mode, parameters, [secret]))
        outcome = await self.desk.run(
            blocks=blocks, parameters=parameters, secret_parameters=[secret], workflow=True, journal=journal
        )
        self._keep(outcome)
        return outcome

    def of(
        self,
        prompt: str,
        mode: runs_pb2.ReplayMode,
        parameters: dict[str, str] | None = None,
        secret: Sequence[str] = (),
    ) -> host_pb2.Recordings:
        """What is recorded of a prompt."""
        template = taken_apart(prompt, secrets_in(prompt), parameters, secret)
        assert template is not None
        recordings = host_pb2.Recordings(mode=mode, template=template.text)
        for value in template.values:
            recordings.values.add(name=value.name, text=value.text, secret=value.secret)
        recordings.known.extend(known for known in self.known if known.task.template == template.text)
        return recordings

    def _keep(self, outcome: Outcome) -> None:
        for event in outcome.journal.of("task_recorded"):
            if event.recording_id:
                [known] = [one for one in self.known if one.recording_id == event.recording_id]
                known.trusted |= event.confirmed
            else:
                known = host_pb2.Recordings.Known(recording_id=f"rec_{len(self.known) + 1}", version=0)
                self.known.append(known)
            if event.HasField("task"):
                known.version += 1
                known.task.CopyFrom(event.task)

    async def learn(self, *prompts: str, path: str) -> recordings_pb2.RecordedTask:
        """Let the same task be done with other values until its recording is trusted."""
        for prompt in prompts:
            await self.desk.browser.fresh()
            await self.desk.open(path)
            outcome = await self.run(prompt)
            assert outcome.status == "COMPLETED", outcome
            assert sources(outcome) == {"rules"}
        [known] = self.known
        assert known.trusted
        await self.desk.browser.fresh()
        return known.task


def sources(outcome: Outcome) -> set[str]:
    return {step.source for step in outcome.journal.of("step_started")}


@pytest.fixture
def shop(shop: Desk) -> Shelf:
    return Shelf(shop)


@pytest.fixture
def shelf(desk: Desk) -> Shelf:
    return Shelf(desk)


def page(body: str) -> str:
    return f"/text?{urlencode({'body': body})}"


async def test_a_task_that_gave_a_file_is_not_recorded_and_the_next_one_gives_its_own(shelf: Shelf, tmp_path: Path):
    form = page(
        "<label>Resume <input type=file id=file onchange='out.textContent = file.files[0].name'></label><p id=out>"
    )
    for name in ("ada.pdf", "bob.pdf", "cyd.pdf"):
        (tmp_path / name).write_bytes(b"%PDF")
        journal = ListJournal()
        journal.held = {name: HeldFile(tmp_path / name, name, 4)}
        await shelf.desk.open(form)
        outcome = await shelf.run(f"Upload '{name}' to Resume", journal=journal)
        assert outcome.status == "COMPLETED", outcome
        assert outcome.steps[0].message == f'the field shows "{name}"'
    assert shelf.known == []


async def test_the_same_task_with_other_values_is_replayed_once_two_runs_did_the_same(shop: Shelf, site: DemoSite):
    task = await shop.learn(LOGIN.format(*STAFF), LOGIN.format(*SHOPPER), path="/login")
    await shop.desk.open("/login")
    replayed = await shop.run(LOGIN.format(*STAFF))

    assert replayed.status == "COMPLETED", replayed
    assert sources(replayed) == {"replay"}
    [made] = replayed.journal.of("plan_made")
    assert (made.planner, made.recording_id) == ("replay", "rec_1")
    [fared] = replayed.journal.of("replayed")
    assert fared.verified
    assert not replayed.journal.of("task_recorded")
    assert [event.user for event in site.log.events("login")] == [STAFF[0], SHOPPER[0], STAFF[0]]
    assert task.template == "Login with username '{{value_1}}' and password '{{secret_1}}'"
    stored = task.SerializeToString() + replayed.journal.text.encode()
    assert not any(password.encode() in stored for _, password in (STAFF, SHOPPER))


async def test_a_replayed_login_that_the_page_refuses_is_no_success_and_no_fault_of_the_recording(
    shop: Shelf, site: DemoSite
):
    await shop.learn(LOGIN.format(*STAFF), LOGIN.format(*SHOPPER), path="/login")
    await shop.desk.open("/login")
    refused = await shop.run(LOGIN.format("support@company.com", "wrong-one"))
    assert (refused.status, refused.reason) == ("FAILED", "REJECTED_BY_PAGE"), refused
    assert "Wrong username or password." in refused.message
    assert sources(refused) == {"replay"}
    [fared] = refused.journal.of("replayed")
    assert not fared.verified
    assert not fared.stale
    assert site.log.count("login") == 2


async def test_a_record_is_found_again_by_reading_the_page_again(shop: Shelf):
    await shop.desk.open("/login")
    await shop.desk.run(prompt=LOGIN.format(*STAFF))
    outputs = []
    for email in ("customer@example.com", "beatriz@example.org", "customer@example.com", "nobody@example.com"):
        await shop.desk.open("/desk/customers")
        with impatient() if email.startswith("nobody") else nullcontext():
            outputs.append(await shop.run(f"Find customer with email '{email}'"))
    planned, _, replayed, absent = outputs
    assert replayed.status == "COMPLETED", replayed
    assert sources(replayed) == {"replay"}
    assert replayed.output == planned.output
    assert (absent.status, absent.reason, sources(absent)) == ("FAILED", "NOT_FOUND", {"replay"})


async def test_what_depends_on_what_the_page_shows_is_looked_for_again(shop: Shelf, site: DemoSite):
    prompt = LOGIN + ", then find wireless headphones under ${}, add top result to cart"
    for login, most in ((SHOPPER, 100), (SHOPPER, 200), (SHOPPER, 90)):
        await shop.desk.browser.fresh()
        await shop.desk.open("/login")
        outcome = await shop.run(prompt.format(*login, most))
        assert outcome.status == "COMPLETED", outcome
    [known] = shop.known
    assert [(part.looks_again, bool(part.steps)) for part in known.task.parts] == [
        (False, True),
        (True, False),
        (True, False),
    ]
    assert [step.source for step in outcome.journal.of("step_started")][:4] == ["replay", "replay", "replay", "rules"]
    assert site.log.count("added_to_cart") == 3


async def test_a_login_from_the_store_is_recorded_as_where_it_comes_from(shop: Shelf, site: DemoSite):
    journals = [ListJournal() for _ in range(3)]
    for journal in journals:
        journal.credentials[shop.desk.url] = [Credential(*STAFF, "")]
        await shop.desk.browser.fresh()
        await shop.desk.open("/login")
        outcome = await shop.run(f"Login with username '{STAFF[0]}'", journal=journal)
        assert outcome.status == "COMPLETED", outcome
    assert sources(outcome) == {"replay"}
    fills = [step.action.fill for step in shop.known[0].task.parts[0].steps if step.action.HasField("fill")]
    assert fills[0].value.parameter == "value_1"
    assert fills[1].value.credential.username == "{{value_1}}"
    assert STAFF[1] not in str(shop.known) + "".join(journal.text for journal in journals)
    assert site.log.count("login") == 3


FILL = "Fill Note with '{}', click Add note"


async def learned(shelf: Shelf) -> None:
    await shelf.learn(
        FILL.format("milk"), FILL.format("bread"), path=page(FORM.format(label="Note", button="Add note"))
    )


async def test_a_renamed_element_is_healed_and_the_run_says_so(shelf: Shelf):
    await learned(shelf)
    tab = await shelf.desk.open(page(FORM.format(label="Note", button="Add this note")))
    with impatient():  # to find it as it was, which it never will be
        healed = await shelf.run(FILL.format("eggs"))
    assert healed.status == "COMPLETED", healed
    assert sources(healed) == {"replay"}
    assert await tab.evaluate("() => document.querySelector('#list').innerText", timeout=5) == "eggs"
    [said] = healed.journal.of("step_healed")
    assert (said.step, said.by) == (2, "id")
    assert "Add this note" in said.found
    [mended] = healed.journal.of("task_recorded")
    assert mended.mended
    again = await shelf.run(FILL.format("salt"))
    assert (again.status, again.journal.of("step_healed")) == ("COMPLETED", [])


async def test_an_element_that_does_something_else_now_is_not_taken_for_the_recorded_one(shelf: Shelf):
    await learned(shelf)
    tab = await shelf.desk.open(page(FORM.format(label="Note", button="Delete all")))
    with impatient():
        stale = await shelf.run(FILL.format("eggs"))
    assert (stale.status, stale.reason) == ("FAILED", "STALE_RECORDING"), stale
    assert "Add note" in stale.message
    assert await tab.evaluate("() => document.querySelector('#list').innerText", timeout=5) == ""
    assert stale.journal.of("replayed")[0].stale


async def test_a_click_that_does_not_do_what_it_did_is_stale_and_not_done_again(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(replay, "OUTCOME_PATIENCE", 1.0)
    form = """<title>Go</title><h1>Start</h1><button onclick="n++; out.textContent = n;
     if ({works}) document.querySelector('h1').textContent = 'Order sent'">Go on</button><output id=out></output>
     <script>var n = 0</script>"""
    await shelf.learn("Click 'Go on'", "Click  'Go on'", path=page(form.format(works="true")))
    tab = await shelf.desk.open(page(form.format(works="false")))
    stale = await shelf.run("Click 'Go on'")
    assert (stale.status, stale.reason) == ("FAILED", "STALE_RECORDING"), stale
    assert 'heading "Order sent" is visible' in stale.message
    assert await tab.evaluate("() => document.querySelector('#out').textContent", timeout=5) == "1"


async def test_a_page_that_fits_no_recording_is_planned_for_before_anything_is_done(shelf: Shelf):
    await learned(shelf)
    await shelf.desk.open("/form.html")
    other = await shelf.run(FILL.format("x"), timeout=1.0)
    assert not other.journal.of("replayed")
    assert "replay" not in sources(other)


async def test_only_a_recording_may_be_asked_for(shelf: Shelf):
    await shelf.desk.open(page(FORM.format(label="Note", button="Add note")))
    none = await shelf.run(FILL.format("a"), runs_pb2.REPLAY_MODE_ONLY)
    assert (none.status, none.reason, none.steps) == ("FAILED", "NO_RECORDING", [])
    await shelf.run(FILL.format("b"))
    candidate = await shelf.run(FILL.format("c"), runs_pb2.REPLAY_MODE_ONLY)
    assert (candidate.status, sources(candidate)) == ("COMPLETED", {"replay"}), candidate
    planned = await shelf.run(FILL.format("d"), runs_pb2.REPLAY_MODE_PLAN)
    off = await shelf.run(FILL.format("e"), runs_pb2.REPLAY_MODE_OFF)
    assert (sources(planned), sources(off)) == ({"rules"}, {"rules"})
    assert planned.journal.of("task_recorded")[0].confirmed
    assert not off.journal.of("task_recorded")


async def test_what_a_model_did_twice_is_done_without_it_the_third_time(shelf: Shelf):
    form = page(FORM.format(label="Note", button="Add note"))
    prompt = "Jot down '{}' among the notes"

    def write(text: str) -> Any:
        def turn(asked: Any) -> dict[str, Any]:
            return calls(
                ("fill", {"element": asked.element('textbox "Note"'), "value": text}),
                ("click", {"element": asked.element('button "Add note"')}),
            )

        return turn

    turns = [
        turn
        for text in ("buy milk", "call mum")
        for turn in (tool("plan", done_when=[{"text": text}]), write(text), tool("done"))
    ]
    async with model_stub(*turns) as stub:
        settings = {"name": "stub-1", "api_key": "sk-test", "sees_pictures": False, "token_budget": 100_000}
        model = ChatCompletions(ModelSettings(base_url=stub.base_url, **settings), SystemClock())
        for text in ("buy milk", "call mum"):
            await shelf.desk.open(form)
            outcome = await shelf.run(prompt.format(text), model=model)
            assert (outcome.status, sources(outcome)) == ("COMPLETED", {"model"}), outcome
        asked = len(stub.asked)
        tab = await shelf.desk.open(form)
        replayed = await shelf.run(prompt.format("feed cat"), model=model)
        assert len(stub.asked) == asked
        await model.close()
    without = await shelf.run(prompt.format("water plants"))
    assert (replayed.status, sources(replayed)) == ("COMPLETED", {"replay"}), replayed
    assert (without.status, sources(without)) == ("COMPLETED", {"replay"}), without
    shown = await tab.evaluate("() => document.querySelector('#list').innerText", timeout=5)
    assert shown.split("\n") == ["feed cat", "water plants"]


async def test_a_choice_that_the_prompt_does_not_name_is_not_recorded(shelf: Shelf, page_server: PageServer):
    cards = "".join(
        f"<article class=card><h2>{name}</h2><p>${price}</p><button onclick=\"out.textContent='{name} added'\">Take"
        f"</button></article>"
        for name, price in (("Blue Mug", 9), ("Red Mug", 7))
    )
    await shelf.desk.open(page(f"<title>Mugs</title><main>{cards}</main><p id=out></p>"))

    def choose(asked: Any) -> dict[str, Any]:
        lines = [line for line in asked.text.splitlines() if 'button "Take"' in line and "Red Mug" in line]
        return tool("click", element=lines[0].split()[0] if lines else "?")

    turns = (tool("plan", done_when=[{"text": "Red Mug added"}]), choose, tool("done"))
    async with model_stub(*turns) as stub:
        settings = {"name": "stub-1", "api_key": "sk-test", "sees_pictures": False, "token_budget": 100_000}
        model = ChatCompletions(ModelSettings(base_url=stub.base_url, **settings), SystemClock())
        outcome = await shelf.run("Obtain whichever mug costs least", model=model)
        await model.close()
    assert outcome.status == "COMPLETED", outcome
    assert not outcome.journal.of("task_recorded")


async def test_a_task_in_a_frame_of_another_site_is_replayed_there(shelf: Shelf, page_server: PageServer):
    elsewhere = page_server.url.replace("127.0.0.1", "localhost")
    path = page(f'<title>Pay</title><iframe title=Payment src="{elsewhere}/card.html" width=500 height=300></iframe>')
    prompt = "Fill 'Card holder' with '{0}', select 'Norway' from Country, click 'Confirm card', wait for 'Card of {0}'"
    await shelf.learn(prompt.format("Ada"), prompt.format("Bob"), path=path)

    await shelf.desk.open(path)
    outcome = await shelf.run(prompt.format("Cleo"))

    assert outcome.status == "COMPLETED", outcome
    assert sources(outcome) == {"replay"}
    assert [step.target.split(" in the frame")[-1] for step in outcome.steps[:3]] == [' "Payment"'] * 3


def task(block_id: str, prompt: str, mode: runs_pb2.ReplayMode = runs_pb2.REPLAY_MODE_UNSPECIFIED) -> host_pb2.Block:
    """A block of a workflow."""
    block = host_pb2.Block(block_id=block_id, task=host_pb2.TaskBlock(prompt=prompt))
    block.task.recordings.mode = mode
    return block


def goto(url: str) -> host_pb2.Block:
    return host_pb2.Block(block_id="open", goto=actions_pb2.Goto(url=url))


async def test_each_prompt_of_a_workflow_is_recorded_and_replayed_by_itself(shop: Shelf, site: DemoSite):
    found = []
    for who in ("customer@example.com", "beatriz@example.org", "customer@example.com"):
        await shop.desk.browser.fresh()
        outcome = await shop.run_workflow(
            goto(f"{shop.desk.url}/login"),
            task("login", "Login with username '{{ user }}' and password '{{ password }}'"),
            host_pb2.Block(block_id="desk", goto=actions_pb2.Goto(url=f"{shop.desk.url}/desk/customers")),
            task("find", "Find customer with email '{{who}}'"),
            secret="password", user=STAFF[0], password=STAFF[1], who=who,
        )  # fmt: skip
        assert outcome.status == "COMPLETED", outcome
        found.append(outcome)
    planned, _, replayed = found
    assert [known.trusted for known in shop.known] == [True, True]
    assert list(dict.fromkeys((step.block_id, step.source) for step in replayed.journal.of("step_started"))) == [
        ("open", "workflow"), ("login", "replay"), ("desk", "workflow"), ("find", "replay")
    ]  # fmt: skip
    assert [fared.verified for fared in replayed.journal.of("replayed")] == [True, True]
    assert replayed.output["find"] == planned.output["find"]
    assert site.log.count("login") == 3
    stored = str(shop.known) + "".join(outcome.journal.text for outcome in found)
    assert STAFF[1] not in stored
    assert "beatriz" not in str(shop.known)

    # The same words in a task are the same task.
    await shop.desk.browser.fresh()
    await shop.desk.open("/login")
    alike = await shop.run(LOGIN.format(*STAFF))
    assert (alike.status, sources(alike)) == ("COMPLETED", {"replay"}), alike


NOTE = "Fill Note with {{ text }} and click 'Add'"


async def learn_note(shelf: Shelf) -> None:
    """Let a workflow write notes until that is trusted."""
    for text in ("bread", "milk two"):
        outcome = await shelf.run_workflow(
            goto(shelf.desk.url + page(FORM.format(label="Note", button="Add"))), task("note", NOTE), text=text
        )
        assert outcome.status == "COMPLETED", outcome
    [known] = shelf.known
    assert known.trusted
    assert known.task.template == "Fill Note with {{value_1}} and click '{{value_2}}'"


async def test_a_page_that_is_another_one_now_ends_the_block_and_the_workflow(shelf: Shelf):
    await learn_note(shelf)
    changed = FORM.format(label="Note", button="Erase").replace("id=add", "id=erase")
    with impatient():
        outcome = await shelf.run_workflow(goto(shelf.desk.url + page(changed)), task("note", NOTE), text="eggs")
    assert (outcome.status, outcome.reason) == ("FAILED", "STALE_RECORDING"), outcome
    assert [step.source for step in outcome.journal.of("step_started")] == ["workflow", "replay"]
    [fared] = outcome.journal.of("replayed")
    assert fared.stale
    assert outcome.journal.of("block_finished")[-1].outcome == runs_pb2.STEP_OUTCOME_FAILED


async def test_a_block_says_how_recordings_are_used(shelf: Shelf):
    opened = goto(shelf.desk.url + page(FORM.format(label="Note", button="Add")))
    alone = await shelf.run_workflow(opened, task("note", NOTE, runs_pb2.REPLAY_MODE_ONLY), text="eggs")
    assert (alone.status, alone.reason) == ("FAILED", "NO_RECORDING"), alone
    off = host_pb2.Block(block_id="note", task=host_pb2.TaskBlock(prompt=NOTE))
    unrecorded = await shelf.desk.run(blocks=[opened, off], parameters={"text": "eggs"}, workflow=True)
    assert (unrecorded.status, unrecorded.journal.of("task_recorded")) == ("COMPLETED", [])

    await learn_note(shelf)
    planned = await shelf.run_workflow(opened, task("note", NOTE, runs_pb2.REPLAY_MODE_PLAN), text="eggs")
    assert (planned.status, sources(planned)) == ("COMPLETED", {"workflow", "rules"}), planned
    # What comes after a prompt is no part of what is recorded of it.
    more = host_pb2.Block(block_id="more", extract=actions_pb2.Extract())
    again = await shelf.run_workflow(opened, task("note", NOTE), more, text="eggs")
    assert (again.status, sources(again)) == ("COMPLETED", {"workflow", "replay"}), again
    assert len(shelf.known[0].task.parts) == 2


async def test_a_prompt_that_nobody_here_understands_is_replayed_where_its_site_is_opened(shelf: Shelf):
    """As one that a model carried out before, on a host that has none."""
    await learn_note(shelf)
    shelf.known[0].task.template, shelf.known[0].task.planner = "Ponder over {{value_1}} on '{{value_2}}'", "model"
    ponder = "Ponder over {{ text }} on 'Add'"
    here = shelf.desk.url + page(FORM.format(label="Note", button="Add"))
    outcome = await shelf.run_workflow(goto(here), task("note", ponder), text="eggs")
    assert (outcome.status, sources(outcome)) == ("COMPLETED", {"workflow", "replay"}), outcome

    await shelf.desk.browser.fresh()
    nowhere = await shelf.run_workflow(task("note", ponder), goto(here), text="eggs")
    assert (nowhere.status, nowhere.reason, nowhere.steps) == ("FAILED", "NEEDS_MODEL", []), nowhere
