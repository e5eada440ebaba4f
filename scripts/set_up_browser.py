"""Makes sure that a Chrome or Chromium is here: finds one that starts, or installs one and says how.

What is tried in turn: Playwright's own build, downloaded; the system libraries that this build may lack; Chromium from
apt-get. The last two need root, or a sudo that asks no password.
"""

import os
import shutil
import subprocess
import sys

from browser_host.launch import find_browsers, how_to_install
from browser_host.messages import BrowserType


def main() -> int:
    """Find or install; the exit status is 1 if there is no browser in the end."""
    if is_here():
        return 0
    for remedy in (download_with_its_libraries, install_with_apt):
        if remedy() and is_here():
            return 0
    print(f"browser: none is here, and none could be installed: {how_to_install(BrowserType.CHROME)}", file=sys.stderr)
    print("browser: (Ubuntu's own chromium package is a snap, which will not do)", file=sys.stderr)
    return 1


def is_here() -> bool:
    """Whether a browser is here that starts; says which."""
    for browser in find_browsers():
        if browser.browser_type is BrowserType.CHROME:
            print(f"browser: {browser.name} at {browser.executable}")
            return True
    return False


def download_with_its_libraries() -> bool:
    """Download Playwright's own build and, should it not start, what it needs of the system."""
    print("browser: none found; downloading Playwright's own build (some 200 MB, into its cache)", flush=True)
    playwright = [sys.executable, "-m", "playwright"]
    done = subprocess.run([*playwright, "install", "chromium"], stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        reasons = [line.removeprefix("Error: ") for line in done.stderr.splitlines() if line.startswith("Error: ")]
        print(f"browser: it could not be downloaded ({reasons[0] if reasons else 'no reason given'})", flush=True)
        return False
    if find_browsers() or shutil.which("apt-get") is None or (root := as_root()) is None:
        return True
    print("browser: it does not start yet; installing the libraries it needs with apt-get", flush=True)
    return succeeded([*root, *playwright, "install-deps", "chromium"])


def install_with_apt() -> bool:
    """Install Debian's Chromium, and a font to show text with."""
    if shutil.which("apt-get") is None:
        return False
    if (root := as_root()) is None:
        print("browser: chromium is not installed with apt-get, that needs root or a sudo that asks no password")
        return False
    print("browser: installing chromium with apt-get", flush=True)
    apt_get = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    packages = ["chromium", "fonts-liberation"]
    return succeeded([*apt_get, "update"]) and succeeded(
        [*apt_get, "install", "--yes", "--no-install-recommends", *packages]
    )


def as_root() -> list[str] | None:
    """What to put before a command to run it as root; None if that would ask for a password."""
    if os.geteuid() == 0:
        return []
    sudo = ["sudo", "-n"]
    return sudo if shutil.which("sudo") and succeeded([*sudo, "true"]) else None


def succeeded(command: list[str]) -> bool:
    """Run a command without its chatter, its complaints shown; whether it ended well."""
    return subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
