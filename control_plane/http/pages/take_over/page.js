
"use strict";
// The page of a take-over link: a CDP client of its own, which shows a tab as moving pictures and sends it what the
// person does. Whose turn it is, and what the run asks, is asked for every second.

const POLL_MS = 1000;
const MOST_PIXELS = { maxWidth: 1920, maxHeight: 1440 };
const BUTTONS = ["left", "middle", "right", "back", "forward"];
const OWN_PAGES = /^(chrome|devtools|edge|chrome-extension|chrome-untrusted):/;
const MAC = /Mac|iPhone|iPad/.test(navigator.platform);

const at = (id) => document.getElementById(id);
const sessionPath = location.pathname.replace(/\/$/, "");
const token = location.hash.slice(1);
const screen = at("screen"), keys = at("keys"), pen = screen.getContext("2d");

// What is known.

let state = null; // as the server said it last
let cdp = null; // the connection, while there is one
let tabs = new Map(); // target id to { id, title, url }
let front = null; // { targetId, sessionId, metadata } of the tab that is shown
let notice = ""; // why there is no connection
let over = false; // the link has ended: nothing is asked any more
let greeted = ""; // the question for which this page has attached already, or was told to leave
let first = true;

// The connection.

class Cdp {
  constructor(socket) {
    this.socket = socket;
    this.count = 0;
    this.waiting = new Map();
    socket.onmessage = (event) => this.hear(JSON.parse(event.data));
  }

  send(method, params = {}, sessionId = undefined) {
    const id = ++this.count;
    return new Promise((done, fail) => {
      this.waiting.set(id, { done, fail });
      this.socket.send(JSON.stringify({ id, method, params, sessionId }));
    });
  }

  // For what needs no answer and may come too late.
  tell(method, params, sessionId) {
    if (this.socket.readyState === WebSocket.OPEN) this.send(method, params, sessionId).catch(() => {});
  }

  hear(message) {
    if (message.id === undefined) return heard(message);
    const waiting = this.waiting.get(message.id);
    this.waiting.delete(message.id);
    if (message.error) waiting?.fail(new Error(message.error.message));
    else waiting?.done(message.result);
  }
}

function attach() {
  if (cdp) return;
  notice = "";
  const url = new URL(`${sessionPath}/cdp`, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  url.hash = "";
  const socket = new WebSocket(url, ["tabkeep.take-over", `tabkeep.token.${token}`]);
  const mine = new Cdp(socket);
  cdp = mine;
  socket.onopen = async () => {
    try {
      await mine.send("Target.setDiscoverTargets", { discover: true });
      greeted = state?.run?.asks?.approval_id ?? "";
      const known = [...tabs.values()];
      await show((known.findLast((tab) => tab.url === state?.current_url) ?? known.at(-1))?.id);
    } catch (error) {
      notice = error.message;
    }
    draw();
  };
  socket.onclose = (event) => {
    if (cdp !== mine) return;
    cdp = front = null;
    tabs = new Map();
    closeWindows();
    if (event.code !== 1000) notice = `The connection ended: ${event.reason || "the server is not reached"}.`;
    draw();
    look();
  };
  draw();
}

function leave() {
  greeted = state?.run?.asks?.approval_id ?? "";
  notice = "";
  cdp?.socket.close(1000);
}

function heard({ method, params, sessionId }) {
  switch (method) {
    case "Target.targetCreated":
    case "Target.targetInfoChanged": {
      const { targetId, type, title, url } = params.targetInfo;
      if (type !== "page" || OWN_PAGES.test(url)) return;
      const isNew = !tabs.has(targetId);
      tabs.set(targetId, { id: targetId, title, url });
      if (isNew && front) show(targetId).catch(() => {}); // as a browser does with a tab that a page opens
      break;
    }
    case "Target.targetDestroyed":
      tabs.delete(params.targetId);
      if (front?.targetId === params.targetId) show([...tabs.keys()].at(-1)).catch(() => {});
      break;
    case "Page.screencastFrame":
      if (sessionId === front?.sessionId) paint(params).catch(() => {});
      return;
    case "Page.fileChooserOpened":
      if (sessionId === front?.sessionId) askForFiles(params);
      return;
    default:
      return;
  }
  draw();
}

async function show(targetId) {
  const mine = cdp, before = front;
  if (!mine || !targetId || targetId === before?.targetId) return;
  front = { targetId, sessionId: null, metadata: null };
  closeWindows();
  draw();
  if (before?.sessionId) mine.tell("Target.detachFromTarget", { sessionId: before.sessionId });
  await mine.send("Target.activateTarget", { targetId });
  const { sessionId } = await mine.send("Target.attachToTarget", { targetId, flatten: true });
  if (front?.targetId !== targetId) return mine.tell("Target.detachFromTarget", { sessionId });
  front.sessionId = sessionId;
  await mine.send("Page.enable", {}, sessionId);
  await mine.send("Page.setInterceptFileChooserDialog", { enabled: true }, sessionId);
  await mine.send("Page.startScreencast", { format: "jpeg", quality: 80, everyNthFrame: 1, ...MOST_PIXELS }, sessionId);
}

// A title that a script changes is told late or never; so titles are asked for.
function nameTabs() {
  if (!front?.sessionId) return;
  cdp.send("Target.getTargets").then(({ targetInfos }) => {
    for (const { targetId, title, url } of targetInfos) {
      if (tabs.has(targetId)) tabs.set(targetId, { id: targetId, title, url });
    }
    drawTabs();
  }).catch(() => {});
}

// The picture. The next one is sent when this one is drawn, so a slow line gets fewer of them and never old ones.

async function paint({ data, metadata, sessionId: frame }) {
  const { sessionId } = front, connection = cdp;
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  try {
    const picture = await createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
    if (front?.sessionId !== sessionId) return;
    front.metadata = metadata;
    if (screen.width !== picture.width || screen.height !== picture.height) {
      [screen.width, screen.height] = [picture.width, picture.height];
    }
    pen.drawImage(picture, 0, 0);
    picture.close();
  } finally {
    connection?.tell("Page.screencastFrameAck", { sessionId: frame }, sessionId);
  }
}

// The bar.

at("bar").addEventListener("submit", async (event) => {
  event.preventDefault();
  const typed = at("address").value.trim();
  if (!typed || !front?.sessionId) return;
  const url = /^(https?:|data:|about:blank)/i.test(typed) ? typed : `https://${typed}`;
  try {
    const { errorText } = await cdp.send("Page.navigate", { url }, front.sessionId);
    notice = errorText ? `${url} was not loaded: ${errorText}` : "";
  } catch (error) {
    notice = error.message;
  }
  at("address").blur();
  draw();
});
at("reload").addEventListener("click", () => tellPage("Page.reload", {}));
at("back").addEventListener("click", async () => {
  if (!front?.sessionId) return;
  const { currentIndex, entries } = await cdp.send("Page.getNavigationHistory", {}, front.sessionId);
  if (currentIndex > 0) tellPage("Page.navigateToHistoryEntry", { entryId: entries[currentIndex - 1].id });
});
at("attach").addEventListener("click", attach);
at("leave").addEventListener("click", leave);
at("yes").addEventListener("click", () => answer(true));
at("no").addEventListener("click", () => answer(false));

// The server.

async function call(path, body) {
  const response = await fetch(`${sessionPath}/${path}`, {
    method: body ? "POST" : "GET",
    headers: { "x-take-over-token": token, ...(body ? { "content-type": "application/json" } : {}) },
    body: body && JSON.stringify(body),
  });
  const said = await response.json();
  if (response.ok) return said;
  throw Object.assign(new Error(typeof said.detail === "string" ? said.detail : said.code), { status: response.status });
}

let timer = 0;

async function look() {
  clearTimeout(timer);
  if (over) return;
  try {
    state = await call("state");
    over = state.turn === "closed";
    meet();
  } catch (error) {
    if (error.status === 403 || error.status === 404) {
      over = true;
      state = null;
      notice = error.message.replace("Invalid credentials: ", "");
      cdp?.socket.close(1000);
    } else {
      notice = "The server does not answer; trying again.";
    }
  }
  draw();
  nameTabs();
  if (!over) timer = setTimeout(look, POLL_MS);
}

// Attach by itself when the page is opened, and when the run asks a person again; never for a tab that was forgotten.
function meet() {
  const asks = state.run?.asks;
  if ((first && state.turn === "free") || (state.turn === "lent" && asks && asks.approval_id !== greeted)) attach();
  first = false;
}

async function answer(approved) {
  const asks = state?.run?.asks;
  if (!asks) return;
  at("yes").disabled = at("no").disabled = true;
  notice = "";
  try {
    await call("answer", { approval_id: asks.approval_id, approved });
  } catch (error) {
    notice = error.message;
  }
  at("yes").disabled = at("no").disabled = false;
  look();
}

// What is seen.

function turnText() {
  const run = state?.run, what = run ? `“${run.what.length > 80 ? `${run.what.slice(0, 80)}…` : run.what}”` : "";
  if (front?.sessionId) {
    return ["mine", state?.lent ? "It is your turn. The run waits for your answer."
      : "It is your turn. Runs of this session wait until you hand it back."];
  }
  switch (state?.turn) {
    case "closed": return ["over", `The session is closed: ${state.close_message}`];
    case "starting": return ["run", "The browser is being started."];
    case "client": return cdp ? ["lent", "Connecting …"]
      : ["client", "SESSION_BUSY: another client has the browser. Take over when it has gone."];
    case "run": return ["run", `SESSION_BUSY: it is the turn of the run ${what}. You can take over when it asks you to, or is over.`];
    case "lent": return ["lent", `The run ${what} waits for you.`];
    case "free": return ["free", "It is nobody's turn. You can take over."];
    default: return ["over", over ? "This link does not work any more." : "Connecting …"];
  }
}

function draw() {
  const [turn, text] = turnText(), asks = state?.run?.asks;
  document.body.dataset.turn = turn;
  at("turn-text").textContent = text;
  at("attach").hidden = !!cdp || !["free", "lent"].includes(state?.turn);
  at("leave").hidden = !cdp;
  at("steps").hidden = !state;
  if (state) at("steps").href = state.page;
  at("ends").textContent = state && !over
    ? `Link works until ${new Date(state.link_ends_at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}` : "";
  at("question").hidden = !asks;
  if (asks) {
    at("asker").textContent = asks.take_over ? "The run asks you to take over" : "The run asks";
    at("asked").textContent = asks.message;
  }
  at("browser").hidden = !front;
  at("idle").hidden = !!front;
  at("notice").hidden = !notice;
  at("notice").textContent = notice;
  drawTabs();
}

let drawn = "";

function drawTabs() {
  const address = at("address"), url = tabs.get(front?.targetId)?.url ?? "";
  if (document.activeElement !== address) address.value = url;
  const now = JSON.stringify([[...tabs.values()], front?.targetId]);
  if (now === drawn) return; // a button that is replaced loses the focus
  drawn = now;
  const shown = [...tabs.values()].map((tab) => {
    const button = document.createElement("button");
    button.textContent = tab.title || tab.url || "New tab";
    button.title = tab.url;
    button.setAttribute("role", "tab");
    button.setAttribute("aria-selected", String(tab.id === front?.targetId));
    button.addEventListener("click", () => show(tab.id).catch(() => {}));
    return button;
  });
  at("tabs").replaceChildren(...shown);
}

document.addEventListener("DOMContentLoaded", look); // when the other parts of this script are there
