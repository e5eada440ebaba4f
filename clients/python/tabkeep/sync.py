"""The synchronous client: the asynchronous one, driven from a thread with an event loop of its own.

Each method is `tabkeep.Client`'s, with the same name, parameters and errors; type checkers see its exact signature.
All synchronous clients of a process share the one loop thread, because gRPC's asyncio layer wants one loop only.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import wait
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager
from datetime import timedelta
from types import TracebackType
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar

from tabkeep import client as asynchronous
from tabkeep.calls import RetryPolicy
from tabkeep.client import DEFAULT_CALL_TIMEOUT

__all__ = ["Client"]

_P = ParamSpec("_P")
_T = TypeVar("_T")

_THREAD_NAME = "tabkeep-client"


class _LoopThread:
    """A daemon thread that runs one event loop for as long as the process lives."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run `work` on the loop and return its result; when interrupted, cancel it first."""
        if threading.current_thread().name == _THREAD_NAME:
            work.close()
            raise RuntimeError("a synchronous client cannot be used from its own loop: use tabkeep.Client there")
        loop = self._running_loop()
        tasks: list[asyncio.Task[Any]] = []

        async def whole() -> _T:
            task = asyncio.ensure_future(work)
            tasks.append(task)
            return await task

        future = asyncio.run_coroutine_threadsafe(whole(), loop)
        try:
            return future.result()
        except BaseException:
            if not future.done():
                # Interrupted here, not failed there: let the work clean up, such as close its session.
                loop.call_soon_threadsafe(lambda: [task.cancel() for task in tasks])
                wait([future])
            raise

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name=_THREAD_NAME, daemon=True).start()
            return self._loop


_thread = _LoopThread()


class _Blocking(Generic[_P, _T]):
    """A method that waits for the asynchronous one of the same name."""

    def __init__(self, method: Callable[Concatenate[asynchronous.Client, _P], Coroutine[Any, Any, _T]]) -> None:
        self._method = method
        self.__doc__ = method.__doc__

    def __get__(self, client: Client | None, owner: type[Client]) -> Callable[_P, _T]:
        """Bind the method to its client; on the class itself, show the asynchronous one."""
        if client is None:
            return self._method  # type: ignore[return-value]

        def call(*args: _P.args, **kwargs: _P.kwargs) -> _T:
            return _thread.run(self._method(client._client, *args, **kwargs))

        return _described(call, self._method)


class _Iterating(Generic[_P, _T]):
    """A method that iterates over what the asynchronous one of the same name yields."""

    def __init__(self, method: Callable[Concatenate[asynchronous.Client, _P], AsyncIterator[_T]]) -> None:
        self._method = method
        self.__doc__ = method.__doc__

    def __get__(self, client: Client | None, owner: type[Client]) -> Callable[_P, Iterator[_T]]:
        """Bind the method to its client; on the class itself, show the asynchronous one."""
        if client is None:
            return self._method  # type: ignore[return-value]

        def call(*args: _P.args, **kwargs: _P.kwargs) -> Iterator[_T]:
            return _each(self._method(client._client, *args, **kwargs))

        return _described(call, self._method)


class _Managing(Generic[_P, _T]):
    """A method for `with`, over the one for `async with` of the same name."""

    def __init__(self, method: Callable[Concatenate[asynchronous.Client, _P], AbstractAsyncContextManager[_T]]) -> None:
        self._method = method
        self.__doc__ = method.__doc__

    def __get__(self, client: Client | None, owner: type[Client]) -> Callable[_P, AbstractContextManager[_T]]:
        """Bind the method to its client; on the class itself, show the asynchronous one."""
        if client is None:
            return self._method  # type: ignore[return-value]

        def call(*args: _P.args, **kwargs: _P.kwargs) -> AbstractContextManager[_T]:
            return _within(self._method(client._client, *args, **kwargs))

        return _described(call, self._method)


class Client:
    """Talks to one control plane; use it as `with Client() as client:`, or call `close`.

    Safe to use from several threads. See `tabkeep.Client` for the arguments and for every method.
    """

    def __init__(
        self,
        api_key: str | None = None,
        address: str | None = None,
        *,
        tls: bool | None = None,
        root_certificates: bytes | None = None,
        call_timeout: timedelta = DEFAULT_CALL_TIMEOUT,
        retry: RetryPolicy | None = None,
    ) -> None:
        self._client = asynchronous.Client(
            api_key, address, tls=tls, root_certificates=root_certificates, call_timeout=call_timeout, retry=retry
        )

    @property
    def address(self) -> str:
        """The control plane's address, as used."""
        return self._client.address

    def __enter__(self) -> Self:
        """Return the client; it connects with its first call."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection; sessions and runs go on."""
        self.close()

    close = _Blocking(asynchronous.Client.close)

    create_browser_session = _Blocking(asynchronous.Client.create_browser_session)
    browser_session = _Managing(asynchronous.Client.browser_session)
    get_browser_session = _Blocking(asynchronous.Client.get_browser_session)
    list_browser_sessions = _Iterating(asynchronous.Client.list_browser_sessions)
    watch_browser_session = _Iterating(asynchronous.Client.watch_browser_session)
    extend_browser_session = _Blocking(asynchronous.Client.extend_browser_session)
    update_browser_session = _Blocking(asynchronous.Client.update_browser_session)
    list_pages = _Blocking(asynchronous.Client.list_pages)
    create_take_over_link = _Blocking(asynchronous.Client.create_take_over_link)
    close_browser_session = _Blocking(asynchronous.Client.close_browser_session)

    create_browser_profile = _Blocking(asynchronous.Client.create_browser_profile)
    get_browser_profile = _Blocking(asynchronous.Client.get_browser_profile)
    list_browser_profiles = _Iterating(asynchronous.Client.list_browser_profiles)
    update_browser_profile = _Blocking(asynchronous.Client.update_browser_profile)
    delete_browser_profile = _Blocking(asynchronous.Client.delete_browser_profile)
    export_browser_profile = _Blocking(asynchronous.Client.export_browser_profile)

    run_task = _Blocking(asynchronous.Client.run_task)
    run_workflow = _Blocking(asynchronous.Client.run_workflow)
    get_run = _Blocking(asynchronous.Client.get_run)
    wait_for_run = _Blocking(asynchronous.Client.wait_for_run)
    list_runs = _Iterating(asynchronous.Client.list_runs)
    watch_run = _Iterating(asynchronous.Client.watch_run)
    cancel_run = _Blocking(asynchronous.Client.cancel_run)
    resolve_approval = _Blocking(asynchronous.Client.resolve_approval)

    get_artifact = _Blocking(asynchronous.Client.get_artifact)
    fetch_artifact = _Blocking(asynchronous.Client.fetch_artifact)
    capture_page = _Blocking(asynchronous.Client.capture_page)
    list_artifacts = _Blocking(asynchronous.Client.list_artifacts)

    upload_file = _Blocking(asynchronous.Client.upload_file)
    get_file = _Blocking(asynchronous.Client.get_file)
    fetch_file = _Blocking(asynchronous.Client.fetch_file)
    list_files = _Iterating(asynchronous.Client.list_files)
    delete_file = _Blocking(asynchronous.Client.delete_file)

    create_workflow = _Blocking(asynchronous.Client.create_workflow)
    get_workflow = _Blocking(asynchronous.Client.get_workflow)
    list_workflows = _Iterating(asynchronous.Client.list_workflows)
    update_workflow = _Blocking(asynchronous.Client.update_workflow)
    delete_workflow = _Blocking(asynchronous.Client.delete_workflow)

    list_hosts = _Blocking(asynchronous.Client.list_hosts)
    get_host = _Blocking(asynchronous.Client.get_host)
    drain_host = _Blocking(asynchronous.Client.drain_host)
    release_host = _Blocking(asynchronous.Client.release_host)
    create_key = _Blocking(asynchronous.Client.create_key)
    list_keys = _Blocking(asynchronous.Client.list_keys)
    revoke_key = _Blocking(asynchronous.Client.revoke_key)

    create_credential = _Blocking(asynchronous.Client.create_credential)
    list_credentials = _Blocking(asynchronous.Client.list_credentials)
    delete_credential = _Blocking(asynchronous.Client.delete_credential)

    list_recordings = _Iterating(asynchronous.Client.list_recordings)
    get_recording = _Blocking(asynchronous.Client.get_recording)
    delete_recording = _Blocking(asynchronous.Client.delete_recording)
    export_recording = _Blocking(asynchronous.Client.export_recording)

    get_usage = _Blocking(asynchronous.Client.get_usage)
    list_webhook_deliveries = _Iterating(asynchronous.Client.list_webhook_deliveries)
    get_webhook_delivery = _Blocking(asynchronous.Client.get_webhook_delivery)
    replay_webhook = _Blocking(asynchronous.Client.replay_webhook)
    get_webhook_secret = _Blocking(asynchronous.Client.get_webhook_secret)


def _each(items: AsyncIterator[_T]) -> Iterator[_T]:
    ended = object()

    async def advance() -> object:
        return await anext(items, ended)

    async def stop() -> None:
        await items.aclose()  # type: ignore[attr-defined]

    try:
        while (item := _thread.run(advance())) is not ended:
            yield item  # type: ignore[misc]
    finally:
        _thread.run(stop())


@contextmanager
def _within(manager: AbstractAsyncContextManager[_T]) -> Iterator[_T]:
    async def enter() -> _T:
        return await manager.__aenter__()

    async def leave(error: BaseException | None) -> bool | None:
        return await manager.__aexit__(type(error) if error else None, error, error.__traceback__ if error else None)

    value = _thread.run(enter())
    try:
        yield value
    except BaseException as error:
        if not _thread.run(leave(error)):
            raise
    else:
        _thread.run(leave(None))


def _described(call: Callable[_P, _T], method: Callable[..., Any]) -> Callable[_P, _T]:
    call.__name__ = method.__name__
    call.__doc__ = method.__doc__
    return call
