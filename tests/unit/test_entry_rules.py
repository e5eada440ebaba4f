"""How people say what is to be done with somebody's message, and what of it is left to a model."""

from __future__ import annotations

import pytest
from google.protobuf import struct_pb2

from browser_host.task.clauses.entries import AnswerMessage, PressInEntry
from browser_host.task.failures import NEEDS_MODEL, Failed
from browser_host.task.rules.rules import RulesPlanner
from browser_host.task.values import Parameters


@pytest.mark.parametrize(
    ("prompt", "verb"),
    [
        ("Send to Nani the email written by Kaila.", "forward"),
        ("I want you to find the email from Kaila and then send it along to Nani, please", "forward"),
        ("Give Nani Kaila's latest e-mail", "forward"),
        ("Please take the e-mail that Kaila sent me and forward it to Nani.", "forward"),
        ("Kaila's email, will you forward that to Nani?", "forward"),
        ("Reply to Kaila's most recent email: 'Nani'", "reply"),
        ("Respond 'Nani' to the email in the email app sent by Kaila", "reply"),
        ("Send a reply to Kaila saying 'Nani'", "reply"),
        ("Reply 'Nani' to Kaila", "reply"),
        ("In my inbox, find the message from Kaila and respond by saying 'Nani'", "reply"),
        ("Get rid of the email I got from Kaila", "trash"),
        ("Kaila's email should be deleted from the inbox", "trash"),
        ("Locate and delete the email from Kaila in my inbox, please", "trash"),
        ("Make the email from Kaila an important message", "star"),
        ("Can you find the email from Kaila and label it as important?", "star"),
        ("The email from Kaila needs to be marked important", "star"),
    ],
)
def test_whose_message_it_is_and_what_is_done_with_it_is_told_apart(prompt: str, verb: str):
    intent = RulesPlanner().plan(prompt, Parameters(struct_pb2.Struct())).intents[0]
    if verb in ("forward", "reply"):
        assert isinstance(intent, AnswerMessage)
        assert (intent.who, intent.verb, intent.text) == ("Kaila", verb, "Nani")
    else:
        assert isinstance(intent, PressInEntry)
        assert (intent.who, intent.names[0]) == ("Kaila", verb)


@pytest.mark.parametrize(
    "prompt",
    ["Forward all emails from Kaila to Nani", "Delete the unread email from Kaila", "Delete the emails from Kaila",
     "Forward yesterday's email from Kaila to Nani", "Send the email to Nani", "Delete the email I sent to Kaila",
     "Reply to comment with 'Nani'"],
)  # fmt: skip
def test_more_than_the_one_message_of_somebody_is_not_taken_for_it(prompt: str):
    with pytest.raises(Failed) as failed:
        RulesPlanner().plan(prompt, Parameters(struct_pb2.Struct()))
    assert failed.value.reason == NEEDS_MODEL
