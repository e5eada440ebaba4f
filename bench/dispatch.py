"""How many runs per second are accepted, stored, given to a host and answered, and how long each takes."""

from __future__ import annotations

from bench.figures import Pair, Report, Sample, at_least, cpu_microseconds, interleaved, median, p99, rate
from bench.loading import Load, Served, load
from bench.programs import Program, Workshop

AIM = "RunTask to the host's stored answer: at least 0.6 of the runs per second of the bare prototype"
HOSTS = 10


class _Side:
    """A server with its hosts, and the sessions that runs are for."""

    def __init__(self, load: Load, server: Served, hosts: Program, sessions: list[str], in_flight: int) -> None:
        self._load = load
        self._server = server
        self._hosts = hosts
        self._sessions = sessions
        self._in_flight = in_flight
        self.accepted: list[Sample] = []
        """The same runs as the callers saw them: RunTask returns once the run is stored."""

    async def run(self) -> Sample:
        """One run in each session, from the call until the host has heard that its answer is in."""
        count = len(self._sessions)
        before = self._server.program.cpu_seconds()
        accepted, words = await self._load.calls(
            self._server, "run_task", count=count, in_flight=self._in_flight, ids=self._sessions
        )
        acknowledged: dict[str, float] = (await self._hosts.ask(what="acknowledged", count=count))["at"]
        cpu_seconds = self._server.program.cpu_seconds() - before
        begins: dict[str, float] = dict(zip(words["made"], words["begins"], strict=True))
        latencies = [acknowledged[run_id] - begin for run_id, begin in begins.items()]
        self.accepted.append(accepted)
        return Sample(max(acknowledged.values()) - min(begins.values()), latencies, cpu_seconds)

    async def run_and_finish(self) -> Sample:
        """The same; then, outside of what is measured, the runs end and the sessions are idle again."""
        sample = await self.run()
        await self._hosts.ask(what="finish_runs")
        return sample


async def measure(workshop: Workshop) -> Report:
    """Compare at 1, 16 and 64 calls in flight."""
    report = Report(
        "dispatch",
        f"RunTask in idle sessions on {HOSTS} simulated hosts; the host's answer is stored too",
        "a prototype: one call, one shared commit (synchronous=FULL), one command, its answer",
    )
    counts = {1: workshop.some(400, 100), 16: workshop.some(1500, 300), 64: workshop.some(1500, 300)}
    most = max(counts.values())
    async with (
        workshop.control_plane() as control_plane,
        workshop.program("prototype", "bench.prototype", str(workshop.directory / "prototype.db")) as prototype,
        workshop.simulated_hosts(
            control_plane.address, control_plane.host_token, hosts=HOSTS, capacity=most // HOSTS + 1
        ) as hosts,
        workshop.simulated_hosts(
            prototype.ready["grpc_address"], "none", hosts=HOSTS, capacity=most, name="prototype-hosts"
        ) as prototype_hosts,
        load(workshop) as calls,
    ):
        ours = Served(control_plane.program, control_plane.address, control_plane.api_key)
        floor = Served(prototype, prototype.ready["grpc_address"])
        _, made = await calls.calls(ours, "create_browser_session", count=most, in_flight=16)
        await hosts.ask(what="launched", count=most)
        for in_flight, count in counts.items():
            sessions: list[str] = made["made"][:count]
            our_side = _Side(calls, ours, hosts, sessions, in_flight)
            floor_side = _Side(calls, floor, prototype_hosts, sessions, in_flight)
            pairs = await interleaved(workshop.some(7, 2), our_side.run_and_finish, floor_side.run)
            accepted = [Pair(*both) for both in zip(our_side.accepted, floor_side.accepted, strict=True)][1:]
            case = f"{in_flight} in flight"
            report.add(case, "runs answered per second", "/s", pairs, rate, aim=at_least(0.6))
            report.add(case, "to the stored answer, median", "ms", pairs, median)
            report.add(case, "to the stored answer, p99", "ms", pairs, p99)
            report.add(case, "the call alone, median", "ms", accepted, median)
            report.add(case, "the call alone, p99", "ms", accepted, p99)
            report.add(case, "server's processor time", "µs each", pairs, cpu_microseconds)
    report.notes.append(
        "Calls are made as fast as they return; a run counts as answered when the host has heard that its answer is "
        "in. The control plane stores the answer and the request_id too; the prototype stores neither."
    )
    return report
