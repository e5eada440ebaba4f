"""Installs the applications into a folder of their own: nothing of them is in the repository or on the system."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

REQUIREMENTS = (
    "django-oscar[sorl-thumbnail]==4.2.1",
    "Whoosh-Reloaded==2.7.5",
    "Django==5.2.19",
    "sqlite-web==0.8.2",
    "datasette==0.65.5",
    "setuptools<81",
    "Radicale==3.9.0",
    "roundup==2.6.0",
    "ihatemoney==7.2.1",
)
"""setuptools: datasette asks for its pkg_resources."""
NODE_PACKAGES = ("cypress-example-kitchensink@5.2.6", "todomvc@0.1.1", "serve@14.2.5")
DEBIAN_PACKAGES = (
    "dokuwiki", "php8.2-cli", "php8.2-common", "php8.2-xml", "php8.2-mbstring", "php8.2-intl", "php-geshi",
    "libphp-simplepie", "php-phpseclib", "php-random-compat", "libjs-jquery", "libjs-jquery-ui",
    "libjs-jquery-cookie",
)  # fmt: skip
"""Unpacked, not installed: they need no root and change nothing on the machine."""


class NotInstalled(Exception):
    """Something could not be installed; the text has what the installer said last."""


class Installation:
    """The folder, and where in it things are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.python = self.folder / "python" / "bin" / "python"
        self.node_packages = self.folder / "node" / "node_modules"
        self.debian = self.folder / "debian" / "root"

    def program(self, name: str) -> str:
        """A command that came with a Python package."""
        return str(self.python.with_name(name))

    def complete(self, say: Callable[[str], None]) -> None:
        """Install what is not there.

        Raises:
            NotInstalled.
        """
        self._once("python", REQUIREMENTS, self._install_python, say)
        self._once("node", NODE_PACKAGES, self._install_node, say)
        self._once("debian", DEBIAN_PACKAGES, self._unpack_debian, say)

    def _once(
        self, name: str, packages: tuple[str, ...], install: Callable[[Path], None], say: Callable[[str], None]
    ) -> None:
        folder = self.folder / name
        stamp = folder / ".installed"
        if stamp.exists() and stamp.read_text() == "\n".join(packages):
            return
        say(f"installing {', '.join(packages)} into {folder}")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        install(folder)
        stamp.write_text("\n".join(packages))

    def _install_python(self, folder: Path) -> None:
        _do([sys.executable, "-m", "venv", str(folder)], folder)
        _do([str(self.python), "-m", "pip", "install", "--quiet", *REQUIREMENTS], folder)

    def _install_node(self, folder: Path) -> None:
        (folder / "package.json").write_text('{"private": true}')
        _do(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", *NODE_PACKAGES], folder)

    def _unpack_debian(self, folder: Path) -> None:
        _do(["apt-get", "download", *DEBIAN_PACKAGES], folder)
        for package in sorted(folder.glob("*.deb")):
            _do(["dpkg-deb", "-x", str(package), str(self.debian)], folder)


def _do(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise NotInstalled(f"{command[0]} is not on this machine") from None
    if done.returncode != 0:
        raise NotInstalled(f"{command[0]} failed:\n{(done.stdout + done.stderr)[-2000:]}")
