"""Settings of the host, and the browsers of its machine."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from browser_host import config, launch
from browser_host.launch import FoundBrowser
from browser_host.messages import BrowserType


def environment(root: Path, **settings: str) -> dict[str, str]:
    (root / "host-token").write_text("tk_host_1\n")
    return {"TABKEEP_DATA_DIR": str(root), **settings}


def test_defaults_work_with_nothing_but_a_token(tmp_path: Path):
    settings = config.from_environment(environment(tmp_path))
    assert settings.data_dir == tmp_path / "host"
    assert settings.host_token == "tk_host_1"
    assert settings.control_plane == "127.0.0.1:7330"
    assert settings.capacity >= 1
    assert settings.drain_timeout == timedelta(minutes=10)
    assert settings.sandbox
    assert (settings.session_users is not None) == (os.geteuid() == 0)


@pytest.mark.parametrize(
    ("root", "settings", "sandbox", "users"),
    [
        (True, {}, True, (61000, 61999)),
        (False, {}, True, None),
        (True, {"TABKEEP_SESSION_USERS": "70000-70009"}, True, (70000, 70009)),
        (True, {"TABKEEP_ALLOW_UNSANDBOXED": "1"}, False, (61000, 61999)),
        (True, {"TABKEEP_ALLOW_UNSANDBOXED": "1", "TABKEEP_SESSION_USERS": "off"}, False, None),
        (False, {"TABKEEP_ALLOW_UNSANDBOXED": "1"}, False, None),
        (True, {"TABKEEP_ALLOW_UNSANDBOXED": "0"}, True, (61000, 61999)),
    ],
)
def test_the_sandbox_is_on_unless_the_operator_says_so_and_root_becomes_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root, settings, sandbox, users
):
    monkeypatch.setattr("os.geteuid", lambda: 0 if root else 1000)
    monkeypatch.setattr("sys.platform", "linux")
    made = config.from_environment(environment(tmp_path, **settings))
    assert (made.sandbox, made.session_users) == (sandbox, users)


@pytest.mark.parametrize(
    ("root", "value", "remedy"),
    [
        (True, "off", "TABKEEP_ALLOW_UNSANDBOXED=1"),
        (True, "some", "two user numbers"),
        (True, "62000-61000", "two user numbers"),
        (True, "0-5", "two user numbers"),
        (False, "61000-61999", "only a host run as root"),
    ],
)
def test_wrong_session_users_are_named_with_what_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root, value, remedy
):
    monkeypatch.setattr("os.geteuid", lambda: 0 if root else 1000)
    with pytest.raises(config.ConfigInvalid, match=f"TABKEEP_SESSION_USERS={value}: .*{remedy}"):
        config.from_environment(environment(tmp_path, TABKEEP_SESSION_USERS=value))


def test_the_token_is_not_in_what_a_log_would_show(tmp_path: Path):
    assert "tk_host_1" not in repr(config.from_environment(environment(tmp_path)))


def test_the_host_id_is_given_or_remembered_or_the_machines_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("socket.gethostname", lambda: "my machine.local")
    assert config.from_environment(environment(tmp_path)).host_id == "my-machine.local"
    remembered = config.host_id_file(tmp_path / "host")
    remembered.parent.mkdir()
    remembered.write_text("known-before\n")
    assert config.from_environment(environment(tmp_path)).host_id == "known-before"
    assert config.from_environment(environment(tmp_path, TABKEEP_HOST_ID="given")).host_id == "given"


def test_a_token_file_that_holds_no_token_is_named(tmp_path: Path):
    variables = environment(tmp_path)
    for text in ("", "two words", "line\nline"):
        (tmp_path / "host-token").write_text(text)
        with pytest.raises(config.ConfigInvalid, match=r"TABKEEP_HOST_TOKEN_FILE=.*holds no token"):
            config.from_environment(variables)


@pytest.mark.parametrize(
    ("cores", "gibibytes", "capacity"), [(2, 23, 8), (64, 1024, 256), (8, 5, 10), (2, 1, 1), (1, 0.25, 1)]
)
def test_capacity_is_four_for_each_core_as_far_as_memory_goes(cores: int, gibibytes: float, capacity: int):
    assert config.default_capacity(cores, int(gibibytes * 2**30)) == capacity


def test_a_browser_named_by_the_operator_is_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    mine = tmp_path / "mine"
    mine.write_text("#!/bin/sh\necho 'Google Chrome 200.1.2.3 beta'\n")
    mine.chmod(0o755)
    monkeypatch.setenv("TABKEEP_CHROME", str(mine))
    assert launch.find_browsers()[0] == FoundBrowser(BrowserType.CHROME, "Google Chrome", "200.1.2.3", mine)


def test_a_browser_that_does_not_say_its_version_is_not_offered(tmp_path: Path):
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    found = launch.find_browsers([(BrowserType.MSEDGE, broken)])
    assert broken not in [browser.executable for browser in found]


def test_playwrights_newest_own_build_is_found_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for revision in (999, 1255, 1001):
        build = tmp_path / f"chromium-{revision}" / "chrome-linux" / "chrome"
        build.parent.mkdir(parents=True)
        build.write_text(f"#!/bin/sh\necho Chromium 1.{revision}\n")
        build.chmod(0o755)
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    found = [browser for browser in launch.find_browsers([]) if browser.executable.is_relative_to(tmp_path)]
    assert [browser.version for browser in found] == ["1.1255", "1.1001", "1.999"]
    assert launch.find_browsers([])[-3:] == found


@pytest.mark.parametrize(
    ("platform", "channels"),
    [
        (
            "linux",
            ["/opt/microsoft/msedge/msedge", "/opt/microsoft/msedge-beta/msedge", "/opt/microsoft/msedge-dev/msedge"],
        ),
        (
            "darwin",
            [
                f"{root}/Microsoft Edge{channel}.app/Contents/MacOS/Microsoft Edge{channel}"
                for root in ("/Applications", "/Users/me/Applications")
                for channel in ("", " Beta", " Dev", " Canary")
            ],
        ),
        (
            "win32",
            [
                f"{root}/Microsoft/Edge{channel}/Application/msedge.exe"
                for root in ("C:/Program Files", "C:/Local")
                for channel in ("", " Beta", " Dev", " SxS")
            ],
        ),
    ],
)
def test_edge_is_looked_for_where_each_system_puts_its_channels_the_stable_one_first(platform, channels):
    environ = {"PROGRAMFILES": "C:/Program Files", "LOCALAPPDATA": "C:/Local"}
    found = launch.candidates(environ, platform, Path("/Users/me"))
    assert [str(path) for kind, path in found if kind is BrowserType.MSEDGE] == channels


def test_user_agents_name_the_major_version_and_never_headless():
    chrome = FoundBrowser(BrowserType.CHROME, "Chromium", "156.0.8078.79", Path("/c"))
    edge = FoundBrowser(BrowserType.MSEDGE, "Microsoft Edge", "155.0.1.2", Path("/e"))
    assert "Chrome/156.0.0.0 Safari" in launch.user_agent(chrome)
    assert launch.user_agent(edge).endswith("Edg/155.0.0.0")
    assert "Headless" not in launch.user_agent(chrome)


def test_a_browsers_environment_has_what_it_needs_and_nothing_else():
    host = {"PATH": "/bin", "LC_ALL": "C", "https_proxy": "http://p", "AWS_SECRET": "s", "TABKEEP_HOST_TOKEN_FILE": "f"}
    assert launch.browser_environment(host, Path("/h"), Path("/t")) == {
        "PATH": "/bin",
        "LC_ALL": "C",
        "HOME": "/h",
        "TMPDIR": "/t",
    }


@pytest.mark.parametrize("browser_type", list(BrowserType))
def test_there_is_a_remedy_for_every_missing_browser(browser_type: BrowserType):
    assert f"TABKEEP_{browser_type.upper()}" in launch.how_to_install(browser_type)


def test_a_model_needs_a_url_and_a_name_and_its_key_is_not_shown(tmp_path: Path):
    url, key = "http://127.0.0.1:11434/v1", "sk-very-secret"
    assert config.from_environment(environment(tmp_path)).model is None
    with pytest.raises(config.ConfigInvalid, match="TABKEEP_MODEL: not given"):
        config.from_environment(environment(tmp_path, TABKEEP_MODEL_BASE_URL=url))
    with pytest.raises(config.ConfigInvalid, match="TABKEEP_MODEL_BASE_URL=ftp://x"):
        config.from_environment(environment(tmp_path, TABKEEP_MODEL_BASE_URL="ftp://x", TABKEEP_MODEL="m"))

    given = environment(tmp_path, TABKEEP_MODEL_BASE_URL=url, TABKEEP_MODEL="m", TABKEEP_MODEL_API_KEY=key)
    settings = config.from_environment(given)

    assert settings.model is not None
    assert (settings.model.base_url, settings.model.name, settings.model.api_key) == (url, "m", key)
    assert settings.model.token_budget == 200_000
    assert key not in repr(settings)
