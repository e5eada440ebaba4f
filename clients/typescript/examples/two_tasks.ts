// Two tasks in one browser session: the first signs in, the second searches in the page that is still signed in.
//
// It runs against the demo site (make demo, or python -m demo.site):
//
//   npm install && npm run build
//   TABKEEP_API_KEY=... node dist/examples/two_tasks.js http://127.0.0.1:8090
//
// TABKEEP_ADDRESS is the control plane's address, 127.0.0.1:7330 unless given.

import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { toJson } from "@bufbuild/protobuf";
import { durationMs, ValueSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, type Client, type Interceptor } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { ErrorInfoSchema } from "../src/gen/google/rpc/error_details_pb.js";
import { BrowserSessionService } from "../src/gen/tabkeep/v1/browser_sessions_pb.js";
import { FailureReason, type Run, RunService, RunStatus, StepOutcome } from "../src/gen/tabkeep/v1/runs_pb.js";

async function twoTasks(site: string, signal: AbortSignal): Promise<void> {
  const withApiKey: Interceptor = (next) => (request) => {
    request.header.set("x-api-key", process.env["TABKEEP_API_KEY"] ?? "");
    return next(request);
  };
  const transport = createGrpcTransport({
    baseUrl: `http://${process.env["TABKEEP_ADDRESS"] ?? "127.0.0.1:7330"}`,
    interceptors: [withApiKey],
  });
  const sessions = createClient(BrowserSessionService, transport);
  const runs = createClient(RunService, transport);

  const { browserSession } = await sessions.createBrowserSession(
    { timeout: { seconds: 600n }, requestId: randomUUID() },
    { signal },
  );
  const browserSessionId = browserSession!.browserSessionId;
  console.log(`session ${browserSessionId}`);
  try {
    for (const task of [
      { prompt: "Login with username 'support@company.com' and password 'headphones-4-all'", url: `${site}/desk/login` },
      { prompt: "Find customer with email 'customer@example.com'" }, // no URL: goes on where the first one ended
    ]) {
      const { run } = await runs.runTask({ ...task, browserSessionId, requestId: randomUUID() }, { signal });
      await watch(runs, run!, signal);
    }
  } finally {
    // Also after Ctrl-C: a session that nobody closes keeps its browser until its timeout.
    await sessions.closeBrowserSession({ browserSessionId }, { timeoutMs: 10_000 });
    console.log("session closed");
  }
}

/** Prints a run's steps as they happen and returns once the run is final; throws if it did not complete. */
async function watch(runs: Client<typeof RunService>, run: Run, signal: AbortSignal): Promise<void> {
  console.log(`run ${run.runId}: ${run.prompt}`);
  const descriptions = new Map<number, string>();
  for (let lastSeq = 0n, ended = false; !ended; ) {
    try {
      for await (const { update } of runs.watchRun({ runId: run.runId, afterSeq: lastSeq }, { signal })) {
        if (update.case === "run") {
          run = update.value;
        } else if (update.case === "event") {
          const { seq, kind } = update.value;
          lastSeq = seq;
          if (kind.case === "stepStarted") {
            descriptions.set(kind.value.step, kind.value.description);
          } else if (kind.case === "stepFinished") {
            const { step, outcome, duration, failureReason, message } = kind.value;
            const result = outcome === StepOutcome.DONE ? "done" : `${FailureReason[failureReason]} ${message}`;
            const took = duration ? Math.round(durationMs(duration)) : 0;
            console.log(`  step ${step}: ${descriptions.get(step)} (${took}ms): ${result}`);
          }
        }
      }
      ended = true;
    } catch (error) {
      // The control plane restarts or the connection broke: the run goes on, and so does the watch, where it was.
      if (ConnectError.from(error).code !== Code.Unavailable) {
        throw error;
      }
      await setTimeout(1000, undefined, { signal });
    }
  }
  if (run.status !== RunStatus.COMPLETED) {
    const reason = FailureReason[run.failureReason];
    throw new Error(`run ${run.runId} ended ${RunStatus[run.status]}, ${reason}: ${run.failureMessage}`);
  }
  console.log(`  completed: ${JSON.stringify(run.output ? toJson(ValueSchema, run.output) : null)}`);
}

/** Adds the code and the reason to an error of the control plane: programs decide by these, people read the text. */
function describe(error: unknown): string {
  if (!(error instanceof ConnectError)) {
    return error instanceof Error ? error.message : String(error);
  }
  const reason = error.findDetails(ErrorInfoSchema)[0]?.reason;
  return `${error.rawMessage} (${Code[error.code]}${reason ? `/${reason}` : ""})`;
}

const interrupted = new AbortController();
process.once("SIGINT", () => interrupted.abort());
const [site] = process.argv.slice(2);
try {
  if (!site) {
    throw new Error("usage: two_tasks URL-OF-THE-DEMO-SITE");
  }
  await twoTasks(site, interrupted.signal);
} catch (error) {
  console.error(`two_tasks: ${describe(error)}`);
  process.exitCode = 1;
}
