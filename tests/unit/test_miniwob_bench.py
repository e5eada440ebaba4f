"""The judge of the MiniWoB++ figures: what an episode's page and its run together come to."""

import httpx
import pytest

from bench.miniwob.episodes import served
from bench.miniwob.verdicts import Outcome, Sum, Verdict, by_task


def outcome(task="a", *, completed=False, reason="", reward=None, steps=1, seconds=1.0) -> Outcome:
    return Outcome(task, 1, "Click it", completed, reason, "", reward, seconds, steps, "tsk_1")


@pytest.mark.parametrize(
    ("one", "verdict"),
    [
        (outcome(completed=True, reward=1), Verdict.SOLVED),
        (outcome(completed=True, reward=0.1), Verdict.SOLVED),
        (outcome(completed=True, reward=-1), Verdict.FALSE_SUCCESS),
        (outcome(completed=True, reward=0), Verdict.FALSE_SUCCESS),
        (outcome(completed=True, reward=None), Verdict.FALSE_SUCCESS),
        (outcome(reason="NO_EFFECT", reward=1), Verdict.UNCLAIMED),
        (outcome(reason="NOT_FOUND", reward=-1), Verdict.FAILED),
        (outcome(reason="NEEDS_MODEL", steps=0), Verdict.REFUSED),
        (outcome(reason="NEEDS_MODEL", steps=2), Verdict.FAILED),
    ],
)
def test_a_run_is_believed_only_where_the_page_agrees(one, verdict):
    assert one.verdict is verdict


def test_shares_are_of_all_episodes():
    some = Sum("some", (outcome(completed=True, reward=1), outcome(completed=True), outcome(reason="NOT_FOUND")))

    assert some.share(Verdict.SOLVED) == pytest.approx(1 / 3)
    assert some.share(Verdict.FALSE_SUCCESS) == pytest.approx(1 / 3)
    assert some.reasons == "NOT_FOUND"


def test_tasks_are_summed_apart():
    assert [(one.name, len(one.outcomes)) for one in by_task([outcome("b"), outcome("a"), outcome("b")])] == [
        ("a", 1),
        ("b", 2),
    ]


async def test_the_first_reward_counts_and_every_episode_has_an_address_of_its_own(tmp_path):
    (tmp_path / "miniwob").mkdir()
    (tmp_path / "core").mkdir()
    (tmp_path / "miniwob" / "click.html").write_text("<p>page</p>")
    (tmp_path / "core" / "core.js").write_text("var core = {};")
    async with served(tmp_path) as site, httpx.AsyncClient() as browser:
        first, second = site.new("click", 7), site.new("click", 8)
        told = first.url.replace("/miniwob/click.html", "/told")

        page = await browser.get(first.url)
        script = await browser.get(first.url.replace("miniwob/click.html", "core/core.js"))
        for what in ({"utterance": "Click it"}, {"reward": -1}, {"reward": 1}):
            await browser.post(told, json=what)
        outside = await browser.get(f"http://{site.address}/{first.url.split('/')[3]}/%2e%2e/%2e%2e/etc/passwd")

        assert site.tasks() == ["click"]
        assert page.text == "<p>page</p>"
        assert '"seed": 7' in script.text
        assert first.over.is_set()
        assert (first.utterance, first.reward) == ("Click it", -1)
        assert (second.utterance, second.reward, second.begun.is_set()) == ("", None, False)
        assert outside.status_code == 404
