"""Settings: read once from the environment, checked, frozen, passed down."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from urllib.parse import urlsplit

MAX_CONTROL_EPOCH = 2**30
"""Fences and command ids begin at the epoch times 2**32 and fit into 63 bits."""


class ConfigInvalid(Exception):
    """A setting is wrong; the text names the variable, its value and what would work."""


@dataclass(frozen=True, slots=True)
class Config:
    """All settings of the control plane, each with its default."""

    data_dir: Path
    """Database, blobs, keys. TABKEEP_DATA_DIR, default ~/.tabkeep."""

    grpc_address: str = "127.0.0.1:7330"
    """Where to listen, host:port; port 0 takes a free one. TABKEEP_GRPC_ADDRESS."""

    proxy_locations: Path | None = None
    """The file that maps proxy locations to proxies; None: there are none. TABKEEP_PROXY_LOCATIONS, default
    proxy-locations.yaml in the data directory, if it is there."""

    http_address: str = ""
    """Where to listen for HTTP/JSON, host:port; empty: nowhere. TABKEEP_HTTP_ADDRESS."""

    http_hosts: tuple[str, ...] = ()
    """Names and addresses that requests over HTTP may give as their host, beside localhost and the address it listens
    on. TABKEEP_HTTP_HOSTS, separated by commas."""

    http_url: str = ""
    """How HTTP is reached from outside, for the links in answers: https://tabkeep.example.com. Empty: as each request
    reached it. TABKEEP_HTTP_URL."""

    log_level: str = "INFO"
    """TABKEEP_LOG_LEVEL: DEBUG, INFO, WARNING or ERROR."""

    heartbeat_interval: timedelta = timedelta(seconds=3)
    """How often hosts send heartbeats: five tries within an action lease."""

    action_lease: timedelta = timedelta(seconds=15)
    """How long a host may begin actions after its last acknowledged heartbeat: what a person accepts as doubt."""

    holding_lease: timedelta = timedelta(seconds=180)
    """How long a host may hold browsers likewise: an upgrade of the control plane fits in."""

    launch_timeout: timedelta = timedelta(seconds=30)
    """A launch that takes longer is aborted; 0.4 s is usual, 2.5 s on a busy machine."""

    launch_attempts: int = 3
    """How many hosts are tried before a session closes LAUNCH_FAILED."""

    cancel_grace: timedelta = timedelta(seconds=5)
    """How long a host may take to end a canceled run by itself."""

    run_overtime: timedelta = timedelta(seconds=5)
    """The host ends a run at its timeout, with what it brought so far; after this much more it is ended for it."""

    request_retention: timedelta = timedelta(hours=24)
    """How long a request_id is remembered."""

    minimum_free_bytes: int = 256 * 1024 * 1024
    """Less free disk than this: no new sessions and runs; closing still works. TABKEEP_MINIMUM_FREE_MIB."""

    max_waiting_runs: int = 100
    """Runs that may wait in one session."""

    attaches_per_second: int = 50
    """Hosts that are taken in, at once and per second after that: each is a transaction with all that it holds."""

    quarantine_after_launch_failures: int = 5
    """Launches that may fail in a row before a host gets no more sessions."""

    quarantine_after_violations: int = 3
    """How often one process of a host may break the protocol before it gets no more sessions."""

    artifact_retention: timedelta = timedelta(days=30)
    """How long the bytes of screenshots, downloads and the like are kept. TABKEEP_ARTIFACT_RETENTION_DAYS."""

    artifact_quota_bytes: int = 10 * 1024**3
    """What they may take of the disk for each organization; beyond it the oldest go. TABKEEP_ARTIFACT_QUOTA_MIB, at
    least 64, so that the largest download fits in."""

    file_quota_bytes: int = 2 * 1024**3
    """What the files that an organization's callers bring may take of the disk; beyond it no more are taken.
    TABKEEP_FILE_QUOTA_MIB."""

    master_key_file: Path | None = None
    """The keys under which browser profiles are sealed. None: `master-key` in the data directory, made at the first
    start; a file that is named must be there. TABKEEP_MASTER_KEY_FILE."""

    minimum_control_epoch: int = 0
    """The least control epoch to begin with. To be set when a database was restored from a backup, above any epoch
    that its hosts have seen. TABKEEP_MINIMUM_CONTROL_EPOCH."""

    first_host_token_for: str = ""
    """The host_id that the host token of the first start is for, `*` for any host; empty: the first host that attaches
    with it. TABKEEP_FIRST_HOST_TOKEN_FOR."""
    webhook_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks that webhooks may be sent to although they are not public. TABKEEP_WEBHOOK_NETWORKS, comma-separated,
    for example 10.20.0.0/16,127.0.0.1/32."""

    webhook_first_pause: timedelta = timedelta(seconds=5)
    """Between a webhook's first two attempts; then three times as long each time."""

    def silent_for_suspect(self) -> timedelta:
        """Silence after which a host is SUSPECT: the action lease and a margin for clocks that run 1 % apart."""
        return with_margin(self.action_lease)

    def silent_for_lost(self) -> timedelta:
        """Silence after which a host is LOST: by then it has ended its browsers by its own clock."""
        return with_margin(self.holding_lease)


def with_margin(lease: timedelta) -> timedelta:
    """`lease` as the other side must count it: 1 s and 1 % longer."""
    return lease + timedelta(seconds=1) + lease / 100


def from_environment(environ: Mapping[str, str]) -> Config:
    """Read the settings from variables; absent ones keep their defaults.

    Raises:
        ConfigInvalid: a variable's value is wrong.
    """
    given: dict[str, object] = {"data_dir": Path(environ.get("TABKEEP_DATA_DIR") or Path.home() / ".tabkeep")}
    if address := environ.get("TABKEEP_GRPC_ADDRESS"):
        given["grpc_address"] = _address("TABKEEP_GRPC_ADDRESS", address)
    usual = Path(str(given["data_dir"])) / "proxy-locations.yaml"
    if named := environ.get("TABKEEP_PROXY_LOCATIONS") or (str(usual) if usual.exists() else ""):
        given["proxy_locations"] = Path(named)
    if path := environ.get("TABKEEP_MASTER_KEY_FILE"):
        given["master_key_file"] = Path(path)
    if address := environ.get("TABKEEP_HTTP_ADDRESS"):
        given["http_address"] = _address("TABKEEP_HTTP_ADDRESS", address)
    given["http_hosts"] = tuple(filter(None, map(str.strip, environ.get("TABKEEP_HTTP_HOSTS", "").split(","))))
    if url := environ.get("TABKEEP_HTTP_URL"):
        given["http_url"] = _url("TABKEEP_HTTP_URL", url)
    if level := environ.get("TABKEEP_LOG_LEVEL"):
        if level.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
            raise ConfigInvalid(f"TABKEEP_LOG_LEVEL={level}: use DEBUG, INFO, WARNING or ERROR")
        given["log_level"] = level.upper()
    for name, variable, lowest, highest in (
        ("heartbeat_interval", "TABKEEP_HEARTBEAT_INTERVAL_SECONDS", 0.05, 60),
        ("action_lease", "TABKEEP_ACTION_LEASE_SECONDS", 1, 300),
        ("holding_lease", "TABKEEP_HOLDING_LEASE_SECONDS", 2, 900),
        ("launch_timeout", "TABKEEP_LAUNCH_TIMEOUT_SECONDS", 1, 600),
    ):
        if (value := environ.get(variable)) is not None:
            given[name] = timedelta(seconds=_number(variable, value, lowest, highest))
    if value := environ.get("TABKEEP_WEBHOOK_NETWORKS"):
        given["webhook_networks"] = tuple(_network("TABKEEP_WEBHOOK_NETWORKS", part) for part in value.split(","))
    if (value := environ.get("TABKEEP_MINIMUM_FREE_MIB")) is not None:
        given["minimum_free_bytes"] = int(_number("TABKEEP_MINIMUM_FREE_MIB", value, 0, 1e9) * 1024 * 1024)
    if (value := environ.get("TABKEEP_ARTIFACT_RETENTION_DAYS")) is not None:
        given["artifact_retention"] = timedelta(days=_number("TABKEEP_ARTIFACT_RETENTION_DAYS", value, 0.01, 36_500))
    if (value := environ.get("TABKEEP_ARTIFACT_QUOTA_MIB")) is not None:
        given["artifact_quota_bytes"] = int(_number("TABKEEP_ARTIFACT_QUOTA_MIB", value, 64, 1e9)) * 1024 * 1024
    if (value := environ.get("TABKEEP_FILE_QUOTA_MIB")) is not None:
        given["file_quota_bytes"] = int(_number("TABKEEP_FILE_QUOTA_MIB", value, 0, 1e9)) * 1024 * 1024
    if (value := environ.get("TABKEEP_MINIMUM_CONTROL_EPOCH")) is not None:
        given["minimum_control_epoch"] = int(_number("TABKEEP_MINIMUM_CONTROL_EPOCH", value, 0, MAX_CONTROL_EPOCH))
    if host_id := environ.get("TABKEEP_FIRST_HOST_TOKEN_FOR"):
        given["first_host_token_for"] = host_id
    config = Config(**given)  # type: ignore[arg-type]
    if not config.heartbeat_interval * 2 <= config.action_lease < config.holding_lease:
        raise ConfigInvalid(
            "TABKEEP_HEARTBEAT_INTERVAL_SECONDS must be at most half of TABKEEP_ACTION_LEASE_SECONDS, and that less "
            f"than TABKEEP_HOLDING_LEASE_SECONDS; they are {config.heartbeat_interval.total_seconds():g}, "
            f"{config.action_lease.total_seconds():g} and {config.holding_lease.total_seconds():g}"
        )
    return config


def _number(variable: str, value: str, lowest: float, highest: float) -> float:
    try:
        number = float(value)
    except ValueError:
        number = lowest - 1
    if not lowest <= number <= highest:
        raise ConfigInvalid(f"{variable}={value}: use a number from {lowest:g} to {highest:g}")
    return number


def _url(variable: str, value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ConfigInvalid(f"{variable}={value}: use an http or https URL, for example https://tabkeep.example.com")
    return value.rstrip("/")


def _network(variable: str, value: str) -> IPv4Network | IPv6Network:
    try:
        return ipaddress.ip_network(value.strip())
    except ValueError as error:
        raise ConfigInvalid(f"{variable}: {error}; write networks like 10.20.0.0/16, separated by commas") from error


def _address(variable: str, value: str) -> str:
    host, colon, port = value.rpartition(":")
    if not (colon and host and port.isdigit() and int(port) < 65536):
        raise ConfigInvalid(f"{variable}={value}: use host:port, for example 127.0.0.1:7330 (port 0 takes a free one)")
    return value
