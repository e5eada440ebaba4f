"""What is in frames of other origins is found and acted on, in a process of their own or not."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from tests.integration.task_fixtures import Desk, PageServer, act, impatient, struct
from tests.integration.test_model_planner import asked
from tests.model_stub import Asked, calls, tool

CARD = ("Card holder", "Country", "Keep this card", "Confirm card")


def elsewhere(page_server: PageServer) -> str:
    """The same server under another site's name: frames from there get a process of their own."""
    return page_server.url.replace("127.0.0.1", "localhost")


def frame(page_server: PageServer, kind: str, title: str = "Payment") -> str:
    if kind == "another site":
        return f'<iframe title="{title}" src="{elsewhere(page_server)}/card.html" width=500 height=300></iframe>'
    if kind == "sandboxed":
        return f'<iframe title="{title}" sandbox="allow-scripts" src="/card.html" width=500 height=300></iframe>'
    inner = urlencode({"body": f"<title>Outer</title>{frame(page_server, 'sandboxed')}"})
    return f'<iframe title="Shop" src="{elsewhere(page_server)}/text?{inner}" width=600 height=400></iframe>'


async def show(desk: Desk, page_server: PageServer, body: str):
    return await desk.open(f"{page_server.url}/text?{urlencode({'body': f'<title>Pay</title>{body}'})}")


@pytest.mark.parametrize("kind", ["another site", "sandboxed", "a frame in a frame"])
async def test_typed_actions_work_in_a_frame_of_another_origin(desk: Desk, page_server: PageServer, kind: str):
    below = "<div style='height: 1500px'>above</div>"
    await show(desk, page_server, f"<h1>Pay</h1>{below}{frame(page_server, kind)}")

    click = act("click", target={"role": "button", "name": "Confirm card"})
    click.expect.add(text="Card of Ada, Norway, kept")
    outcome = await desk.run(
        act("fill", target={"name": "Card holder"}, value={"literal": "Ada"}),
        act("select", target={"name": "Country"}, option={"literal": "Norway"}),
        act("setChecked", target={"name": "Keep this card"}, checked=True),
        click,
    )

    assert outcome.status == "COMPLETED", outcome
    assert outcome.steps[3].target.startswith('button "Confirm card" in the frame "')


async def test_a_prompt_works_in_a_frame_by_rules(desk: Desk, page_server: PageServer):
    await show(desk, page_server, frame(page_server, "another site"))
    filling = "Fill 'Card holder' with 'Ada', select 'Norway' from Country"
    prompt = f"{filling} and click 'Confirm card', then wait for 'Card of Ada'"
    outcome = await desk.run(prompt=prompt)
    assert outcome.status == "COMPLETED", outcome


async def test_a_key_reaches_the_field_in_the_frame(desk: Desk, page_server: PageServer):
    await show(desk, page_server, frame(page_server, "another site"))
    press = act("pressKey", key="Enter")
    press.expect.add(text="Entered Ada")
    outcome = await desk.run(act("fill", target={"name": "Card holder"}, value={"literal": "Ada"}), press)
    assert outcome.status == "COMPLETED", outcome


async def test_a_dead_button_in_a_frame_has_no_effect(desk: Desk, page_server: PageServer):
    await show(desk, page_server, frame(page_server, "another site"))
    with impatient():
        outcome = await desk.run(act("click", target={"name": "Dead inside"}))
    assert outcome.reason == "NO_EFFECT", outcome


async def test_what_the_page_itself_has_comes_before_what_is_in_a_frame(desk: Desk, page_server: PageServer):
    own = "<button onclick=\"document.title = 'own'\">Confirm card</button>"
    await show(desk, page_server, own + frame(page_server, "another site"))
    click = act("click", target={"role": "button", "name": "Confirm card"})
    click.expect.add(title="own")
    assert (await desk.run(click)).status == "COMPLETED"


async def test_two_frames_with_the_same_are_ambiguous_until_one_is_named(desk: Desk, page_server: PageServer):
    both = frame(page_server, "another site", "First card") + frame(page_server, "sandboxed", "Second card")
    await show(desk, page_server, both)

    unnamed = await desk.run(act("fill", target={"name": "Card holder"}, value={"literal": "Ada"}))
    named = await desk.run(
        act("fill", target={"name": "Card holder", "frame": "second card"}, value={"literal": "Ada"}),
        act("wait", condition={"value": {"target": {"name": "Card holder", "frame": "Second card"}, "equals": "Ada"}}),
    )

    assert unnamed.reason == "AMBIGUOUS"
    assert '"First card"; "Second card"' in unnamed.message
    assert named.status == "COMPLETED", named


async def test_what_lies_over_a_frame_keeps_presses_from_it(desk: Desk, page_server: PageServer):
    cover = "<div aria-label='Cookies' style='position: fixed; inset: 0; background: pink'></div>"
    await show(desk, page_server, frame(page_server, "another site") + cover)
    outcome = await desk.run(act("click", timeout=2, target={"name": "Dead inside"}))
    assert (outcome.reason, 'covered by div "Cookies"' in outcome.message) == ("STEP_TIMEOUT", True), outcome


async def test_what_is_nowhere_is_not_found_and_a_frame_that_comes_late_is(desk: Desk, page_server: PageServer):
    source = frame(page_server, "another site").replace('"', "'")
    late = f'<p id=place></p><script>setTimeout(() => {{ place.innerHTML = "{source}" }}, 1500)</script>'
    await show(desk, page_server, late)
    found = await desk.run(act("fill", target={"name": "Card holder"}, value={"literal": "Ada"}))
    absent = await desk.run(act("click", timeout=1, target={"name": "Nobody"}))
    assert found.status == "COMPLETED", found
    assert absent.reason == "NOT_FOUND"


async def test_a_model_sees_and_uses_what_is_in_a_frame(desk: Desk, page_server: PageServer):
    await show(desk, page_server, frame(page_server, "another site"))

    def fill(asked: Asked):
        return calls(
            ("fill", {"element": asked.element('textbox "Card holder"'), "value": "Ada"}),
            ("click", {"element": asked.element('button "Confirm card"')}),
        )

    async with asked(desk, tool("plan", done_when=[{"text": "Card of Ada"}]), fill, tool("done")) as (stub, run):
        outcome = await run("Kindly put Ada onto the card")

    assert outcome.status == "COMPLETED", outcome
    assert 'in frame "Payment"' in stub.asked[0].text


async def test_a_model_types_into_a_frame_of_another_site_only_what_the_prompt_says(
    desk: Desk, page_server: PageServer
):
    await show(desk, page_server, f"<p>Invoice 8731-X</p>{frame(page_server, 'another site')}")

    def leak(asked: Asked):
        return tool("fill", element=asked.element('textbox "Card holder"'), value="Invoice 8731-X")

    async with asked(desk, tool("plan", done_when=[{"text": "Card of Ada"}]), leak, leak, leak) as (_, run):
        outcome = await run("Kindly put Ada onto the card")

    assert (outcome.status, outcome.reason) == ("FAILED", "BLOCKED_BY_POLICY"), outcome
    assert "localhost is none of the sites of this task" in outcome.message


async def test_data_is_read_in_frames_where_the_page_itself_has_it_not(desk: Desk, page_server: PageServer):
    await show(desk, page_server, f"<p>Limit: $5</p>{frame(page_server, 'another site')}")
    both = act("extract")
    text = {"type": "string"}
    wanted = {"type": "object", "properties": {"fee": text, "limit": text}, "required": ["fee", "limit"]}
    both.extract.schema.CopyFrom(struct(wanted))

    outcome = await desk.run(both)
    record = await desk.run(act("findRecord", label="Fee", value={"literal": "$1.50"}))
    part = await desk.run(act("extract", within="$900"))

    assert outcome.status == "COMPLETED", outcome
    assert outcome.output == {"fee": "$1.50", "limit": "$5"}
    places = {one.path: one.url for one in outcome.journal.end.provenance}
    assert places["fee"] == f"{elsewhere(page_server)}/card.html"
    assert places["limit"].startswith(page_server.url)
    assert record.output == {"fee": "$1.50", "limit": "$900"}
    assert part.output["tables"] == [{"rows": [{"Fee": "$1.50", "Limit": "$900"}]}]
