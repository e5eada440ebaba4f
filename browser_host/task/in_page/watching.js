// Sees what changes in the page, and tells what a press brought from what moves by itself.

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
    for (const type of ["pointerdown", "mousedown", "mouseup", "click", "keydown", "submit", "invalid", "change", "input"]) {
      view.addEventListener(type, happened, { capture: true, passive: true });
    }
    view.addEventListener("click", dispatched, { passive: true });
  }
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
    const timer = setTimeout(done, Math.max(0, ms));
    state.wakers.add(done);
  });
}

const tick = () => new Promise((resolve) => setTimeout(resolve));

// The next frame; a page that paints none gets 100 ms.
function frame() {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, 100);
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
    if (!press.effect) press.effect = records.length > MOST_RECORDS ? "the page changed" : effectOf(records, press);
  } else if (!press && now() - state.lastPress > RESTLESS_AFTER) {
    for (const record of records.slice(0, MOST_RECORDS)) state.restless.add(record.target);
  }
  wake();
}

const SEEN_ATTRIBUTES = /^(class|style|hidden|open|disabled|checked|selected|value|src|href|readonly|inert|data-state|aria-(?!describedby).*)$/;
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

// Whether the press left the element marked, as one that is turned on.
function stays(press) {
  const words = (text) => text.split(/\s+/).filter((word) => /(^|[-_])(active|pressed)$/i.test(word)).sort().join(" ");
  return press.downClass !== undefined && press.el.isConnected && words(press.downClass) !== words(press.el.getAttribute("class") || "");
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
    press.dispatching = true;
    setTimeout(() => (press.dispatching = false)); // for events that a listener keeps from the window
  } else if (type === "invalid") {
    press.invalid.push(`${nameOf(event.target) || "a field"}: ${event.target.validationMessage}`);
  } else if (type === "change" && event.isTrusted) {
    press.effect = press.effect || "a control changed";
  }
  wake();
}

// The last listeners of a click have run; what they changed is told in the next microtask.
function dispatched() {
  const press = state.press;
  if (press) queueMicrotask(() => (press.dispatching = false));
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
    before: snapshot(el), armed: now(),
  };
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
  };
}

function scrollParents(el) {
  const tops = [];
  for (let at = parentOf(el); at; at = parentOf(at)) if (at.scrollTop) tops.push(at.scrollTop);
  return tops;
}

function effectBetween(before, el) {
  const after = snapshot(el);
  if (after.url !== before.url) return "the URL changed";
  if (after.title !== before.title) return "the title changed";
  if (after.checked !== before.checked || after.value !== before.value || after.open !== before.open) return "the control's state changed";
  if (after.scroll !== before.scroll) return "the page scrolled";
  const active = after.active;
  if (active && (editable(active) || active.tagName === "SELECT") && (active === el || contains(el, active) || (el.tagName === "LABEL" && el.control === active))) return "the field has the focus";
  if (active && active !== before.active && active !== document.body && !contains(active, el) && !contains(el, active)) return "the focus moved";
  return "";
}

// How the armed press went: the first effect that shows, or none within `wait` ms.
async function outcome({ wait }) {
  const press = state.press;
  if (!press) return { effect: "", landed: false, hit: "", invalid: [], leaves: false, title: document.title };
  const end = now() + wait;
  for (;;) {
    mutated(observer.takeRecords());
    if (press.down && (press.click || now() - press.armed > 300)) {
      if (press.click && !press.ticked) {
        press.ticked = true;
        await tick();
        continue;
      }
      press.effect = press.effect || effectBetween(press.before, press.el);
      if (!press.effect && press.click && now() - press.armed > LASTING && stays(press)) press.effect = `class of ${press.label} changed`;
      if (!press.effect && stoodStill(press)) press.effect = "a part of the page changed";
      if (press.effect || press.invalid.length || (!press.landed && press.click)) break;
    }
    if (now() >= end) break;
    await change(Math.min(end - now(), press.down && press.click ? 50 : 10));
  }
  const link = press.click && !press.click.defaultPrevented && press.click.composedPath
    ? press.el.closest("a[href]") : null;
  const leaves = !!(press.submit && !press.submit.defaultPrevented) || !!(link && /^https?:/.test(link.href) && link.href.split("#")[0] !== location.href.split("#")[0] && (!link.target || link.target === "_self"));
  const result = { effect: press.effect, landed: press.landed, hit: press.hit, invalid: press.invalid, leaves, title: document.title, checked: checkedState(press.el) };
  return result;
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
