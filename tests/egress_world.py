"""A world of its own for browsers that try to reach what they may not: two network namespaces and a cable.

`python -m tests.egress_world` in a new network namespace (`unshare --net`) makes another one beside it that answers
for every address there is, launches a browser, has it try every spelling of every forbidden place in every way, and
prints one JSON line with what arrived where. Nothing of it can leave the machine: the cable ends in the other
namespace.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

from browser_host import launch
from browser_host.browser import NavigationBlocked, NavigationFailed
from browser_host.chromium import playwright_launcher
from browser_host.chromium.playwright_browser import PlaywrightBrowser
from browser_host.chromium.playwright_launcher import PlaywrightLauncher
from browser_host.clock import SystemClock
from browser_host.messages import BrowserType, Network, Placement
from browser_host.network import egress_policy
from browser_host.network.egress import Egress
from browser_host.open_browser import LaunchRequest
from tests.network_site import Site, serving

OURS, THEIRS = "93.184.215.13", "93.184.215.14"
"""The two ends of the cable, at addresses that look public."""
SECONDS = 30.0
SETTLED_SECONDS = 1.5
NAMES = {
    "good.test": [THEIRS], "www.good.test": [THEIRS, "2606:4700::14"], "other.test": ["151.101.1.69"],
    "mixed.test": ["10.0.0.1", THEIRS], "loop.test": ["127.0.0.1"], "six.test": ["::1"],
    "meta.test": ["169.254.169.254"],
    "private.test": ["10.0.0.1", "192.168.1.1"], "mapped.test": ["::ffff:10.0.0.1"], "nat.test": ["64:ff9b::7f00:1"],
    "sixtofour.test": ["2002:7f00:1::"], "unique.test": ["fd00:ec2::254"], "carrier.test": ["100.100.100.200"],
    "own.test": [OURS], "multi.test": ["224.0.0.251"], "zero.test": ["0.0.0.0"], "localhost": ["127.0.0.1", "::1"],
    "a.localhost": ["127.0.0.1"], "metadata.google.internal": ["169.254.169.254"], "link.test": ["fe80::1"],
    "empty.test": [],
}  # fmt: skip
"""What names resolve to; "flip.test" leads to a public address the first time and to loopback afterwards."""


SIX_THERE = ("64:ff9b::808:808", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "fd00::1", "fd00:ec2::254", "2002:7f00:1::")
"""Of IPv6, these are answered for; whatever else is sent to is seen on the cable."""
MORE = ("169.254.170.2", "172.31.255.1", "10.255.255.1")


def forbidden() -> list[str]:
    """Spellings of places that a browser may not reach, as URLs without their scheme."""
    hosts = [name for name, addresses in NAMES.items() if addresses and THEIRS not in addresses]
    hosts = [name for name in hosts if name != "other.test"]
    hosts += [f"{name}." for name in hosts[:6]] + ["LOCALHOST", "lOcAlHoSt.", "loop.test:8080"]
    for text in ("127.0.0.1", "169.254.169.254", "10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", *MORE):
        hosts += _spellings(text)
    hosts += ["0", "0.0.0.0", "0x0", "127.1", "127.0.1", "10.1", "127.255.255.254", "192.168.257", "172.31.255.255"]
    hosts += ["168.63.129.16", "192.0.0.192", "198.18.0.1", "224.0.0.251", "255.255.255.255", "240.0.0.1", OURS]
    six = ["::1", "::", "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1"]
    six += ["0:0:0:0:0:0:0:1", "0:0:0:0:0:ffff:7f00:1", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1"]
    six += ["2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:7f00:1::", "fd00::1", "fd00:ec2::254", "fc00::1", "fe80::1"]
    six += ["fec0::1", "ff02::1", "100::1", "2001:db8::1", "3fff::1", "5f00::1", "4000::1"]
    hosts += [f"[{text}]" for text in six] + [f"[{text.upper()}]:8080" for text in six[:8]]
    hosts += [f"{host}:8080" for host in ("127.0.0.1", "10.0.0.1", "169.254.169.254", "localhost", "2130706433")]
    hosts += [f"user:password@{host}" for host in ("127.0.0.1", "169.254.169.254")] + ["good.test@127.0.0.1"]
    return [f"{host}/hit" for host in hosts]


def _spellings(text: str) -> Iterator[str]:
    """Ways in which URL parsers let an IPv4 address be written."""
    a, b, c, d = (int(part) for part in text.split("."))
    whole = int(ipaddress.IPv4Address(text))
    yield from (text, f"{text}.", str(whole), hex(whole), f"0{whole:o}", f"{a}.{(b << 16) | (c << 8) | d}")
    yield from (f"{a}.{b}.{(c << 8) | d}", f"0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}", f"0{a:o}.0{b:o}.0{c:o}.0{d:o}")
    yield from (f"0x{a:x}.{b}.{c}.0{d:o}", f"{a:#010x}.{b}.{c}.{d}", f"0000{a:o}.{b}.{c}.{d}")
    full_width, full_stop = 0xFF10, "\u3002"
    yield text.translate({ord(digit): full_width + int(digit) for digit in "0123456789"})
    yield text.replace(".", full_stop)
    yield "".join(f"%{ord(letter):02x}" for letter in text)
    circled_one, circled_zero = 0x2460, 0x24EA
    circled = {ord(digit): circled_one + int(digit) - 1 if int(digit) else circled_zero for digit in "0123456789"}
    yield text.translate(circled)


def allowed() -> list[str]:
    """Spellings of places that a browser may reach."""
    hosts = ["good.test", "GOOD.test", "good.test.", "www.good.test", "other.test", "mixed.test", "good.test:8080"]
    hosts += [*_spellings(THEIRS), "151.101.1.69", "[2606:4700::14]", "[2606:4700:0:0:0:0:0:14]", "8.8.8.8", "1.1.1.1"]
    hosts += ["[::ffff:8.8.8.8]", "[64:ff9b::808:808]", "100.63.255.255", "172.32.0.1", "192.167.1.1", "11.0.0.1:8080"]
    return [f"{host}/hit" for host in hosts]


ATTEMPTS = """async urls => {
  const way = name => url => `${url}?way=${name}`;
  const quiet = promise => promise.catch(() => 0);
  // Chromium opens one WebSocket to an address after the other, and asks for much else when it likes.
  const told = (one, ...events) => new Promise(resolve => {
    for (const event of events) one.addEventListener(event, resolve);
    setTimeout(resolve, 8000);
  });
  const frames = (urls, make) => urls.map(url => new Promise(resolve => {
    const frame = document.createElement('iframe'); make(frame, url);
    setTimeout(resolve, 4000); frame.onload = resolve; document.body.append(frame); }));
  const worker = new Worker('/worker.js');
  const answered = new Promise(resolve => { worker.onmessage = resolve; setTimeout(resolve, 8000) });
  worker.postMessage(urls.map(way('worker')));
  const all = [answered];
  for (const plain of urls) {
    const url = name => `http://${plain}?way=${name}`;
    all.push(quiet(fetch(url('fetch'), {mode: 'no-cors'})));
    const image = new Image(); image.src = url('image'); all.push(told(image, 'load', 'error'));
    try { navigator.sendBeacon(url('beacon'), 'x'); } catch (e) {}
    try {
      const s = new WebSocket(`ws://${plain}?way=websocket`); s.onopen = () => s.close();
      all.push(told(s, 'open', 'error'));
    } catch (e) {}
    const style = document.createElement('link'); style.rel = 'stylesheet'; style.href = url('style');
    document.head.append(style); all.push(told(style, 'load', 'error'));
    const fetched = document.createElement('link'); fetched.rel = 'prefetch'; fetched.href = url('prefetch');
    document.head.append(fetched); all.push(told(fetched, 'load', 'error'));
    const early = document.createElement('link'); early.rel = 'preconnect'; early.href = url('preconnect');
    document.head.append(early);
    const named = document.createElement('link'); named.rel = 'dns-prefetch'; named.href = url('dns');
    document.head.append(named);
    const script = document.createElement('script'); script.src = url('script'); document.head.append(script);
    all.push(told(script, 'load', 'error'));
    // Whoever answers there does not speak TLS, and hangs up.
    all.push(quiet(fetch(`https://${plain}?way=https`, {mode: 'no-cors', signal: AbortSignal.timeout(6000)})));
  }
  await Promise.all(all);
  return true;
}"""
FRAMES = """async urls => {
  for (let at = 0; at < urls.length; at += 40) {
    const waits = [];
    for (const plain of urls.slice(at, at + 40)) {
      const url = name => `http://${plain}?way=${name}`;
      const wait = frame => waits.push(new Promise(done => { frame.onload = done; setTimeout(done, 3000); }));
      const frame = document.createElement('iframe'); frame.src = url('iframe'); wait(frame);
      document.body.append(frame);
      const target = document.createElement('iframe'); target.name = 'form' + at + waits.length; wait(target);
      document.body.append(target);
      const form = document.createElement('form'); form.method = 'post'; form.target = target.name;
      form.action = url('form'); document.body.append(form); form.submit();
      const refreshed = document.createElement('iframe'); wait(refreshed);
      refreshed.srcdoc = `<meta http-equiv=refresh content="0;url=${url('refresh')}">`;
      document.body.append(refreshed);
      const sent = document.createElement('iframe'); wait(sent);
      sent.src = `/redirect?to=${encodeURIComponent(url('redirect'))}`; document.body.append(sent);
    }
    await Promise.all(waits); await new Promise(done => setTimeout(done, 300));
    document.querySelectorAll('iframe').forEach(frame => frame.remove());
  }
  return true;
}"""
LEAVE = """([opened, downloaded]) => {
  window.open(opened);
  const link = document.createElement('a'); link.href = downloaded; link.download = 'x';
  document.body.append(link); link.click();
}"""
DIRECT = """async address => {
  const pc = new RTCPeerConnection({iceServers: [{urls: `stun:${address}:3478`}, {urls: 'stun:good.test:3478'},
    {urls: `turn:${address}:3478?transport=tcp`, username: 'u', credential: 'c'}]});
  const found = []; pc.onicecandidate = event => event.candidate && found.push(event.candidate.candidate);
  pc.createDataChannel('d'); await pc.setLocalDescription(await pc.createOffer());
  const quic = [];
  for (const url of [`https://${address}:443/`, 'https://good.test:443/'])
    if (window.WebTransport) quic.push(new WebTransport(url).ready.then(() => 'open', () => 'refused'));
  await new Promise(done => setTimeout(done, 3000));
  return [found, await Promise.all(quic)];
}"""
WORKER = b"""onmessage = async event => {
  await Promise.all(event.data.map(url => fetch('http://' + url, {mode: 'no-cors'}).catch(() => 0)));
  postMessage('done');
}"""


class Packets:
    """Every packet that leaves this namespace by the cable."""

    def __init__(self, device: str) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self._socket.bind((device, 0))
        self._socket.setblocking(False)
        self.strange: dict[str, int] = {}
        asyncio.get_running_loop().add_reader(self._socket, self._read)

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                packet, (_, _, kind, *_) = self._socket.recvfrom(65536)
                if kind == socket.PACKET_OUTGOING:  # type: ignore[attr-defined]
                    self._judge(packet[14:])

    def _judge(self, packet: bytes) -> None:
        version = packet[0] >> 4
        if version == 4:
            protocol, to = packet[9], str(ipaddress.IPv4Address(packet[16:20]))
        elif version == 6:
            protocol, to = packet[6], str(ipaddress.IPv6Address(packet[24:40]))
        else:
            return  # ARP
        address = ipaddress.ip_address(to)
        near = address.is_multicast or address.is_link_local or to.startswith("2606:4700")
        if (protocol in (0, 58) and near) or (protocol == 6 and not egress_policy.not_public(address)):
            return
        self.strange[f"protocol {protocol} to {to}"] = self.strange.get(f"protocol {protocol} to {to}", 0) + 1

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@contextlib.contextmanager
def the_other_side() -> Iterator[None]:
    """The second namespace: a process in it that serves every address, and the cable to it."""
    ip("link", "set", "lo", "up")
    ip("link", "add", "cable", "type", "veth", "peer", "name", "far")
    child = subprocess.Popen(
        ["unshare", "--net", sys.executable, "-m", "tests.egress_world", "serve"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert child.stdout is not None
        assert child.stdin is not None
        assert child.stdout.readline() == "here\n"
        ip("link", "set", "far", "netns", str(child.pid))
        ip("address", "add", f"{OURS}/30", "dev", "cable")
        ip("-6", "address", "add", "2606:4700::13/64", "dev", "cable", "nodad")
        ip("link", "set", "cable", "up")
        ip("route", "add", "default", "via", THEIRS)
        ip("-6", "route", "add", "default", "via", "2606:4700::14", "dev", "cable")
        child.stdin.write("go\n")
        child.stdin.flush()
        assert child.stdout.readline() == "serving\n"
        yield
        child.stdin.close()
        global far_hits
        far_hits = json.loads(child.stdout.read())
    finally:
        child.kill()
        child.wait()


far_hits: list[Any] = []


async def serve() -> None:
    """The other side: answer for every address until told to end, then say what was asked."""
    print("here", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    ip("link", "set", "lo", "up")
    ip("address", "add", f"{THEIRS}/30", "dev", "far")
    ip("-6", "address", "add", "2606:4700::14/64", "dev", "far", "nodad")
    ip("link", "set", "far", "up")
    ip("route", "add", "local", "0.0.0.0/0", "dev", "lo")
    for address in SIX_THERE:
        ip("-6", "address", "add", f"{address}/128", "dev", "far", "nodad")
    async with serving(a_site(), p80=("", 80, None), p8080=("", 8080, None), p443=("", 443, None)) as site:
        print("serving", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        print(json.dumps(site.hits), flush=True)


def a_site() -> Site:
    return Site({"/": ("text/html", b"<title>start</title><body>"), "/worker.js": ("text/javascript", WORKER)})


async def resolve(name: str, asked: dict[str, int]) -> list[str]:
    asked[name] = asked.get(name, 0) + 1
    if name == "flip.test":
        return [THEIRS] if asked[name] == 1 else ["127.0.0.1"]
    with contextlib.suppress(ValueError):
        return [str(ipaddress.ip_address(name))]
    if not NAMES.get(name):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return NAMES[name]


@contextlib.asynccontextmanager
async def a_launcher(directory: Path, *opened: str) -> AsyncIterator[PlaywrightLauncher]:
    asked: dict[str, int] = {}

    def an_egress(*allows: Any, **more: Any) -> Egress:
        return Egress(*allows, **{**more, "resolve": lambda name: resolve(name, asked)})

    playwright_launcher.Egress = an_egress  # type: ignore[assignment, misc]
    launcher = PlaywrightLauncher(
        launch.find_browsers(), directory, SystemClock(), sandbox=os.geteuid() != 0, concurrency=2,
        use_cgroups=False, environ={"PATH": os.environ["PATH"]}, allow_private=egress_policy.patterns(opened),
    )  # fmt: skip
    await launcher.open()
    try:
        yield launcher
    finally:
        await launcher.close()


_fences = count(1)


@contextlib.asynccontextmanager
async def a_browser(launcher: PlaywrightLauncher) -> AsyncIterator[PlaywrightBrowser]:
    fence = next(_fences)
    wanted = LaunchRequest(
        Placement(f"pbs_{fence}", fence), BrowserType.CHROME, "", 800, 600, timedelta(seconds=60), network=Network()
    )
    browser = await launcher.launch(wanted)
    try:
        yield browser
    finally:
        await browser.close()


async def goto(browser: PlaywrightBrowser, url: str) -> str:
    """What a goto ended with; what an earlier page began may come in between."""
    for _ in range(3):
        try:
            await (await browser.current_page()).goto(url, timeout=SECONDS)
        except NavigationBlocked as error:
            return f"blocked: {error}"
        except NavigationFailed as error:
            outcome = f"failed: {error}"
            if "interrupted" not in outcome and "ERR_ABORTED" not in outcome:
                break
        else:
            return "reached"
    return outcome


async def try_everything(browser: PlaywrightBrowser, urls: list[str]) -> dict[str, str]:
    """All ways: those within one page for all places, the slower ones for every so many.

    Returns how each goto ended.
    """
    tab = browser.context.pages[0]
    for script, places in ((ATTEMPTS, urls), (FRAMES, urls[:: max(1, len(urls) // 40)])):
        await goto(browser, "http://good.test/")
        await tab.evaluate(script, places)
        await asyncio.sleep(SETTLED_SECONDS)
    outcomes = {url: await goto(browser, f"http://{url}?way=goto") for url in urls[:: max(1, len(urls) // 40)]}
    for url in urls[:: max(1, len(urls) // 6)]:
        await goto(browser, "http://good.test/")
        await tab.evaluate(LEAVE, [f"http://{url}?way=open", f"http://{url}?way=download"])
        await asyncio.sleep(0.2)
        for more in [one for one in browser.context.pages if one is not tab]:
            await more.close()
    await asyncio.sleep(SETTLED_SECONDS)
    return outcomes


async def explore() -> dict[str, Any]:
    """Everything, with the policy and, as a check of the canaries themselves, without."""
    packets = Packets("cable")
    near = a_site()
    said: dict[str, Any] = {"forbidden": len(forbidden()), "allowed": len(allowed())}
    with tempfile.TemporaryDirectory() as directory:
        async with serving(near, p80=("", 80, None), p8080=("", 8080, None), p443=("", 443, None)):
            async with a_launcher(Path(directory) / "a") as launcher, a_browser(launcher) as browser:
                said["outcomes"] = await try_everything(browser, forbidden())
                said["direct"] = await browser.context.pages[0].evaluate(DIRECT, THEIRS)
                said["flip"] = [await goto(browser, "http://flip.test/hit?way=flip") for _ in range(2)]
                said["near"] = list(near.hits)
                said["strange"] = dict(packets.strange)
                said["good"] = await try_everything(browser, allowed())
            near.hits.clear()
            everywhere = ("0.0.0.0/0", "::/0")
            async with a_launcher(Path(directory) / "b", *everywhere) as launcher, a_browser(launcher) as browser:
                for url in ("127.0.0.1/hit?control", "169.254.169.254/hit?control", "10.0.0.1/hit?control"):
                    await goto(browser, f"http://{url}")
                said["control_near"] = [path for *_, path in near.hits]
                said["control_strange"] = dict(packets.strange)
    packets.close()
    return said


def main() -> None:
    if sys.argv[1:] == ["serve"]:
        asyncio.run(serve())
        return
    with the_other_side():
        said = asyncio.run(explore())
    print(json.dumps({**said, "far": far_hits}))


if __name__ == "__main__":
    main()
