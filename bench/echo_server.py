"""A floor, a process of its own: a bare grpc.aio server that answers with a message that was made beforehand.

The same calls, messages and event loop as the control plane's; no keys, checks, store, log or spans.
"""

from __future__ import annotations

import os

os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

from typing import Any

from tabkeep.v1 import browser_sessions_pb2 as sessions_pb
from tabkeep.v1 import browser_sessions_pb2_grpc as sessions_grpc
from tabkeep.v1 import runs_pb2 as runs_pb
from tabkeep.v1 import runs_pb2_grpc as runs_grpc

from bench import bare_server, json_lines
from bench.load import PROMPT

_RUN = runs_pb.Run(
    run_id="tsk_01jd0000000000000000000000",
    organization_id="o_default",
    run_type=runs_pb.RUN_TYPE_TASK,
    status=runs_pb.RUN_STATUS_RUNNING,
    browser_session_id="pbs_01jd0000000000000000000000",
    prompt=PROMPT,
    max_steps=50,
)
_SESSION = sessions_pb.BrowserSession(
    browser_session_id="pbs_01jd0000000000000000000000",
    organization_id="o_default",
    state=sessions_pb.BROWSER_SESSION_STATE_LAUNCHING,
    viewport=sessions_pb.Viewport(width=1280, height=720),
    host_id="host-1",
)
for _message in (_RUN, _SESSION):
    _message.create_time.GetCurrentTime()
    _message.update_time.GetCurrentTime()
    _message.timeout.FromSeconds(3600)


class _Runs(runs_grpc.RunServiceServicer):
    async def GetRun(self, request: runs_pb.GetRunRequest, context: Any) -> runs_pb.GetRunResponse:
        return runs_pb.GetRunResponse(run=_RUN)


class _Sessions(sessions_grpc.BrowserSessionServiceServicer):
    async def CreateBrowserSession(
        self, request: sessions_pb.CreateBrowserSessionRequest, context: Any
    ) -> sessions_pb.CreateBrowserSessionResponse:
        return sessions_pb.CreateBrowserSessionResponse(browser_session=_SESSION)


async def main() -> None:
    """Serve until the end."""

    def add(services: Any) -> None:
        runs_grpc.add_RunServiceServicer_to_server(_Runs(), services)
        sessions_grpc.add_BrowserSessionServiceServicer_to_server(_Sessions(), services)

    await bare_server.serve(add)


if __name__ == "__main__":
    json_lines.run(main())
