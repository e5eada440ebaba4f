"""The bench of real applications judges by what the application says, and every prompt has its judge."""

from __future__ import annotations

import pytest
from tabkeep.v1 import runs_pb2

from bench.applications.judging import Verdict, judged
from bench.applications.prompts import BEFORE_THE_RULES, Prompt, read_prompts
from bench.applications.trial import APPLICATIONS

DONE = runs_pb2.Run(status=runs_pb2.RUN_STATUS_COMPLETED)
NOT_FOUND = runs_pb2.Run(status=runs_pb2.RUN_STATUS_FAILED, failure_reason=runs_pb2.FAILURE_REASON_NOT_FOUND)
INTERNAL = runs_pb2.Run(status=runs_pb2.RUN_STATUS_FAILED, failure_reason=runs_pb2.FAILURE_REASON_INTERNAL)
POSSIBLE = Prompt("a", 1, "oscar", "/", "do it", "it is done")
IMPOSSIBLE = Prompt(
    "b", 1, "oscar", "/", "do it", "it cannot be", refusals=frozenset({runs_pb2.FAILURE_REASON_NOT_FOUND})
)


@pytest.mark.parametrize(
    ("prompt", "run", "disagreement", "verdict"),
    [
        (POSSIBLE, DONE, "", Verdict.SOLVED),
        (POSSIBLE, DONE, "the basket is empty", Verdict.FALSE_SUCCESS),
        (POSSIBLE, NOT_FOUND, "the basket is empty", Verdict.FAILED),
        (POSSIBLE, NOT_FOUND, "", Verdict.FAILED),
        (POSSIBLE, INTERNAL, "", Verdict.UNTYPED),
        (IMPOSSIBLE, DONE, "", Verdict.FALSE_SUCCESS),
        (IMPOSSIBLE, NOT_FOUND, "", Verdict.SOLVED),
        (IMPOSSIBLE, NOT_FOUND, "something was bought", Verdict.FAILED),
    ],
)
def test_a_run_is_called_what_the_application_makes_of_it(
    prompt: Prompt, run: runs_pb2.Run, disagreement: str, verdict: Verdict
) -> None:
    assert judged(prompt, run, disagreement, 1.0).verdict is verdict


def test_every_prompt_has_an_application_and_a_judge_and_every_judge_a_prompt() -> None:
    prompts = read_prompts()
    judges = {(name, judge) for name, one in APPLICATIONS.items() for judge in one.judges}
    assert {(prompt.application, prompt.name) for prompt in prompts} == judges
    assert len(prompts) >= 60
    assert 2 * sum(prompt.round in BEFORE_THE_RULES for prompt in prompts) >= len(prompts)
