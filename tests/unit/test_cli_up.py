"""`tabkeep up` starts two programs, says when they are ready, and leaves none of them behind.

The programs are small stand-ins with the same contract (environment, ready line, signals); the real ones are tested
end to end.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from tabkeep.cli.child_process import RotatingLog
from tabkeep.cli.local_stack import LocalStack, StackError, StackSettings

ROOT = Path(__file__).parents[2]

BEGIN = """
import json, os, pathlib, signal, sys, threading
sys.path.append({root!r})
data = pathlib.Path(os.environ["TABKEEP_DATA_DIR"])
data.mkdir(parents=True, exist_ok=True)
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
def note(text):
    with open(data / "notes", "a") as file:
        file.write(text + "\\n")
def wait():
    while not stop.wait(0.05):
        pass
"""

CONTROL_PLANE = """
from tests.scripted_control_plane import ScriptedControlPlane
from tabkeep.v1 import hosts_pb2
plane = ScriptedControlPlane()
host = hosts_pb2.Host(host_id="local", state=hosts_pb2.HOST_STATE_RECOVERING)
ready = hosts_pb2.Host(host_id="local", state=hosts_pb2.HOST_STATE_READY)
other = hosts_pb2.Host(host_id="other", state=hosts_pb2.HOST_STATE_READY)
listed = [hosts_pb2.ListHostsResponse(hosts=hosts) for hosts in ([], [other], [host, other], [ready])]
plane.answers("HostService/ListHosts", *listed[:-1])
(data / "api-key").write_text("tk_up\\n")
(data / "host-token").write_text("tk_host\\n")
print("not json", file=sys.stdout)
print(json.dumps({"event": "ready", "grpc_address": plane.address, "api_key_file": str(data / "api-key"),
                  "host_token_file": str(data / "host-token"), "pid": os.getpid()}), flush=True)
# As with the real ones, no host is ready before its program runs and takes signals.
while not (data / "host-runs").exists() and not stop.wait(0.02):
    pass
plane.answers("HostService/ListHosts", *listed)
wait()
plane.close()
note("control plane ended")
"""

HOST_RUNS = '(data / "host-runs").touch()\n'

HOST = """
names = ("TABKEEP_HOST_ID", "TABKEEP_HOST_TOKEN_FILE", "TABKEEP_DRAIN_TIMEOUT", "TABKEEP_CAPACITY", "TABKEEP_API_KEY")
note(json.dumps({name: os.environ.get(name) for name in names}))
print("a line for the log", file=sys.stderr, flush=True)
wait()
note("host ended")
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts stand-ins in the place of the two programs."""

    def install(*, control_plane: str = CONTROL_PLANE, host: str = HOST) -> None:
        folder = tmp_path / "programs"
        folder.mkdir()
        (folder / "control_plane.py").write_text(BEGIN.format(root=str(ROOT)) + control_plane)
        (folder / "browser_host.py").write_text(BEGIN.format(root=str(ROOT)) + HOST_RUNS + host)
        inherited = os.environ.get("PYTHONPATH")
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(folder), inherited))))
        monkeypatch.setenv("TABKEEP_API_KEY", "tk_mine")
        monkeypatch.delenv("TABKEEP_HOST_ID", raising=False)

    return install


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts `tabkeep up`; afterwards nothing of it is left."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", "from tabkeep.cli import main; main()", "up", *arguments]
        free = ["--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0"]
        process = subprocess.Popen(
            [*command, "--data-dir", str(tmp_path / "data"), *free],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
        process.kill()
        process.communicate()


def ready_line(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    ready: dict[str, Any] = json.loads(process.stdout.readline())
    return ready


def notes(tmp_path: Path) -> list[str]:
    return (tmp_path / "data" / "notes").read_text().splitlines()


def gone(*pids: int) -> None:
    """Return when these processes have ended; fail after 10 s."""
    waiting = []
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            waiting.append(psutil.Process(pid))
    _, alive = psutil.wait_procs(waiting, timeout=10)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []


Install = Callable[..., None]
Up = Callable[..., "subprocess.Popen[str]"]


def test_it_says_when_both_are_ready_and_ends_the_host_first(programs: Install, up: Up, tmp_path: Path) -> None:
    programs()
    process = up("--json", "--capacity", "3")
    ready = ready_line(process)
    data = tmp_path / "data"
    assert ready.pop("grpc_address").startswith("127.0.0.1:")
    pids = [ready.pop("control_plane_pid"), ready.pop("host_pid")]
    assert all(psutil.pid_exists(pid) for pid in pids)
    assert ready == {
        "http_address": "",  # as the stand-in says
        "api_key_file": str(data / "api-key"),
        "host_token_file": str(data / "host-token"),
        "data_dir": str(data),
    }

    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)

    assert (process.returncode, out, err) == (0, "", "")
    gone(*pids)
    started, *ended = notes(tmp_path)
    assert ended == ["host ended", "control plane ended"]
    assert json.loads(started) == {
        "TABKEEP_HOST_ID": "local",
        "TABKEEP_HOST_TOKEN_FILE": str(data / "host-token"),
        "TABKEEP_DRAIN_TIMEOUT": "0",
        "TABKEEP_CAPACITY": "3",
        "TABKEEP_API_KEY": None,
    }
    assert "a line for the log" in (data / "logs" / "host.log").read_text()
    assert (data / "logs" / "host.log").stat().st_mode & 0o777 == 0o600


def test_without_json_it_says_the_same_in_plain_words(programs: Install, up: Up, tmp_path: Path) -> None:
    programs()
    process = up("--log-to-stderr")
    assert process.stdout is not None
    said = dict(process.stdout.readline().rstrip("\n").split("\t") for _ in range(5))
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert said["API key"] == str(tmp_path / "data" / "api-key")
    assert "a line for the log" in err
    assert not (tmp_path / "data" / "logs").exists()


def test_a_control_plane_that_does_not_start_is_said_with_its_own_words(
    programs: Install, up: Up, tmp_path: Path
) -> None:
    programs(control_plane="print('the database is from a newer version', file=sys.stderr); sys.exit(4)")
    process = up("--json")
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (1, "")
    assert "the control plane ended with exit status 4" in err
    assert "the database is from a newer version" in err
    assert str(tmp_path / "data" / "logs" / "control-plane.log") in err
    assert not (tmp_path / "data" / "notes").exists()


def test_a_host_that_dies_ends_the_control_plane_too(programs: Install, up: Up, tmp_path: Path) -> None:
    programs()
    process = up("--json")
    ready = ready_line(process)
    os.kill(ready["host_pid"], signal.SIGKILL)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "the host was killed by signal 9" in err
    assert notes(tmp_path)[-1] == "control plane ended"
    gone(ready["control_plane_pid"])


def test_both_end_when_the_command_itself_is_killed(programs: Install, up: Up, tmp_path: Path) -> None:
    programs()
    process = up("--json")
    ready = ready_line(process)
    process.kill()
    gone(ready["host_pid"], ready["control_plane_pid"])
    assert {*notes(tmp_path)[1:]} == {"host ended", "control plane ended"}


def test_a_second_signal_kills_what_does_not_end(programs: Install, up: Up) -> None:
    programs(host="stop.wait(); print('asked', file=sys.stderr, flush=True)\nwhile True: signal.pause()")
    process = up("--json", "--log-to-stderr")
    ready = ready_line(process)
    assert process.stderr is not None
    process.send_signal(signal.SIGTERM)
    while "asked" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    gone(ready["host_pid"], ready["control_plane_pid"])


async def test_a_host_that_never_attaches_is_said_after_the_start_timeout(
    programs: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs(control_plane=CONTROL_PLANE.replace("[ready]", "[]"))
    monkeypatch.chdir(tmp_path)
    stack = LocalStack(StackSettings(tmp_path / "data", "127.0.0.1:0", start_timeout=timedelta(seconds=4)))
    try:
        with pytest.raises(StackError, match="the host is not ready after 4 s; its log is"):
            await stack.start()
    finally:
        assert await stack.stop() == []
    assert notes(tmp_path)[1:] == ["host ended", "control plane ended"]


def test_a_log_is_put_aside_when_it_is_full_and_only_some_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "host.log"
    log = RotatingLog(path, max_bytes=20, kept=2)
    for number in range(8):
        log.write(b"line number %d\n" % number)
    log.close()
    reopened = RotatingLog(path, max_bytes=40, kept=2)
    reopened.write(b"after a restart\n")
    reopened.close()
    assert {file.name: file.read_text() for file in path.parent.iterdir()} == {
        "host.log": "line number 7\nafter a restart\n",
        "host.log.1": "line number 6\n",
        "host.log.2": "line number 5\n",
    }
