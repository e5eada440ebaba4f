// Sees what changes in the page, and tells what a press brought from what moves by itself.

// What a press brought is told by cause, not by time alone. While the page's listeners for it run, all that changes is
// theirs. What changes later counts only where they left something to come: a timer, a frame, a request. The numbers
// that the browser gives to timers and frames are the same in every world of a window, so what was asked for shows in
// the next number; requests show in the window's own timeline.

const state = { changes: 0, press: null, wakers: new Set(), restless: new WeakSet(), watched: new WeakSet(), lastPress: -1e9 };
const RESTLESS_AFTER = 1000; // ms since the last press: what changes later than that moves by itself
const MOST_RECORDS = 500; // of one batch; more than that is a change anyway

const observer = new MutationObserver((records) => mutated(records));

function watch() {
  for (const root of roots()) {
    if (state.watched.has(root)) continue;
    state.watched.add(root);
    observer.observe(root, { subtree: true, childList: true, characterData: true, characterDataOldValue: true, attributes: true });
    const view = root.defaultView;
    if (!view) continue;
    if (view === window) view.addEventListener("beforeunload", leaving);
    for (const type of [...PRESSING, ...DECIDING, "invalid", "focus"]) view.addEventListener(type, happened, { capture: true, passive: true });
    try {
      new view.PerformanceObserver((list) => requested(list.getEntries())).observe({ type: "resource" });
    } catch {
      // a document without a timeline: its requests are no evidence
    }
  }
}

const PRESSING = ["pointerdown", "mousedown", "pointerup", "mouseup"]; // what buttons of many kinds answer with mere feedback
const DECIDING = ["click", "dblclick", "keydown", "keyup", "submit", "change", "input"];
const NEAR = 150; // ms after a press in which a change may be its effect without leaving a trace: promises, messages, workers

const noop = () => {};

// Timers and frames of our own, which are no one's answer to a press.
const own = { timers: 0, frames: 0 };
function later(work, ms) {
  own.timers++;
  return setTimeout(work, ms);
}

// The next numbers that this window would give to a timer, a frame and an idle callback.
function numbers(view) {
  try {
    const timer = view.setTimeout(noop);
    view.clearTimeout(timer);
    const painting = view.requestAnimationFrame(noop);
    view.cancelAnimationFrame(painting);
    const idle = view.requestIdleCallback(noop);
    view.cancelIdleCallback(idle);
    return [timer, painting, idle];
  } catch {
    return null; // the window is gone
  }
}

const MOST_FIELDS = 300;

// What stands in the page's fields: a listener that sets it leaves no other trace.
function fieldValues() {
  const fields = deepQuery("input:not([type=hidden]),textarea,select");
  return fields.length > MOST_FIELDS ? [] : fields.map((field) => [field, field.value]);
}

// The page's listeners for an event begin to run.
function begins(press, event) {
  // One event inside another, as when a listener sends a form, is a part of it.
  if (!event.isTrusted || (press.span && DECIDING.includes(press.span.type))) return;
  ends(press);
  press.dispatching = true;
  const views = [...new Set([window, event.view || (event.target.ownerDocument || document).defaultView])].filter(Boolean);
  const span = { type: event.type, start: now(), views, numbers: views.map(numbers), own: { ...own }, values: fieldValues() };
  press.span = span;
  later(() => ends(press, span), 0); // for events that a listener keeps from the window
}

// They have run: what did they leave to come?
function ends(press, span = press.span) {
  if (!span || press.span !== span) return;
  press.span = null;
  press.dispatching = false;
  press.ended = now();
  if (!DECIDING.includes(span.type)) return;
  press.spans.push([span.start, press.ended]);
  if (span.values.some(([field, value]) => field.value !== value)) press.effect = press.effect || "a field's text changed";
  span.views.forEach((view, i) => {
    const before = span.numbers[i];
    const after = numbers(view);
    if (!before || !after) return;
    // One more of each is what was asked for here.
    const ours = view === window ? [own.timers - span.own.timers, own.frames - span.own.frames, 0] : [0, 0, 0];
    if (after.some((number, k) => number > before[k] + 1 + ours[k])) press.owes = true;
    if (after[0] > before[0] + 1 + ours[0]) press.timed = true;
  });
}

const dispatched = (event) => {
  const press = state.press;
  if (press && press.span && press.span.type === event.type) queueMicrotask(() => ends(press));
};

// Requests that began while the press's own listeners ran.
function requested(entries) {
  const press = state.press;
  if (!press || press.owes) return;
  const began = (entry) => press.spans.some(([start, end]) => entry.startTime >= start - 1 && entry.startTime <= end + 2);
  if (entries.some((entry) => entry.initiatorType !== "beacon" && began(entry))) {
    press.owes = true;
    wake();
  }
}

// What the page does by itself when it is pressed, without a listener.
function answersItself(el) {
  return !!(el.closest && el.closest('a[href^="javascript:" i],[popovertarget],[commandfor],video,audio'));
}

function wake() {
  for (const waker of [...state.wakers]) waker();
}

// Until something changes, at most `ms`.
function change(ms) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      state.wakers.delete(done);
      resolve();
    };
    const timer = later(done, Math.max(0, ms));
    state.wakers.add(done);
  });
}

const tick = () => new Promise((resolve) => later(resolve, 0));

// The next frame; a page that paints none gets 100 ms.
function frame() {
  return new Promise((resolve) => {
    const timer = later(resolve, 100);
    own.frames++;
    requestAnimationFrame(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function mutated(records) {
  state.changes++;
  const press = state.press;
  if (press && press.down) {
    const decided = press.dispatching && DECIDING.includes(press.span.type);
    if (records.length && decided) press.owes = true; // also by what no one sees
    if (press.owes && records.some((record) => record.target === press.el && record.attributeName === "class")) press.decidedClass = true;
    if (!press.effect) brought(press, records.length > MOST_RECORDS ? "the page changed" : effectOf(records, press));
  } else if (!press && now() - state.lastPress > RESTLESS_AFTER) {
    for (const record of records.slice(0, MOST_RECORDS)) state.restless.add(record.target);
  }
  wake();
}

// The document is about to go. A press that left nothing to come has not sent it away.
function leaving() {
  const press = state.press;
  if (!press || !press.down) return;
  press.leftAfter = now() - press.ended;
  wake();
}

// Something changed that a person sees: is it the press's doing?
function brought(press, words) {
  if (!words) return;
  if (press.dispatching || press.owes) press.effect = words;
  else if (now() - press.ended <= NEAR) press.near = press.near || words;
  else if (!press.late) press.late = { words, after: now() - press.ended };
}

const SEEN_ATTRIBUTES = /^(class|style|hidden|open|disabled|checked|selected|value|src|href|readonly|inert|data-state|aria-(?!describedby).*)$/;
const DRAWN_ATTRIBUTES = /^(d|points|transform|[xy][12]?|[cr][xy]|r|width|height|fill|stroke)$/; // in SVG they are what shows
const OWN_FEEDBACK = /hover|focus|active|ripple|press|touch|wave|pointer/i;
const FEEDBACK = "[role=tooltip],[class*=tooltip],[class*=ripple],[class*=toolTip],[class*=Ripple]";

// What these changes show a person; empty for what no one sees, and for what would have moved anyway.
function effectOf(records, press) {
  for (const record of records) {
    const at = record.target.nodeType === 1 ? record.target : record.target.parentElement || record.target.host;
    if (state.restless.has(record.target)) continue;
    if (!press.dispatching && mayMoveByItself(record, at, press)) continue;
    if (record.type === "childList") {
      if ([...record.addedNodes].some(shows)) return "the page changed";
      if ([...record.removedNodes].some((node) => (node.nodeType === 3 ? node.nodeValue.trim() : node.nodeType === 1 && !SKIPPED.has(node.tagName) && !node.matches(FEEDBACK)))) return "the page changed";
    } else if (record.type === "characterData") {
      if (at && at.checkVisibility && at.checkVisibility()) return "the page's text changed";
    } else if (attributeShows(record, at, press)) {
      return `${record.attributeName} of ${describeElement(at)} changed`;
    }
  }
  return "";
}

const STILL_FOR = 1300; // ms: what counts or turns by itself does so at least once a second
const withoutDigits = (text) => text.replace(/[\d:.,]+/g, "#");

// A number or a style that changes some time after the press may be its effect, or a clock or a spinner: it counts
// only once it stands still.
function mayMoveByItself(record, at, press) {
  if (!at) return false;
  if (record.type === "attributes") {
    if (record.attributeName !== "style" || at === press.el) return false;
  } else {
    const text = (nodes) => [...nodes].map((node) => (node.nodeType === 3 ? node.nodeValue : "\n<>")).join("");
    const before = record.type === "characterData" ? record.oldValue : text(record.removedNodes);
    const after = record.type === "characterData" ? record.target.nodeValue : text(record.addedNodes);
    if (!before || !/\d/.test(before) || withoutDigits(before) !== withoutDigits(after)) return false;
  }
  if (at.checkVisibility && at.checkVisibility()) press.moving.set(at, now());
  return true;
}

const LASTING = 500; // ms: a class that only answers the finger is gone by then

// Whether the press left the element marked, as one that is turned on; by what decides, not by the finger's coming.
function stays(press) {
  const words = (text) => text.split(/\s+/).filter((word) => /(^|[-_])(active|pressed)$/i.test(word)).sort().join(" ");
  return press.decidedClass && press.el.isConnected && words(press.downClass) !== words(press.el.getAttribute("class") || "");
}

function stoodStill(press) {
  for (const time of press.moving.values()) if (now() - time > STILL_FOR) return true;
  return false;
}

function shows(node) {
  if (node.nodeType === 3) return node.nodeValue.trim() !== "" && node.parentElement && node.parentElement.checkVisibility();
  if (node.nodeType !== 1 || SKIPPED.has(node.tagName) || node.matches(FEEDBACK) || node.closest(FEEDBACK)) return false;
  return visible(node) || [...node.querySelectorAll("*")].some(visible);
}

function attributeShows(record, at, press) {
  const name = record.attributeName;
  if (at.ownerSVGElement && DRAWN_ATTRIBUTES.test(name)) return visible(at);
  if (!SEEN_ATTRIBUTES.test(name) || at === document.documentElement) return false;
  if (name === "class") {
    const before = new Set((press.classes.get(at) || "").split(/\s+/));
    const after = new Set((at.getAttribute("class") || "").split(/\s+/));
    const moved = [...before].filter((word) => !after.has(word)).concat([...after].filter((word) => !before.has(word)));
    return press.classes.has(at) ? moved.some((word) => word && !OWN_FEEDBACK.test(word)) : true;
  }
  if (at === document.body && name === "style") return false;
  return visible(at) || /^(hidden|style|open|aria-hidden)$/.test(name);
}

function happened(event) {
  const press = state.press;
  if (!press) return;
  const type = event.type;
  if (type === "pointerdown" || type === "mousedown" || type === "keydown") {
    if (!press.down) {
      press.down = true;
      press.ended = now();
      press.path = event.composedPath().filter((el) => el.nodeType);
      observer.takeRecords(); // what the pointer's coming changed is no effect of the press
      press.downClass = press.el.getAttribute("class") || "";
    }
    if (type !== "keydown") {
      const path = event.composedPath();
      const hit = path.includes(press.el) || replaced(press, path) || path.some((el) => el.nodeType === 1 && el.tagName === "LABEL" && el.control === press.el);
      press.landed = press.landed || hit || path.some((el) => el.tagName === "IFRAME" && contains(el, press.el));
      if (!press.landed && path[0] && path[0].nodeType === 1) press.hit = describeElement(path[0]);
    }
  } else if (type === "click" || type === "submit") {
    press[type] = event;
    if (answersItself(press.el)) press.owes = true;
  } else if (type === "invalid") {
    press.invalid.push(`${nameOf(event.target) || "a field"}: ${event.target.validationMessage}`);
  } else if (type === "change" && event.isTrusted && partOfPress(press.el, event.target)) {
    press.effect = press.effect || "a control changed";
  } else if (type === "focus" && event.isTrusted && event.target === press.el && editable(press.el)) {
    press.effect = press.effect || "the field had the focus";
  }
  if (type !== "invalid" && type !== "focus") begins(press, event);
  wake();
}

// Whether a control is what was pressed. A field that was typed into before says that it changed when it loses the
// focus to the press: that is no effect of it.
function partOfPress(el, control) {
  return contains(el, control) || contains(control, el) || (el.tagName === "LABEL" && el.control === control);
}

// Whether the page drew the element anew just before the press.
function replaced(press, path) {
  return !press.el.isConnected && path.some((el) => el.nodeType === 1 && interactive(el) && describeElement(el) === press.label);
}

// Remembers how things are before a press of `el`, so that afterwards the effect can be told.
function arm(el) {
  watch();
  const classes = new Map();
  for (let at = el; at; at = parentOf(at)) classes.set(at, at.getAttribute("class") || "");
  for (const inner of el.querySelectorAll("*")) classes.set(inner, inner.getAttribute("class") || "");
  state.press = {
    el, label: describeElement(el), classes, down: false, landed: false, hit: "", click: null, submit: null, invalid: [], effect: "", moving: new Map(),
    before: snapshot(el), armed: now(), span: null, spans: [], dispatching: false, ended: now(), owes: false, near: "", late: null, path: [], downClass: "", decidedClass: false,
    wasDisabled: disabled(el), timed: false,
  };
  // The last of all listeners: what the page's own leave to come is counted after them.
  for (const root of roots()) {
    const view = root.defaultView;
    for (const type of view ? [...PRESSING, ...DECIDING] : []) {
      view.removeEventListener(type, dispatched);
      view.addEventListener(type, dispatched, { passive: true });
    }
  }
}

// What a press of the armed element passes through, from itself outwards; listeners are looked for on these.
function pressPath() {
  const press = state.press;
  if (!press) return [];
  const path = [press.el];
  for (let at = parentOf(press.el); at; at = parentOf(at)) path.push(at);
  return [...new Set([...path, ...press.path, press.el.ownerDocument])].slice(0, 60);
}

function activeElement() {
  let active = document.activeElement;
  for (;;) {
    const inner = active && ((active.shadowRoot && active.shadowRoot.activeElement) || (active.tagName === "IFRAME" && frameDocument(active) && frameDocument(active).activeElement));
    if (!inner) return active;
    active = inner;
  }
}

function snapshot(el) {
  return {
    url: location.href,
    title: document.title,
    active: activeElement(),
    checked: checkedState(el),
    value: valueOf(el),
    open: el.closest("details") ? el.closest("details").open : null,
    scroll: [scrollX, scrollY, ...scrollParents(el)].join(),
    popovers: roots().reduce((count, root) => count + root.querySelectorAll(":popover-open").length, 0),
  };
}

function scrollParents(el) {
  const tops = [];
  for (let at = parentOf(el); at; at = parentOf(at)) if (at.scrollTop) tops.push(at.scrollTop);
  return tops;
}

function effectBetween(before, el) {
  if (!el.ownerDocument.defaultView) return "the frame moved to another page";
  const after = snapshot(el);
  if (after.url !== before.url) return "the URL changed";
  if (after.checked !== before.checked || after.value !== before.value || after.open !== before.open) return "the control's state changed";
  if (after.popovers !== before.popovers) return "something opened or closed over the page";
  const active = after.active;
  if (active && (editable(active) || active.tagName === "SELECT") && (active === el || contains(el, active) || (el.tagName === "LABEL" && el.control === active))) return "the field has the focus";
  if (active && active !== before.active && active !== document.body && !contains(active, el) && !contains(el, active)) return "the focus moved";
  return "";
}

// What may have changed by itself as well.
function movedBetween(before, el) {
  const after = snapshot(el);
  if (after.title !== before.title) return "the title changed";
  if (after.scroll !== before.scroll) return "the page scrolled";
  return "";
}

// How the armed press went: the first effect that shows, or none within `wait` ms. With `near` it answers also what
// changed right after the press and left no trace of being its effect: then the caller looks for listeners. With `any`
// all that changes is an effect.
async function outcome({ wait, near, any }) {
  const press = state.press;
  if (!press) return { effect: "", near: "", late: null, landed: false, hit: "", invalid: [], leaves: false, title: document.title };
  const end = now() + wait;
  for (;;) {
    if (press.leftAfter !== undefined) break;
    mutated(observer.takeRecords());
    if (press.down && (press.click || now() - press.armed > 300)) {
      if (press.click && !press.ticked) {
        press.ticked = true;
        await tick();
        continue;
      }
      press.effect = press.effect || effectBetween(press.before, press.el);
      if (!press.effect) brought(press, movedBetween(press.before, press.el) || (stoodStill(press) ? "a part of the page changed" : ""));
      if (!press.effect && press.click && now() - press.armed > LASTING && stays(press)) press.effect = `class of ${press.label} changed`;
      if (!press.effect && (press.owes || any)) press.effect = press.near || (press.late ? press.late.words : "");
      if (press.effect && working(press) && now() < end) {
        await change(Math.min(end - now(), 50));
        continue;
      }
      if (press.effect || (press.invalid.length && submits(press.el)) || (!press.landed && press.click) || (near && press.near)) break;
    }
    if (now() >= end) break;
    await change(Math.min(end - now(), press.down && press.click ? 50 : 10));
  }
  const link = press.click && !press.click.defaultPrevented && press.click.composedPath
    ? press.el.closest("a[href]") : null;
  const leaves = !!(press.submit && !press.submit.defaultPrevented) || !!(link && /^https?:/.test(link.href) && link.href.split("#")[0] !== location.href.split("#")[0] && (!link.target || link.target === "_self"));
  if (press.leftAfter !== undefined && !press.effect) {
    if (any || leaves || press.owes || press.dispatching || press.leftAfter <= NEAR) press.effect = "the page moves on";
    else press.late = { words: "the page moved on", after: press.leftAfter };
  }
  // A script may ask a field whether it is valid just to know; the browser refuses a form only where one is sent.
  const invalid = submits(press.el) || !press.effect ? press.invalid : [];
  const result = { effect: press.effect, near: press.near, late: press.late, landed: press.landed, hit: press.hit, invalid, leaves, title: document.title, checked: checkedState(press.el), submitted: !!press.submit, timed: press.timed };
  return result;
}

const WORKING = 1500; // ms for which a button that turned itself off is waited for

// Whether the button has turned itself off and is still there: what it was pressed for is under way.
function working(press) {
  return press.el.isConnected && disabled(press.el) && !press.wasDisabled && now() - press.ended < WORKING;
}

function submits(el) {
  const button = el.closest("button,input");
  return !!(button && button.form && /^(submit|image)$/.test(button.type));
}

function disarm() {
  state.press = null;
  state.lastPress = now();
  return {};
}

// Until something changes in the page, at most `wait` ms.
async function pause({ wait }) {
  watch();
  await change(wait);
  return {};
}
