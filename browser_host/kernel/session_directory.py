"""The directory of one browser: who may do what in it.

    <root>/<fence>-<8 letters>/     the host's; its browser's user may pass through and nobody else may
        profile home tmp downloads  the browser's user's, 0700
        artifacts                   the host's, 0700: what the driver, which runs as the host, writes
        uploads                     the host's; the browser's user may read what runs give to its pages

The parent and what the driver writes to are not the browser's, so that a browser that was broken into can put no link
in the driver's way. Without a user of its own all is the host's, 0700.
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

OF_BROWSER = ("profile", "home", "downloads")
OF_HOST = ("artifacts", "uploads")
READ_BY_BROWSER = "uploads"


def make(root: Path, prefix: str, user: int) -> Path:
    """A new directory for the browser of a user; 0: of the host's own."""
    directory = Path(tempfile.mkdtemp(prefix=prefix, dir=root))
    if user:
        os.chown(directory, -1, user)
        directory.chmod(0o710)
    return directory


def fill(directory: Path, temporary: Path, user: int) -> Path:
    """Make what is in it, and the temporary directory wherever that is; returns its home directory."""
    for path in (*(directory / name for name in OF_BROWSER), temporary):
        path.mkdir(mode=0o700, parents=True)
        if user:
            os.chown(path, user, user)
    for name in OF_HOST:
        (directory / name).mkdir(mode=0o700)
    if user:
        os.chown(directory / READ_BY_BROWSER, -1, user)
        (directory / READ_BY_BROWSER).chmod(0o710)
    return directory / "home"


def others_can_reach(path: Path) -> bool:
    """Whether any user may pass through to `path` and, if it is a directory, through it; if a file, execute it."""
    return all(_others_may_execute(one) for one in (path, *path.parents))


def new_root() -> Path:
    """A new directory for those of browsers, in a place that every user can get to.

    Raises:
        OSError: there is none.
    """
    places = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]
    place = next((place for place in places if others_can_reach(place.resolve())), places[0])
    root = Path(tempfile.mkdtemp(prefix="tabkeep-", dir=place))
    root.chmod(0o711)
    return root


def _others_may_execute(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & stat.S_IXOTH)
    except OSError:
        return False
