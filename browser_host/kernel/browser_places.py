"""Where the browsers of a host live: each has a directory, cgroups and a user of its own, as far as there are any.

Everything a browser writes lies under `<data dir>/browsers/<fence>-…`, which is removed with it; what a killed host
left there is swept by the next one. Where browsers run as users of their own, which may not be able to get there,
`browsers` is a link to a directory elsewhere.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from browser_host.kernel import cgroups, processes, session_directory
from browser_host.kernel.cgroups import BrowserCgroups, Cgroups, Limits, Roots
from browser_host.kernel.session_users import SessionUsers

LONGEST_ROOT_PATH = 36
"""Chromium makes a socket in its temporary directory, and dies when the path of that is over 108 bytes: 46 are its
own, 26 at most are `/<fence>-<8 letters>/tmp`. For a longer root the temporary directories lie elsewhere."""
NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True, eq=False)
class BrowserPlace:
    """Where one browser lives."""

    directory: Path
    temporary: Path
    cgroups: BrowserCgroups | None
    user: int
    """The number of the user that only this browser runs as; 0: the host's own."""

    @property
    def directories(self) -> list[Path]:
        """All it writes to."""
        return [self.directory, self.temporary]

    @property
    def unified(self) -> str:
        """The cgroup by which all its processes are found; empty where there is none."""
        return str(self.cgroups.unified) if self.cgroups and self.cgroups.unified else ""

    @property
    def entrance(self) -> dict[str, str]:
        """What the wrapper of a browser reads of its environment: where it is to go in, and as whom."""
        variables = {}
        if self.cgroups is not None:
            variables["TABKEEP_ENTER_CGROUPS"] = "\n".join(map(str, self.cgroups.paths))
        if self.user:
            variables["TABKEEP_BECOME_USER"] = str(self.user)
        return variables

    async def end_processes(self) -> None:
        """Kill what uses its profile and what runs as its user."""
        await processes.end_processes_of(self.directory / "profile")
        if self.user:
            await processes.end_user(self.user)


class BrowserPlaces:
    """The places that a host has for its browsers."""

    def __init__(self, data_dir: Path, users: SessionUsers | None, limits: Limits, *, use_cgroups: bool) -> None:
        """Prepare; `open` must be awaited before a place is taken. Without `users` all are the host's own user's."""
        self._users = users
        self._limits = limits
        self._use_cgroups = use_cgroups
        self._cgroups = Cgroups(Roots(), limits)
        self._root = self._browsers = data_dir / "browsers"
        self._short_link = data_dir / "temporary"
        """Where there is a root for temporary directories elsewhere, a link to it, so that the next host finds it."""
        self._short_root: Path | None = None
        self._cgroup_link = data_dir / "cgroup"
        """Where there are cgroups, links to the host's (cgroup, cgroup-1, …); for the same reason."""

    @property
    def root(self) -> Path:
        """Below which the directories of browsers are."""
        return self._root

    @property
    def have_users(self) -> bool:
        """Each has a user of its own."""
        return self._users is not None

    @property
    def have_entrances(self) -> bool:
        """A browser cannot simply be started in one: its wrapper has to see to the cgroups or the user."""
        return self._cgroups.usable or self.have_users

    @property
    def limits(self) -> Limits:
        """Those that are in force in each."""
        return self._cgroups.limits

    async def open(self, cover_cgroup: Callable[[Path], None]) -> None:
        """Make the root of all places; what `cover_cgroup` is told of somebody ends when this process is gone."""
        await asyncio.to_thread(self._make_root)
        if len(os.fsencode(self._root)) > LONGEST_ROOT_PATH:
            self._short_root = session_directory.new_root()
            self._short_link.symlink_to(self._short_root)
        if self._use_cgroups:
            roots = await asyncio.to_thread(cgroups.make_roots, self._limits)
            for number, path in enumerate(roots.paths):
                self._cgroup_links(number).symlink_to(path)
                cover_cgroup(path)
            self._cgroups = Cgroups(roots, self._limits)

    def _make_root(self) -> None:
        """Make the directory of the browsers; elsewhere, with a link to it, where their users cannot get to it."""
        if self._users is None:
            self._root.mkdir(mode=0o700, parents=True)
            return
        self._root.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        if session_directory.others_can_reach(self._root.parent.parent):
            self._root.parent.chmod(0o711)
            self._root.mkdir(mode=0o711)
            self._root.chmod(0o711)
            return
        link, self._root = self._root, session_directory.new_root()
        link.symlink_to(self._root)

    def _cgroup_links(self, number: int) -> Path:
        return self._cgroup_link.with_name(f"cgroup-{number}") if number else self._cgroup_link

    async def sweep(self) -> int:
        """End and remove all that this host or a former one has left; returns how many process groups were ended."""
        ended = await processes.sweep(self._browsers)
        for number in range(1 + len(cgroups.CONTROLLERS)):
            link = self._cgroup_links(number)
            if link.is_symlink():
                await cgroups.end((link.readlink(),))
                link.unlink()
        if self._short_link.is_symlink():
            await asyncio.to_thread(processes.remove_tree, self._short_link.readlink())
            self._short_link.unlink()
        return ended

    def take(self, prefix: str) -> BrowserPlace:
        """A new place, whose directory's name begins with `prefix`; nothing is left of one that cannot be had.

        Raises:
            NoUserFree.
            OSError.
        """
        user = self._users.take() if self._users is not None else 0
        directory = None
        try:
            directory = session_directory.make(self._root, prefix, user)
            temporary = directory / "tmp" if self._short_root is None else self._short_root / directory.name
            made = self._cgroups.make(directory.name) if self._cgroups.usable else None
        except OSError:
            if directory is not None:
                processes.remove_tree(directory)
            self._give_back(user)
            raise
        return BrowserPlace(directory, temporary, made, user)

    def left(self, place: BrowserPlace) -> None:
        """Its browser has ended, and has removed its directory and cgroups itself."""
        processes.remove_tree(place.temporary)
        self._give_back(place.user)

    async def clear(self, place: BrowserPlace) -> None:
        """Remove a place that has no browser, or none that lives."""
        await asyncio.to_thread(processes.remove_tree, place.directory)
        await asyncio.to_thread(processes.remove_tree, place.temporary)
        if place.cgroups is not None:
            await cgroups.end(place.cgroups.paths)
        if place.user:
            await processes.end_user(place.user)
            self._give_back(place.user)

    def _give_back(self, user: int) -> None:
        if user and self._users is not None:
            self._users.give_back(user)
