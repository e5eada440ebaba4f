"""The HTTP/JSON gateway: one more thin door on the services that gRPC serves, in the same process and event loop.

It has three kinds of routes. Those of our own API come from the protos' `google.api.http` annotations (`transcoder`).
Those of the API that Skyvern's clients speak are written by hand, each a pure mapping (`compatible`). What a person
opens in a web browser is in `pages`.

How a route is written by hand:

    def routes(calls: Calls) -> list[Resource]:
        return [
            Resource("/v1/runs/{run_id}", GET=Operation(_get_run, document={"summary": ..., "responses": {...}})),
            Resource("/v1/runs/{run_id}/cancel", POST=Operation(_cancel_run, takes_body=True, document={...})),
        ]

    async def _get_run(ask: Ask) -> Response:
        request = runs_pb2.GetRunRequest(run_id=ask.path["run_id"])
        answer = await ask.call("tabkeep.v1.RunService/GetRun", request)
        return json_answer(200, _shown(answer.run))

`ask.call` (and `ask.stream`, for calls whose answer is a stream) runs the service's own method in this process, with
everything that is around a call of gRPC: the key's check and scope, the log line, the span, the request's validation,
and errors as `google.rpc.Status`. There is no network hop and no second way in: see `calls`. What fails raises
`CallFailed`, which has the code, the reason, the message and the fields; left alone, it becomes the answer that
`answers` gives to every route (`{"detail": ..., "code": ...}`). A route that must say it in other words catches it and
raises `Refused(status, code, detail)`. `errors.TabkeepError`, raised by the route itself, is answered like a service's.

By the time a route's function runs, the host name was allowed, the key was checked (`Operation(open=True)` needs
none), the media type was right and the body was read whole within its bounds. `ask.json()` is the body's JSON;
`ask.path` and `ask.query` are decoded. Every route exists with and without a slash at its end, and HEAD is GET.
An answer in pieces is `Pieces`, which ends with its connection; so does every route's function (it is cancelled).
`document` is the route's OpenAPI operation; the answers that every route may give are added to it, and the schemas it
refers to are given once, as `Resource(..., schemas={...})`.
"""
