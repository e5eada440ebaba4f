"""Pages of other sites in a real browser that can reach the gateway: they do nothing and see nothing."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest
from playwright.async_api import Browser

from control_plane.config import Config
from control_plane.server import ControlPlane
from tests.integration.task_fixtures import PageServer, chromium, page_server

__all__ = ["chromium", "page_server"]

TRIES = """async ([base, key, id]) => {
  const url = `${base}/v1/tabkeep/browserSessions`, headers = { 'x-api-key': key, 'content-type': 'application/json' };
  const close = `${base}/v1/browser_sessions/${id}/close`;
  const socket = () => new Promise((resolve, reject) => {
    const opened = new WebSocket(`${url}/${id}/cdp`.replace('http', 'ws'));
    opened.onopen = resolve; opened.onerror = reject;
  });
  const stream = () => new Promise((resolve, reject) => {
    const opened = new EventSource(`${url}/${id}:watch`);
    opened.onopen = resolve; opened.onerror = reject;
  });
  const read = async (...asked) => (await fetch(...asked)).text();
  const tries = {
    list: () => read(url, { headers }),
    make: () => read(url, { method: 'POST', headers, body: '{}' }),
    plain: () => read(url, { method: 'POST', body: '{}' }),
    bearer: () => read(close, { method: 'POST', headers: { authorization: `Bearer ${key}` } }),
    document: () => read(`${base}/openapi.json`),
    socket, stream,
  };
  const done = [];
  for (const [name, act] of Object.entries(tries)) await act().then(() => done.push(name), () => {});
  const blind = { method: 'POST', mode: 'no-cors', body: '{}' };
  for (const target of [url, close]) await fetch(target, blind).catch(() => {});
  return done;
}"""


@pytest.fixture
def config(config: Config) -> Config:
    """Settings of a control plane that also serves HTTP."""
    return replace(config, http_address="127.0.0.1:0")


async def test_a_page_of_another_site_gets_nothing_though_it_knows_the_key(
    control_plane: ControlPlane, api_key: str, chromium: Browser, page_server: PageServer
):
    base = f"http://{control_plane.http_address}"
    async with httpx.AsyncClient(base_url=base, headers={"x-api-key": api_key}) as http:
        made = (await http.post("/v1/browser_sessions", json={})).json()["browser_session_id"]
        context = await chromium.new_context()
        page = await context.new_page()
        await page.goto(f"{page_server.url}/text?body=<title>Elsewhere</title>")
        assert await page.evaluate(TRIES, [base, api_key, made]) == []
        await context.close()
        (left,) = (await http.get("/v1/browser_sessions")).json()
        assert (left["browser_session_id"], left["status"]) == (made, "running")


async def test_a_site_whose_name_leads_to_this_machine_is_not_served(control_plane: ControlPlane, chromium: Browser):
    port = control_plane.http_address.rpartition(":")[2]
    context = await chromium.new_context()
    page = await context.new_page()
    answer = await page.goto(f"http://elsewhere.localhost:{port}/openapi.json")  # a browser takes it for loopback
    assert answer is not None
    assert (answer.status, (await answer.json())["code"]) == (421, "HOST_NOT_ALLOWED")
    await context.close()
