"""Gives files to a page, and sees that it has them."""

from __future__ import annotations

import asyncio
import json

from tabkeep.v1 import actions_pb2

from browser_host.browser import DocumentReplaced, FilesNotPlaced, HeldFile, ScriptFailed
from browser_host.task.failures import FILE_UNAVAILABLE, NO_EFFECT, STEP_TIMEOUT, Failed
from browser_host.task.journal import FileMissing
from browser_host.task.page_script import call
from browser_host.task.performing.acting import REASONS, Done, checked
from browser_host.task.performing.pressing import EFFECT_PATIENCE, Pressing
from browser_host.task.wording import script_target

_CHOOSER_PATIENCE = 3.0
"""Seconds in which a press opens a file chooser, and in which a page shows what it was given."""
_FIELD = "() => globalThis.__tabkeepField()"
_CHOSEN = "(el, count) => globalThis.__tabkeepChosen(el, count)"


class Uploading(Pressing):
    """Files into file fields, or into what opens a file chooser."""

    async def _upload(self, upload: actions_pb2.Upload) -> Done:
        """Bring the files here, find their field, give them, and see that the page got them."""
        names = [self._parameters.fill(name) for name in upload.files]
        try:
            async with asyncio.timeout(self._left()) as limit, self._journal.files(names) as files:
                limit.reschedule(None)
                return await self._give(upload.target, files)
        except FileMissing as missing:
            raise Failed(FILE_UNAVAILABLE, str(missing)) from None
        except FilesNotPlaced as error:
            raise Failed(FILE_UNAVAILABLE, f"the files could not be given to the page: {error}") from None
        except TimeoutError:
            raise Failed(STEP_TIMEOUT, f"the files were not on the host within {self._timeout:g} s") from None

    async def _give(self, target: actions_pb2.Target, files: list[HeldFile]) -> Done:
        wanted = {"target": script_target(target), "count": len(files)}
        found = checked(await self._look("fileField", wanted))
        label = found["label"]
        if not found["field"]:
            label = await self._open_chooser(target, label, len(files))
        allowed = await self._allowed()
        before = self._page.effects_so_far()
        await self._page.set_files(_FIELD, files, timeout=allowed)
        names = ", ".join(f'"{one.file_name}"' for one in files)
        look_for = {"files": [{"name": one.file_name, "size": one.size} for one in files]}
        try:
            taken = await call(self._page, "filesTaken", look_for, wait=min(_CHOOSER_PATIENCE, self._left()))
        except (DocumentReplaced, ScriptFailed):
            if self._page.effects_so_far() == before:
                raise
            taken = None
        if taken is not None and not taken.get("ok"):
            raise Failed(REASONS[taken["reason"]], taken["message"], target=label)
        if await self._followed() or taken is None:
            return Done(label, f"gave {names}, and the page went on to another one")
        shown = "the field shows" if taken["shown"] == "field" else "the page took and shows"
        return Done(label, f"{shown} {names}", taken["title"])

    async def _open_chooser(self, target: actions_pb2.Target, label: str, count: int) -> str:
        """Press what opens a file chooser; its field is kept for what follows. Returns how it is called."""
        self._page.forget_file_chooser()
        await self._press(target, "click", 1, EFFECT_PATIENCE)
        kept = await self._page.file_chooser(_CHOSEN, count, timeout=min(_CHOOSER_PATIENCE, self._left()))
        if kept is None:
            raise Failed(NO_EFFECT, f"{label} was pressed and opened no file chooser", target=label)
        checked(json.loads(kept))
        return label
