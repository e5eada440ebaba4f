"""Which browsers are installed here, how to get one, and how they are started. Imports and runs nothing by itself.

Playwright is not needed to look: its own builds lie in a known directory.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from browser_host.messages import BrowserType

VERSION_SECONDS = 10.0

PLAYWRIGHT_DISABLED_FEATURES = (
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable",
    "LensOverlay",
    "MediaRouter",
    "PaintHolding",
    "ThirdPartyStoragePartitioning",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "TcpPortRandomizationWin",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
    "AimEnabled",
    "PreconnectToSearch",
    "msForceBrowserSignIn",
    "msEdgeUpdateLaunchServicesPreferredVersion",
)
"""What Playwright 1.65 disables, in its order. Of several --disable-features Chromium obeys the last one only, so
ours must carry these too; a test reads the running browser's command line and fails when Playwright's list changes."""

DISABLED_FEATURES = (
    # No bubble that offers to translate a page.
    "Translate",
    # Two hidden WebUI documents that cost each headless browser about 100 ms and 40 MiB.
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    # WebRTC shows no local addresses anyway; for hiding them it would join a multicast group of the host's network.
    "WebRtcHideLocalIpsWithMdns",
)


@dataclass(frozen=True, slots=True)
class FoundBrowser:
    """A browser that is installed on this machine."""

    browser_type: BrowserType
    product: str
    """For example "Chromium" or "Google Chrome"."""
    version: str
    """For example "156.0.8078.79"."""
    executable: Path

    @property
    def name(self) -> str:
        """Product and version."""
        return f"{self.product} {self.version}"


def find_browsers(named: Sequence[tuple[BrowserType, Path]] | None = None) -> list[FoundBrowser]:
    """All browsers found here, of each type the preferred one first; those that do not start are left out.

    `named` are the operator's own choices; without them TABKEEP_CHROME and TABKEEP_MSEDGE are asked. Asks each browser
    for its version, which takes about 50 ms each and 10 s at most.
    """
    if named is None:
        variables = ((BrowserType.CHROME, "TABKEEP_CHROME"), (BrowserType.MSEDGE, "TABKEEP_MSEDGE"))
        named = [(kind, Path(os.environ[variable])) for kind, variable in variables if os.environ.get(variable)]
    found: list[FoundBrowser] = []
    seen: set[Path] = set()
    usual = candidates(os.environ, sys.platform, Path.home())
    own_builds = ((BrowserType.CHROME, path) for path in _playwright_builds(os.environ))
    for browser_type, executable in (*named, *usual, *own_builds):
        if executable in seen or not executable.is_file():
            continue
        seen.add(executable)
        asked = _product_and_version(executable)
        if asked is not None:
            found.append(FoundBrowser(browser_type, *asked, executable))
    return found


def how_to_install(browser_type: BrowserType) -> str:
    """What a person can do to get a browser of this type onto this machine."""
    if browser_type is BrowserType.MSEDGE:
        return "install it with `playwright install msedge`, or from Microsoft, or set TABKEEP_MSEDGE to its executable"
    linux = sys.platform.startswith("linux")
    system = ", with the system's package manager (`apt-get install chromium`, `dnf install chromium`)" if linux else ""
    return (
        f"install one with `playwright install chromium`{system}, or install Google Chrome, "
        "or set TABKEEP_CHROME to the executable of one"
    )


def browser_arguments(browser: FoundBrowser) -> list[str]:
    """The arguments for a browser, beyond those that Playwright gives it."""
    return [
        # These three would call home while idle.
        "--gaia-url=https://127.0.0.1:9/",
        "--component-updater=url-source=http://127.0.0.1:9/x",
        "--disable-domain-reliability",
        # Otherwise WebRTC tells pages the machine's own addresses.
        "--webrtc-ip-handling-policy=disable_non_proxied_udp",
        f"--user-agent={user_agent(browser)}",
        # So that an extension can be loaded into a browser that runs; nobody but the host can ask for it.
        "--enable-unsafe-extension-debugging",
        "--disable-features=" + ",".join((*PLAYWRIGHT_DISABLED_FEATURES, *DISABLED_FEATURES)),
    ]


def egress_arguments(port: int) -> list[str]:
    """The arguments that leave a browser one way out: the proxy on this loopback port."""
    return [
        f"--proxy-server=http://127.0.0.1:{port}",
        # Loopback too: what Chromium does not send to the proxy nobody judges.
        "--proxy-bypass-list=<-loopback>",
        # It needs no names but the proxy's; what still asks for one (prefetch, STUN) learns nothing and tells nobody.
        "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
        "--disable-quic",
    ]


def dropped_arguments() -> list[str]:
    """Those of Playwright's own arguments that `browser_arguments` replaces, or that keep out or let in too much."""
    return [
        "--disable-features=" + ",".join(PLAYWRIGHT_DISABLED_FEATURES),
        "--disable-extensions",
        # Without it a page opens a tab in answer to a click or key, one for each, as it does for a person. With it a
        # script opens as many as it likes, faster than they can be closed.
        "--disable-popup-blocking",
    ]


def user_agent(browser: FoundBrowser) -> str:
    """What a browser with a window would send: the same, without the word Headless."""
    major = browser.version.split(".", 1)[0]
    platform = {"darwin": "Macintosh; Intel Mac OS X 10_15_7", "win32": "Windows NT 10.0; Win64; x64"}.get(
        sys.platform, "X11; Linux x86_64"
    )
    agent = f"Mozilla/5.0 ({platform}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.0.0 Safari/537.36"
    return f"{agent} Edg/{major}.0.0.0" if browser.browser_type is BrowserType.MSEDGE else agent


def browser_environment(environ: Mapping[str, str], home: Path, temporary: Path) -> dict[str, str | float | bool]:
    """The environment of a browser: nothing of the host's own but what a browser needs.

    Its home and temporary directories are the session's, so that whatever it writes ends with it.
    """
    wanted = {"PATH", "LANG", "LANGUAGE", "TZ", "LD_LIBRARY_PATH", "FONTCONFIG_FILE", "FONTCONFIG_PATH"}
    passed: dict[str, str | float | bool] = {
        name: value for name, value in environ.items() if name in wanted or name.startswith("LC_")
    }
    return {**passed, "HOME": str(home), "TMPDIR": str(temporary)}


_CHROME_ON_LINUX = ("chrome", "chrome-beta", "chrome-unstable")
_EDGE_ON_LINUX = ("msedge", "msedge-beta", "msedge-dev")
_EDGE_ON_MACOS = ("Microsoft Edge", "Microsoft Edge Beta", "Microsoft Edge Dev", "Microsoft Edge Canary")
_EDGE_ON_WINDOWS = ("Edge", "Edge Beta", "Edge Dev", "Edge SxS")
"""The channels, the stable one first; SxS is Canary."""


def candidates(environ: Mapping[str, str], platform: str, home: Path) -> Iterator[tuple[BrowserType, Path]]:
    """Where browsers usually are, preferred ones first. Never a wrapper script: those add arguments of their own."""
    chrome, edge = BrowserType.CHROME, BrowserType.MSEDGE
    if platform == "darwin":
        for root in (Path("/Applications"), home / "Applications"):
            yield chrome, root / "Google Chrome.app/Contents/MacOS/Google Chrome"
            yield chrome, root / "Chromium.app/Contents/MacOS/Chromium"
            for name in _EDGE_ON_MACOS:
                yield edge, root / f"{name}.app/Contents/MacOS/{name}"
    elif platform == "win32":
        for variable in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"):
            if root_name := environ.get(variable):
                yield chrome, Path(root_name) / "Google/Chrome/Application/chrome.exe"
                yield chrome, Path(root_name) / "Chromium/Application/chrome.exe"
                for name in _EDGE_ON_WINDOWS:
                    yield edge, Path(root_name) / f"Microsoft/{name}/Application/msedge.exe"
    else:
        for name in _CHROME_ON_LINUX:
            yield chrome, Path(f"/opt/google/{name}/chrome")
        for directory in ("/usr/lib/chromium", "/usr/lib64/chromium"):
            yield chrome, Path(directory) / "chromium"
        for directory in ("/usr/lib/chromium-browser", "/usr/lib64/chromium-browser"):
            yield chrome, Path(directory) / "chromium-browser"
        for name in _EDGE_ON_LINUX:
            yield edge, Path(f"/opt/microsoft/{name}/msedge")


def _playwright_builds(environ: Mapping[str, str]) -> list[Path]:
    """The builds of Chromium that `playwright install` put here, newest first."""
    if (given := environ.get("PLAYWRIGHT_BROWSERS_PATH")) and given != "0":
        root = Path(given)
    elif sys.platform == "darwin":
        root = Path.home() / "Library/Caches/ms-playwright"
    elif sys.platform == "win32":
        root = Path(environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "ms-playwright"
    else:
        root = Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ms-playwright"
    patterns = (
        "chromium-*/chrome-linux*/chrome",
        "chromium-*/chrome-mac*/*.app/Contents/MacOS/*",
        "chromium-*/chrome-win*/chrome.exe",
    )
    builds = [path for pattern in patterns for path in root.glob(pattern)]
    return sorted(builds, key=lambda path: _revision(path.relative_to(root).parts[0]), reverse=True)


def _revision(directory: str) -> int:
    digits = directory.rpartition("-")[2]
    return int(digits) if digits.isdigit() else 0


def _product_and_version(executable: Path) -> tuple[str, str] | None:
    """What the browser says it is; None when it does not answer."""
    if sys.platform == "win32":
        # There `--version` opens a window; the version is the name of a directory beside the executable.
        versions = [path.name for path in executable.parent.iterdir() if re.fullmatch(r"\d+(\.\d+){3}", path.name)]
        return (executable.stem, max(versions, key=_revision)) if versions else None
    try:
        answer = subprocess.run(
            [executable, "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=VERSION_SECONDS,
            check=True,
            text=True,
            errors="replace",
        )
    except (OSError, subprocess.SubprocessError):
        return None
    parts = re.search(r"^\s*(\D*?)\s*(\d+(?:\.\d+)+)", answer.stdout)
    return (parts[1] or executable.name, parts[2]) if parts else None
