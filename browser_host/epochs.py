"""The highest control epoch that this host ever saw, kept beyond its process.

A control plane that was replaced and comes back has a lower one; a host that was restarted meanwhile must know, too.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

logger = logging.getLogger(__name__)


class Epochs:
    """What was seen at one control plane's address; with no file, for as long as the object lives."""

    def __init__(self, file: Path | None = None, control_plane: str = "", highest: int = 0) -> None:
        """A file that tells of another address, or nothing, counts as none: the host was given to another one.

        `highest` is what an earlier process saw, where no file tells it.
        """
        self._file = file
        self._control_plane = control_plane
        self.highest = max(highest, self._read())
        self._before = max(self.highest - 1, 0)
        """What a new process may claim: it has not met the control plane that an earlier one met last, and would be
        taken for a host of another one under the same epoch."""
        self._met = False

    @property
    def claimed(self) -> int:
        """What this process tells the control plane that it has seen."""
        return self.highest if self._met else self._before

    def saw(self, epoch: int) -> None:
        """Remember an epoch; on a disk that fails only this process does, and the log says so."""
        self._met = self._met or epoch >= self.highest
        if epoch <= self.highest:
            return
        self.highest = epoch
        if self._file is None:
            return
        new = self._file.with_name(self._file.name + ".new")
        try:
            with new.open("w", encoding="utf-8") as written:
                written.write(f"{self._control_plane} {epoch}\n")
                written.flush()
                os.fsync(written.fileno())
            new.replace(self._file)
        except OSError as error:
            logger.warning("control epoch not kept", extra={"control_epoch": epoch, "reason": str(error)})

    def _read(self) -> int:
        if self._file is None:
            return 0
        try:
            address, _, epoch = self._file.read_text(encoding="utf-8").strip().rpartition(" ")
        except (OSError, UnicodeDecodeError):
            return 0
        return int(epoch) if address == self._control_plane and epoch.isdecimal() else 0
