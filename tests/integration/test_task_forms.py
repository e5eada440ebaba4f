"""Prompts that name things by kind, place, looks or what they say, on a page of our own that tells what it got."""

from __future__ import annotations

import pytest

from tests.integration.task_fixtures import Desk


async def told(desk: Desk) -> str:
    page = await desk.browser.current_page()
    return str(await page.evaluate("() => document.getElementById('out').textContent", timeout=2))


@pytest.mark.parametrize(
    ("part", "prompt", "said"),
    [
        ("form", "Enter 'b' into the 2nd text field, click the 2nd checkbox and press Submit", "|b|false|true"),
        ("form", "Enter 'b' into the 2nd textbox", "|b|false|false"),
        ("form", "Type 'ada' in all upper case letters in both text fields", "nothing yet"),
        ("boxes", "Select Ham, Rye and submit when done", "OK: Ham,Rye"),
        ("boxes", "Select nothing and click OK", "OK: "),
        ("tiles", "Click on the lime colored box", "tiles 1"),
        ("tiles", "Select all the shades of blue", "tiles 2,3"),
        ("parts", "Expand the sections below, to find and click on the link 'delta'", "link delta"),
        ("menus", "Select File > Export", "menu Export"),
        (
            "texts",
            "Copy the text in the textarea below, paste it into the textbox and press Submit",
            "answer To be copied",
        ),
        ("texts", "Enter the value of shoe size into the text field and press Submit", "answer 42"),
        ("texts", "Solve the math problem and type your answer into the textbox and submit", "answer -5"),
        ("mails", "Find the email by Jerrine and delete it", "deleted Jerrine"),
        ("mails", "Mark Helena's email as important", "starred Helena"),
        ("numbers", "Generate an even number", "nothing yet"),
        ("mails", "If 'Jerrine' is shown, delete the email from Helena", "deleted Helena"),
        (
            "mails",
            "If 'Nobody' is shown, delete the email from Helena, otherwise delete the email from Jerrine",
            "deleted Jerrine",
        ),
    ],
)
async def test_what_is_named_without_a_name_is_found(desk: Desk, part: str, prompt: str, said: str) -> None:
    await desk.open(f"/desk.html#{part}")
    outcome = await desk.run(prompt=prompt)
    if "both text fields" in prompt:
        assert outcome.reason == "NEEDS_MODEL"
    else:
        assert outcome.status == "COMPLETED", outcome
    assert await told(desk) == said


@pytest.mark.parametrize(
    ("part", "prompt", "reason", "words"),
    [
        ("form", "Enter 'b' into the text field", "AMBIGUOUS", "2 things"),
        ("form", "Enter 'b' into the 3rd text field", "NOT_FOUND", "there are 2"),
        ("boxes", "Select Ham, Fig and submit", "NOT_FOUND", '"Fig"'),
        ("tiles", "Click on the red box", "NOT_FOUND", "no red box"),
        ("parts", "Expand the sections below, to find and click on the link 'omega'", "NOT_FOUND", "looked behind"),
        ("texts", "Find the 9th word in the paragraph, type that into the textbox", "AMBIGUOUS", ""),
        ("mails", "Delete the email from Kaila", "AMBIGUOUS", "2 rows"),
        ("mails", "Delete the email from Ask", "NOT_FOUND", "no entry"),
        ("tiles", "Set the sliders to 3 and 4", "NOT_FOUND", "0 sliders"),
    ],
)
async def test_what_is_not_there_once_is_not_touched(desk: Desk, part, prompt, reason, words) -> None:
    await desk.open(f"/desk.html#{part}")
    outcome = await desk.run(prompt=prompt)
    assert outcome.status == "FAILED", outcome
    assert outcome.reason == reason or not words, outcome
    assert words in outcome.message
    assert await told(desk) == "nothing yet"


@pytest.mark.parametrize(
    "prompt",
    [
        "Draw a circle that touches both lines, then press submit",
        "Draw a circle centered around the marked point",
        "Click on a blue triangle that is small",
        "Press the button that correctly denotes how many sides the shape has",
        "Drag all circles to where they belong",
        "Keep your mouse inside the circle as it moves around",
    ],
)
async def test_shapes_and_angles_are_refused_before_anything_is_done(desk: Desk, prompt: str) -> None:
    await desk.open("/desk.html#tiles")
    outcome = await desk.run(prompt=prompt)
    assert (outcome.status, outcome.reason) == ("FAILED", "NEEDS_MODEL"), outcome
    assert not outcome.steps
