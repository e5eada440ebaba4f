"""What a model is told of a page: things that can be acted on, in as few lines as tell them apart."""

from __future__ import annotations

from typing import Any

from browser_host.task.by_model.observation import Observation, observe
from browser_host.task.survey import Survey


def page(*things: dict[str, Any], text: str = "", title: str = "Page") -> Survey:
    items = [{"ref": number, "id": number, "form": -1, **one} for number, one in enumerate(things, 1)]
    said = {"url": "https://x.example/", "title": title, "text": text, "messages": []}
    return Survey.of({**said, "items": items, "closedFrames": 0})


def told(*things: dict[str, Any], **page_fields: str) -> list[str]:
    """The lines between "elements:" and "text:"."""
    lines = observe(page(*things, **page_fields)).words.splitlines()
    return lines[lines.index("elements:") + 1 : lines.index("text:")]


def link(name: str, **more: Any) -> dict[str, Any]:
    return {"role": "link", "name": name, **more}


def test_neighbours_of_one_role_with_nothing_but_names_share_a_line() -> None:
    button = {"role": "button", "name": "Go"}
    lines = ['e1 link "Home", e2 "About"', 'e3 button "Go"', 'e4 link "Help"']
    assert told(link("Home"), link("About"), button, link("Help")) == lines


def test_what_has_more_than_a_name_has_a_line_of_its_own() -> None:
    lines = ['e1 link "Home"', 'e2 link "About" disabled', 'e3 link "Help"']
    assert told(link("Home"), link("About", disabled=True), link("Help")) == lines


def test_a_line_has_eight_at_most() -> None:
    lines = told(*[link(f"L{number}") for number in range(1, 10)])
    assert [line.count('"') // 2 for line in lines] == [8, 1]
    assert lines[1] == 'e9 link "L9"'


def test_names_that_are_there_twice_say_where() -> None:
    lines = ['e1 link "Buy" in "Mug"', 'e2 link "Buy" in "Cup"']
    assert told(link("Buy", part="Mug"), link("Buy", part="Cup")) == lines


def test_a_name_cannot_look_like_another_element() -> None:
    assert told(link('A", e9 "Send'), link("B")) == ['e1 link "A\', e9 \'Send", e2 "B"']


def test_a_box_says_only_when_it_is_checked() -> None:
    box = {"role": "checkbox", "name": "Keep"}
    assert told({**box, "checked": True}, {**box, "name": "Send", "checked": False}) == [
        'e1 checkbox "Keep" checked',
        'e2 checkbox "Send"',
    ]


def test_text_that_was_told_with_the_elements_is_not_told_again() -> None:
    things = link("Buy", part="Mug"), link("Buy", part="Cup"), {"role": "textbox", "name": "Size", "value": "L"}
    words = observe(page(*things, text="Page\nMug\nBuy\nCup\nSize\nL\nA fine mug")).words
    assert words.partition("text:\n")[2] == "A fine mug"


def test_a_difference_names_each_thing_whole() -> None:
    before: Observation = observe(page(link("Home"), link("About")))
    words = observe(page(link("Home"), link("About"), link("News"), link("Jobs")), before).words
    assert words.splitlines()[-3:] == ["new or changed elements:", 'e3 link "News"', 'e4 link "Jobs"']
