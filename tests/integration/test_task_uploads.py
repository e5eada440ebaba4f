"""The action `upload` on real pages: the page has the files, or the run says why not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from browser_host.browser import FilesNotPlaced, HeldFile
from browser_host.file_shelf import MAX_SESSION_BYTES, FileShelf
from tests.integration.task_fixtures import Desk, ListJournal, Outcome, act, impatient
from tests.integration.test_model_planner import asked
from tests.model_stub import Turn, tool


@pytest.fixture
def held(tmp_path: Path) -> dict[str, HeldFile]:
    """Files as the host holds them."""
    found = {}
    for name, content in {"cv.pdf": b"%PDF- a resume", "two.txt": b"second", "big.bin": bytes(3_000_000)}.items():
        path = tmp_path / f"held-{name}"
        path.write_bytes(content)
        found[name] = HeldFile(path, name, len(content))
    return found


@pytest.fixture(autouse=True)
async def shelf_is_taken_away(desk: Desk) -> AsyncIterator[None]:
    """The tab is the next test's too."""
    yield
    (await desk.browser.current_page())._shelf = None  # type: ignore[attr-defined]


async def prepared(desk: Desk, held: dict[str, HeldFile]) -> ListJournal:
    """The page that takes files, in front, and a journal of a run that has them."""
    page = await desk.open("/upload.html")
    page._shelf = FileShelf(held["cv.pdf"].path.parent / "shelf", 0)  # type: ignore[attr-defined]
    page._shelf._directory.mkdir(exist_ok=True)  # type: ignore[attr-defined]
    journal = ListJournal()
    journal.held = held
    return journal


async def upload(
    desk: Desk, held: dict[str, HeldFile], *files: str, prompt: str = "", timeout: float = 10, **target: Any
) -> Outcome:
    journal = await prepared(desk, held)
    if prompt:
        return await desk.run(prompt=prompt, journal=journal)
    fields: dict[str, Any] = {"files": list(files)}
    if target:
        fields["target"] = target
    return await desk.run(act("upload", timeout=timeout, **fields), journal=journal)


async def shown(desk: Desk) -> str:
    page = await desk.browser.current_page()
    return str(await page.evaluate("() => document.querySelector('#out').textContent", timeout=2))


@pytest.mark.parametrize(
    ("target", "files", "said"),
    [
        ({"name": "Resume"}, ["cv.pdf"], "resume:cv.pdf:application/pdf:%PDF- a resu:14"),
        ({"name": "Cover letter"}, ["two.txt"], "letter:two.txt:text/plain:second:6"),
        ({"css": "#letter"}, ["two.txt"], "letter:two.txt:text/plain:second:6"),
        ({"name": "Choose picture"}, ["two.txt"], "chooser:two.txt:text/plain:second:6"),
        ({"name": "Papers"}, ["cv.pdf", "two.txt"], "papers:cv.pdf:application/pdf:%PDF- a resu:14"),
        (
            {"name": "Drop files here or browse"},
            ["cv.pdf", "two.txt"],
            "dropped:cv.pdf:application/pdf:%PDF- a resu:14",
        ),
        ({"name": "Papers"}, ["big.bin"], "papers:big.bin:application/octet-stream"),
    ],
)
async def test_a_field_or_what_opens_a_chooser_gets_the_files(
    desk: Desk, held: dict[str, HeldFile], target: dict[str, str], files: list[str], said: str
) -> None:
    outcome = await upload(desk, held, *files, **target)
    assert outcome.status == "COMPLETED", outcome
    assert outcome.steps[0].message == "the field shows " + ", ".join(f'"{name}"' for name in files)
    waited = await desk.run(act("wait", timeout=5, condition={"text": said}))
    assert waited.status == "COMPLETED", await shown(desk)


@pytest.mark.parametrize(
    ("target", "files", "reason", "words"),
    [
        ({"name": "Resume"}, ["cv.pdf", "two.txt"], "FILE_NOT_ACCEPTED", "takes one file, not 2"),
        ({"name": "Choose picture"}, ["cv.pdf", "two.txt"], "FILE_NOT_ACCEPTED", "takes one file, not 2"),
        ({"name": "Resume"}, ["missing.pdf"], "FILE_UNAVAILABLE", "no file 'missing.pdf'"),
        ({"name": "Nowhere"}, ["cv.pdf"], "NOT_FOUND", 'file "Resume"'),
        ({}, ["cv.pdf"], "AMBIGUOUS", "elements match"),
        ({"name": "Passport"}, ["cv.pdf"], "EXPECTATION_FAILED", "emptied by the page"),
        ({"name": "Visa"}, ["cv.pdf"], "REJECTED_BY_PAGE", "A visa must be a PDF"),
        ({"name": "Locked"}, ["cv.pdf"], "STEP_TIMEOUT", "stayed disabled"),
        ({"name": "Open menu"}, ["cv.pdf"], "NO_EFFECT", "opened no file chooser"),
    ],
)
async def test_what_the_page_does_not_get_is_no_success(
    desk: Desk, held: dict[str, HeldFile], target: dict[str, str], files: list[str], reason: str, words: str
) -> None:
    with impatient():
        outcome = await upload(
            desk, held, *files, timeout=1 if reason in ("NOT_FOUND", "STEP_TIMEOUT") else 6, **target
        )
    assert (outcome.status, outcome.reason) == ("FAILED", reason), outcome
    assert words in outcome.message


async def test_a_page_that_empties_the_field_and_shows_the_name_has_it(desk: Desk, held: dict[str, HeldFile]) -> None:
    outcome = await upload(desk, held, "two.txt", name="Receipts")
    assert (outcome.status, outcome.steps[0].message) == ("COMPLETED", 'the page took and shows "two.txt"')
    assert await shown(desk) == "taken: two.txt"


async def test_a_page_that_goes_on_with_the_file_is_followed(desk: Desk, held: dict[str, HeldFile]) -> None:
    outcome = await upload(desk, held, "two.txt", name="Sent at once")
    assert outcome.status == "COMPLETED", outcome
    assert outcome.steps[0].url.endswith("/slow/100"), outcome


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("upload 'cv.pdf' to Resume", "resume:cv.pdf"),
        ("Attach two.txt to the Cover letter field", "letter:two.txt"),
        ("Upload the file cv.pdf as Papers and click 'Open menu'", "menu opened"),
    ],
)
async def test_prompts_say_what_goes_where(desk: Desk, held: dict[str, HeldFile], prompt: str, said: str) -> None:
    outcome = await upload(desk, held, prompt=prompt)
    assert outcome.status == "COMPLETED", outcome
    assert (await desk.run(act("wait", timeout=5, condition={"text": said}))).status == "COMPLETED"


async def test_a_model_gives_files_that_the_task_names_and_no_others(desk: Desk, held: dict[str, HeldFile]) -> None:
    journal = await prepared(desk, held)

    def give(name: str) -> Turn:
        return lambda asked: tool("upload", element=asked.element('file "Resume"'), files=[name])

    turns = [tool("plan", done_when=[{"text": "resume:cv.pdf"}]), give("two.txt"), give("cv.pdf"), tool("done")]
    async with asked(desk, *turns) as (stub, run):
        outcome = await run("Kindly hand in cv.pdf as the resume", journal=journal)

    assert outcome.status == "COMPLETED", outcome
    assert "the task names no file 'two.txt'" in stub.asked[2].text
    assert [step.message for step in outcome.steps][:1] == ['the field shows "cv.pdf"']


async def test_a_plain_click_on_what_opens_a_chooser_has_an_effect_and_shows_none(desk: Desk) -> None:
    await desk.open("/upload.html")
    assert (await desk.run(act("click", target={"name": "Choose picture"}))).status == "COMPLETED"


async def test_a_shelf_is_bounded_and_keeps_names_apart(tmp_path: Path, held: dict[str, HeldFile]) -> None:
    (tmp_path / "shelf").mkdir()
    shelf = FileShelf(tmp_path / "shelf", 0)
    placed = await shelf.place([held["cv.pdf"], held["cv.pdf"]])
    assert [path.name for path in placed] == ["cv.pdf", "cv.pdf"]
    assert len(set(placed)) == 2
    with pytest.raises(FilesNotPlaced, match="256 MiB"):
        await shelf.place([HeldFile(held["cv.pdf"].path, "x", MAX_SESSION_BYTES)])
    with pytest.raises(FilesNotPlaced):
        await shelf.place([HeldFile(tmp_path / "gone", "gone", 4)])
    assert len(list((tmp_path / "shelf").iterdir())) == 2
