// Stands for the package @skyvern/client, which cannot be had where the tests run: the calls that the snippets
// make, and what the published versions send for them. Versions before 1.0.37 take `body` for the request; later ones
// take the fields as they are, so that a `body` goes out as one more field, and say "agents" for workflows.

const POLL_MS = 10_000;
const sendsBodyAsItIs = process.env.SKYVERN_CLIENT === "later";

export class Skyvern {
  #baseUrl;
  #headers;

  constructor({ apiKey, baseUrl }) {
    this.#baseUrl = baseUrl;
    this.#headers = { "x-api-key": apiKey, "X-Fern-Language": "JavaScript", "User-Agent": "@skyvern/client/1.0.50" };
  }

  createBrowserSession(request = {}) {
    return this.#ask("POST", "v1/browser_sessions", request);
  }

  closeBrowserSession(browserSessionId) {
    return this.#ask("POST", `v1/browser_sessions/${encodeURIComponent(browserSessionId)}/close`);
  }

  runTask(request) {
    return this.#run("v1/run/tasks", request);
  }

  runWorkflow(request) {
    return this.#run(sendsBodyAsItIs ? "v1/run/agents" : "v1/run/workflows", request);
  }

  async #run(path, { waitForCompletion, ...request }) {
    let run = await this.#ask("POST", path, sendsBodyAsItIs ? request : request.body);
    if (!waitForCompletion) return run;
    for (;;) {
      run = await this.#ask("GET", `v1/runs/${encodeURIComponent(run.run_id)}`);
      if (["completed", "failed", "terminated", "timed_out", "canceled"].includes(run.status)) return run;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async #ask(method, path, body) {
    const headers = body === undefined ? this.#headers : { ...this.#headers, "Content-Type": "application/json" };
    const answer = await fetch(`${this.#baseUrl}/${path}`, { method, headers, body: body && JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }
}
