"""Nothing gets out of a session's browser that may not: tried in a world where every address answers.

All of it happens in network namespaces of its own (`tests.egress_world`), so it needs root and Linux.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from ipaddress import ip_address
from typing import Any

import pytest

from browser_host.network.egress_policy import not_public

OF_ONE_PAGE = {"fetch", "image", "beacon", "websocket", "style", "prefetch", "script", "worker"}
SLOWER = {"iframe", "form", "redirect", "goto", "open", "download"}
SECONDS = 540.0


def namespaces_can_be_made() -> bool:
    return (
        sys.platform.startswith("linux")
        and os.geteuid() == 0
        and subprocess.run(
            ["unshare", "--net", "ip", "link", "add", "near", "type", "veth", "peer", "name", "far"],
            capture_output=True,
        ).returncode
        == 0
    )


@pytest.fixture(scope="module")
async def world() -> dict[str, Any]:
    """What the world saw."""
    if not await asyncio.to_thread(namespaces_can_be_made):
        pytest.skip("needs root on Linux, unshare and ip, and virtual Ethernet")
    process = await asyncio.create_subprocess_exec(
        "unshare", "--net", sys.executable, "-m", "tests.egress_world",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, limit=2**24,
    )  # fmt: skip
    try:
        said, complaints = await asyncio.wait_for(process.communicate(), SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, complaints.decode()[-3000:]
    found: dict[str, Any] = json.loads(said)
    return found


def ways(hits: list[list[Any]], host: str) -> set[str]:
    """In which ways a place was reached."""
    there = [path for _, _, named, path in hits if named == host or named.startswith(f"{host}:")]
    found = [re.search(r"way=(\w+)", path) for path in there]
    return {one[1] for one in found if one}


@pytest.mark.timeout(600)
async def test_no_spelling_of_a_private_place_is_reached_in_any_way(world):
    assert world["forbidden"] >= 200
    assert world["near"] == []
    arrived = [hit for hit in world["far"] if "way=" in hit[3]]
    private = [hit for hit in arrived if not_public(ip_address(hit[0].partition("%")[0]))]
    assert private == []
    not_told = {url: said for url, said in world["outcomes"].items() if not said.startswith("blocked: ")}
    assert not_told == {}


@pytest.mark.timeout(600)
async def test_no_good_place_is_refused_and_every_way_that_is_tried_works(world):
    assert {url: said for url, said in world["good"].items() if said != "reached"} == {}
    assert ways(world["far"], "good.test") >= OF_ONE_PAGE | SLOWER
    for host in ("www.good.test", "other.test", "mixed.test", "8.8.8.8", "[2606:4700::14]", "[64:ff9b::808:808]"):
        assert ways(world["far"], host) >= OF_ONE_PAGE, host


@pytest.mark.timeout(600)
async def test_webrtc_and_quic_send_nothing_and_names_are_asked_of_nobody(world):
    candidates, web_transports = world["direct"]
    assert candidates == []
    assert set(web_transports) <= {"refused"}
    assert world["strange"] == {}, "packets that are no TCP to a public address"


@pytest.mark.timeout(600)
async def test_a_name_that_is_led_elsewhere_later_stays_where_it_was(world):
    assert world["flip"] == ["reached", "reached"]
    assert "flip" in ways(world["far"], "flip.test")


@pytest.mark.timeout(600)
async def test_the_canaries_sing_where_the_operator_opens_everything(world):
    assert "/hit?control" in world["control_near"]
    reached = {hit[0] for hit in world["far"] if hit[3] == "/hit?control"}
    assert reached == {"169.254.169.254", "10.0.0.1"}
    assert {"protocol 6 to 10.0.0.1", "protocol 6 to 169.254.169.254"} <= set(world["control_strange"])
