"""The seed's API for stored logins, over real HTTP, with a fake host."""

from __future__ import annotations

from typing import Any

from tests.integration.test_seed_http import config, http, live_session, refusal
from tests.integration.test_seed_sdk import refused_alike, stranger

__all__ = ["config", "http", "stranger"]

LOGIN = {
    "name": "desk",
    "credential_type": "password",
    "credential": {"username": "ada", "password": "correct horse 9", "totp": "GEZDGNBVGY3TQOJQ"},
    "tested_url": "https://shop.example/login?next=/",
}


async def kept(http, **login):
    """A stored login's id."""
    answer = await http.post("/v1/credentials", json={**LOGIN, **login})
    assert answer.status_code == 201, answer.text
    return answer.json()["credential_id"]


async def test_a_login_is_stored_shown_without_its_secrets_found_and_deleted(http, host, stranger):
    body = {**LOGIN, "vault_type": None, "proxy_location": None}
    made = await http.post("/v1/credentials", json=body, headers={"idempotency-key": "once"})
    assert made.status_code == 201, made.text
    login = made.json()
    assert (login["name"], login["credential_type"], login["vault_type"], login["tested_url"]) == (
        "ada at https://shop.example", "password", "skyvern", "https://shop.example",
    )  # fmt: skip
    assert login["credential"] == {"username": "ada", "totp_type": "authenticator", "totp_identifier": None}
    again = await http.post("/v1/credentials", json=body, headers={"idempotency-key": "once"})
    assert (again.status_code, again.json()) == (201, login)
    assert (await refusal(await http.post("/v1/credentials", json=LOGIN)))[:2] == (409, "CREDENTIAL_EXISTS")

    path = f"/v1/credentials/{login['credential_id']}"
    assert (await http.get(path)).json() == login
    other = await kept(http, credential={"username": "bob", "password": "x"}, tested_url="http://desk.example:8080")
    everything = (await http.get("/v1/credentials/")).text
    assert "correct horse" not in made.text + everything
    assert "GEZDG" not in made.text + everything
    for query, found in [
        ("", {login["credential_id"], other}), ("?search=SHOP", {login["credential_id"]}), ("?search=bob", {other}),
        ("?search=nobody", set()), ("?credential_type=password&vault_type=skyvern", {login["credential_id"], other}),
        ("?credential_type=credit_card", set()), ("?vault_type=bitwarden", set()), ("?page=3&page_size=1", set()),
    ]:  # fmt: skip
        listed = (await http.get(f"/v1/credentials{query}")).json()
        assert {one["credential_id"] for one in listed} == found, query
    assert (await http.get("/v1/credentials", headers=stranger)).json() == []
    await refused_alike(http, stranger, "GET", "/v1/credentials/{}", login["credential_id"], "cred_none")
    await refused_alike(http, stranger, "POST", "/v1/credentials/{}/delete", login["credential_id"], "cred_none")
    for wrong in ("credential_type=x", "vault_type=mine", "page=0"):
        assert (await refusal(await http.get(f"/v1/credentials?{wrong}")))[:2] == (422, "FIELD_INVALID")

    deleted = await http.post(f"{path}/delete")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert (await refusal(await http.get(path)))[:2] == (404, "CREDENTIAL_NOT_FOUND")


BAD_LOGINS: list[tuple[dict[str, Any], list[str]]] = [
    ({"name": None}, ["name"]),
    ({"name": 5}, ["name"]),
    ({"credential_type": None}, ["credential_type"]),
    ({"credential_type": "passkey"}, ["credential_type"]),
    ({"vault_type": "drawer"}, ["vault_type"]),
    ({"tested_url": None}, ["tested_url"]),
    ({"tested_url": "shop"}, ["tested_url"]),
    ({"credential": None}, ["credential"]),
    ({"credential": "hunter2"}, ["credential"]),
    ({"credential": {"username": "ada"}}, ["credential", "password"]),
    ({"credential": {"username": "ada", "password": ["hunter2"]}}, ["credential", "password"]),
    ({"credential": {"username": "ada", "password": "hunter2" * 200}}, ["credential", "password"]),
    ({"credential": {"username": "ada", "password": "hunter2\0"}}, ["credential", "password"]),
    ({"credential": {"password": "hunter2"}}, ["credential", "username"]),
    ({"credential": {"username": "ada", "password": "hunter2", "totp": "123"}}, ["credential", "totp"]),
    ({"credential": {"username": "ada", "password": "hunter2", "totp_type": "x"}}, ["credential", "totp_type"]),
]


async def test_a_login_that_cannot_be_is_refused_by_its_field_without_its_secrets(http):
    for body, place in BAD_LOGINS:
        answer = await http.post("/v1/credentials", json={**LOGIN, **body})
        status, code, detail = await refusal(answer)
        assert (body, status, code) == (body, 422, "FIELD_INVALID")
        assert [one["loc"] for one in detail] == [["body", *place]], body
        assert "hunter2" not in answer.text, body
    assert (await http.get("/v1/credentials")).json() == []


async def test_what_is_no_login_of_ours_is_not_offered(http):
    secret = {"username": "ada", "password": "x"}
    for body in (
        {"credential_type": "credit_card"}, {"credential_type": "secret"}, {"vault_type": "bitwarden"},
        {"proxy_location": "RESIDENTIAL"}, {"credential": {**secret, "totp_type": "email"}},
        {"credential": {**secret, "totp_identifier": "ada@example.com"}},
    ):  # fmt: skip
        assert (await refusal(await http.post("/v1/credentials", json={**LOGIN, **body})))[:2] == (400, "NOT_OFFERED")
    assert (await http.get("/v1/credentials")).json() == []


async def logged_in(http, **body):
    """The answer to a request to log in."""
    return await http.post("/v1/run/tasks/login", json={"credential_type": "skyvern", **body})


async def test_a_run_logs_in_with_a_stored_login(http, host):
    session_id = await live_session(http, host)
    credential_id = await kept(http)
    answer = await logged_in(http, credential_id=credential_id, browser_session_id=session_id, url="shop.example/in")
    assert answer.status_code == 200, answer.text
    run = answer.json()
    assert (run["run_id"][:4], run["run_request"], run["browser_session_id"]) == ("tsk_", None, session_id)
    goto, ask = (await host.begin_run()).start_run.blocks
    assert (goto.goto.url, ask.task.prompt) == ("https://shop.example/in", "Log in as 'ada'")
    shown = (await http.get(f"/v1/runs/{run['run_id']}")).json()
    assert (shown["run_request"], shown["run_type"]) == (None, "task_v1")
    await http.post(f"/v1/runs/{run['run_id']}/cancel")

    odd = await kept(http, credential={"username": "o'neil", "password": "x"})
    for body, prompt, url in [
        ({"credential_id": odd}, 'Log in as "o\'neil"', "https://shop.example"),
        ({"credential_id": odd, "prompt": "Sign in as o'neil"}, "Sign in as o'neil", "https://shop.example"),
        ({"credential_id": odd, "browser_session_id": session_id}, 'Log in as "o\'neil"', ""),
    ]:
        made = (await logged_in(http, **body)).json()
        kept_run = (await http.get(f"/v1/tabkeep/runs/{made['run_id']}")).json()
        assert (kept_run["prompt"], kept_run["url"]) == (prompt, url)


async def test_a_login_that_cannot_be_done_is_refused(http, host, stranger):
    credential_id = await kept(http)
    for body, place in [
        ({}, "credential_id"), ({"credential_id": 5}, "credential_id"),
        ({"credential_id": credential_id, "credential_type": None}, "credential_type"),
        ({"credential_id": credential_id, "credential_type": "drawer"}, "credential_type"),
        ({"credential_id": credential_id, "url": "nonsense://"}, "url"),
        ({"credential_id": credential_id, "prompt": 5}, "prompt"),
        ({"credential_id": await kept(http, credential={"username": "'\"“«", "password": "x"})}, "credential_id"),
    ]:  # fmt: skip
        status, code, detail = await refusal(await logged_in(http, **body))
        assert (status, code, detail[0]["loc"]) == (422, "FIELD_INVALID", ["body", place])
    for body in ({"credential_type": "bitwarden"}, {"totp_url": "https://a.example"}, {"browser_address": "ws://a"}):
        answer = await logged_in(http, **{"credential_id": credential_id, **body})
        assert (await refusal(answer))[:2] == (400, "NOT_OFFERED")
    body = {"credential_type": "skyvern", "credential_id": credential_id}
    foreign = await http.post("/v1/run/tasks/login", json=body, headers=stranger)
    assert (await refusal(foreign))[:2] == (404, "CREDENTIAL_NOT_FOUND")
    closed = await logged_in(http, credential_id=credential_id, browser_session_id="pbs_none")
    assert (await refusal(closed))[:2] == (404, "SESSION_NOT_FOUND")
    assert (await http.get("/v1/runs")).json() == []
