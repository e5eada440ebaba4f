"""Applications that live in the browser, from Node packages: Cypress's kitchen sink and TodoMVC. The page is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.applications.application import Application, Judge, Judges, Look, differs
from bench.applications.installing import Installation

sink = Judges()
todos = Judges()

_SINK_STATE = """() => {
  const value = css => document.querySelector(css)?.value
  return {
    path: location.pathname,
    fields: [...document.querySelectorAll('input[type=text],input[type=email],input[type=password],textarea')]
      .map(field => field.value).filter(Boolean),
    email: value('.action-email'), coupon: value('#couponCode1'), fruit: value('.action-select'),
    submitted: document.body.innerText.includes('Your form has been submitted!'),
    radio: document.querySelector('input[name=optionsRadios]:checked')?.value,
    disabled: value('.action-disabled'),
    double: document.querySelector('.action-input-hidden')?.offsetParent != null,
    name: value('#name'), description: value('#description'),
    todos: [...document.querySelectorAll('.todo-list li')].map(
      item => [item.querySelector('label').textContent.trim(), item.classList.contains('completed')]),
  }
}"""
_LIST_OF_TODOS = """() => ({
  todos: [...document.querySelectorAll('#todo-list li, .todo-list li')].map(
    item => [item.querySelector('label').textContent.trim(), item.classList.contains('completed')]),
})"""


class BrowserSite(Application):
    """A Node package whose files are served as they are."""

    def __init__(self, folder: str, page_script: str, judges: Mapping[str, Judge]) -> None:
        self._folder = folder
        self.page_script = page_script
        self.judges = judges

    def prepare(self, installation: Installation, data: Path) -> None:
        """Nothing: the files hold no data."""

    def command(self, installation: Installation, data: Path, port: int) -> Sequence[str]:
        folder = installation.node_packages / self._folder
        serve = installation.node_packages / "serve" / "build" / "main.js"
        return ("node", str(serve), "--listen", f"tcp://127.0.0.1:{port}", "--no-clipboard", str(folder))

    def environ(self, installation: Installation, data: Path, port: int) -> Mapping[str, str]:
        return {"NO_UPDATE_CHECK": "1"}


def kitchen_sink() -> BrowserSite:
    return BrowserSite("cypress-example-kitchensink/app", _SINK_STATE, sink.table)


def todomvc() -> BrowserSite:
    return BrowserSite("todomvc", _LIST_OF_TODOS, todos.table)


def page_has(look: Look, **wanted: object) -> str:
    """What differs between the page's state and what is wanted of it."""
    return differs("the page", {name: look.page.get(name) for name in wanted}, wanted)


@sink
def sink_email(look: Look) -> str:
    # The two fields that are hidden until they are clicked open have a value from the beginning.
    fields = [value for value in look.page["fields"] if not value.endswith("click to edit")]
    return page_has(look, email="fake@email.com") or differs("all fields", fields, ["fake@email.com"])


@sink
def sink_coupon(look: Look) -> str:
    return page_has(look, submitted=True)


@sink
def sink_fruit(look: Look) -> str:
    return page_has(look, fruit="fr-oranges")


@sink
def sink_radio(look: Look) -> str:
    return page_has(look, radio="radio2")


@sink
def sink_disabled(look: Look) -> str:
    return page_has(look, disabled="")


@sink
def sink_double_click(look: Look) -> str:
    return page_has(look, double=True)


@sink
def sink_todo(look: Look) -> str:
    wanted = [["Feed the cat", False], ["Pay electric bill", True], ["Walk the dog", False]]
    return differs("todos", sorted(look.page["todos"]), wanted)


@sink
def sink_menu(look: Look) -> str:
    return page_has(look, path="/commands/storage")


@sink
def sink_form(look: Look) -> str:
    return page_has(look, name="Ada Byron", description="wrote the first program")


@todos
def todo_three(look: Look) -> str:
    return page_has(look, todos=[["buy milk", False], ["call Sam", False], ["water the plants", False]])


@todos
def todo_done_and_cleared(look: Look) -> str:
    return page_has(look, todos=[["call Sam", False]])


@todos
def todo_typed(look: Look) -> str:
    return page_has(look, todos=[["pay the rent", False]])


@todos
def todo_two_one_done(look: Look) -> str:
    return page_has(look, todos=[["post the letter", False], ["feed the fish", True]])


@sink
def sink_delete_todo(look: Look) -> str:
    return page_has(look, todos=[["Pay electric bill", True]])


@todos
def todo_all_done(look: Look) -> str:
    return page_has(look, todos=[])


@sink
def sink_one_for_another(look: Look) -> str:
    return differs("todos", sorted(look.page["todos"]), [["Walk the dog", False], ["Wash the car", False]])


@todos
def todo_two_complete(look: Look) -> str:
    return page_has(look, todos=[["water the roses", True], ["sweep the yard", True]])


@sink
def sink_box_and_password(look: Look) -> str:
    fields = [value for value in look.page["fields"] if not value.endswith("click to edit")]
    return differs("all fields", fields, ["hunter-22", "Ada Byron"])


@todos
def todo_rename(look: Look) -> str:
    return page_has(look, todos=[["paint the gate", False]])


@todos
def todo_remove_one(look: Look) -> str:
    return page_has(look, todos=[["bread", False], ["wine", False]])
