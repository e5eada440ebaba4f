"""The actions of a workflow definition on the browser's tabs and dialogs."""

from typing import Final
from urllib.parse import urlsplit

from tabkeep.v1 import actions_pb2

from control_plane.workflows.workflow_parameters import Holes
from control_plane.workflows.workflow_text import Place, listing, shorten

MAX_PLACE: Final = 100
MAX_TEXT: Final = 1_000
MAX_URL: Final = 8_192

_WHAT: Final = ("switch_to", "open", "close")
_BY: Final = ("index", "title", "url", "page_id", "previous")
_ANSWERS: Final = {"accept": actions_pb2.DIALOG_ANSWER_ACCEPT, "dismiss": actions_pb2.DIALOG_ANSWER_DISMISS}


def read_url(place: Place, holes: Holes) -> str | None:
    """Return the URL that a tab is to open; it may have holes."""
    url = holes.filled(place, MAX_URL, shown=True)
    if url is None or url.startswith("{{"):
        return url
    try:
        parts = urlsplit(url.replace("{{", "").replace("}}", ""))
        wrong = parts.scheme not in {"http", "https"} or not parts.netloc or any(sign.isspace() for sign in url)
    except ValueError:
        wrong = True
    if wrong:
        place.mistake(f'must be an absolute http or https URL, found "{shorten(url)}"')
        return None
    return url


def read_tab(place: Place, holes: Holes, tab: actions_pb2.Tab) -> None:
    """Read `{switch_to: TITLE | {index: 2}}`, `{open: URL}` or `{close: TITLE | {…}}`; nothing to close: this tab."""
    before = len(place.mistakes)
    fields = place.fields(_WHAT)
    if fields is None:
        return
    if len(fields) > 1:
        place.mistake(f"has {' and '.join(fields)}: make it {len(fields)} actions")
    elif not fields and len(place.mistakes) == before:
        place.mistake(f"says nothing to do: one of {listing(_WHAT)}")
    for name, field in fields.items():
        if name == "open":
            _read_new(field, holes, tab.open)
        else:
            which: actions_pb2.WhichTab = getattr(tab, name)
            which.SetInParent()
            _read_which(field, holes, which, required=name == "switch_to")


def _read_new(place: Place, holes: Holes, new: actions_pb2.NewTab) -> None:
    new.SetInParent()
    if place.is_nothing:
        return
    fields = {"url": place} if place.is_short else place.fields(("url",)) or {}
    if "url" in fields:
        new.url = read_url(fields["url"], holes) or ""


def _read_which(place: Place, holes: Holes, which: actions_pb2.WhichTab, *, required: bool) -> None:
    if place.is_nothing and not required:
        return
    before = len(place.mistakes)
    fields = {"title": place} if place.is_short else place.fields(_BY) or {}
    if len(fields) > 1:
        place.mistake(f"has {' and '.join(fields)}: one names the tab")
    elif not fields and required and len(place.mistakes) == before:
        place.mistake(f"names no tab: one of {listing(_BY)}")
    for name, field in fields.items():
        if name == "index":
            which.index = field.integer(-1, MAX_PLACE) or 0
            if which.index == 0 and len(place.mistakes) == before:
                field.mistake(f"must be from 1 to {MAX_PLACE}, or -1 for the newest tab, found 0")
        elif name == "previous":
            if field.boolean() is False:
                field.mistake("must be true, or the tab be named in another way")
            which.previous = True
        else:
            setattr(which, name, holes.filled(field, MAX_TEXT, shown=True) or "")


def read_dialog(place: Place, holes: Holes, dialog: actions_pb2.Dialog) -> None:
    """Read `accept`, `dismiss`, or `{answer: accept, text: VALUE, message: TEXT}`."""
    dialog.SetInParent()
    fields = {"answer": place} if place.is_short else place.fields(("answer", "text", "message"), ["answer"]) or {}
    if "answer" in fields:
        word = fields["answer"].text(20)
        if word is not None and word not in _ANSWERS:
            fields["answer"].mistake(f"must be {' or '.join(_ANSWERS)}, {fields['answer'].found()}")
        dialog.answer = _ANSWERS.get(word or "", actions_pb2.DIALOG_ANSWER_DISMISS)
    if "text" in fields:
        dialog.text.CopyFrom(holes.value(fields["text"]) or actions_pb2.Value())
        if dialog.text.WhichOneof("source") in ("from_step", "credential"):
            fields["text"].mistake("must be known before: a text, or a parameter")
        if dialog.answer != actions_pb2.DIALOG_ANSWER_ACCEPT:
            fields["text"].mistake("is for a prompt that is accepted: leave it out, or answer: accept")
    if "message" in fields:
        dialog.message = holes.unfilled(fields["message"], MAX_TEXT) or ""
