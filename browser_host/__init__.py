"""A browser host: dials its control plane, launches browsers, carries out runs in them, ends them.

Who starts which asyncio task, and ends it:

- `__main__`: `Attachment.run`, `Host.run`, `Uploads.run`, and `GuardianProcess.run`, which keeps that process alive
- `attachment`: for each stream one writer, one reader and one watch for silence
- `host`: the life of each session, fencing, draining, the pause detector
- `live_session`: launch, deadline, death watch and page reports of its browser
- `session_runs`: the run it is on
- `playwright_life`, `playwright_browser`, `playwright_starts`: small bounded calls to the browser, its end, and
  abandoned launches
- `playwright_launcher`: the filling of its pool (`warm_pool`)

Waits are bounded with `asyncio.timeout`, never `asyncio.wait_for`: in Python 3.11 that loses a cancellation which comes
in the same moment as the result.
"""
