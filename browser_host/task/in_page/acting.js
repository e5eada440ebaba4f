// Gets elements ready to be pressed, and does what needs no pointer: filling, choosing, checking conditions.

const AMBIGUOUS_PATIENCE = 600; // ms in which a page that is still building may make a target unique
const POINTS = [[0.5, 0.5], [0.5, 0.25], [0.5, 0.75], [0.25, 0.5], [0.75, 0.5], [0.1, 0.5], [0.9, 0.5], [0.1, 0.15], [0.9, 0.85]];

// Repeats `attempt` until it answers something that is ok or final, or `wait` ms are over: then its last answer.
async function patiently(wait, attempt) {
  const start = now();
  for (;;) {
    knownRoots = null;
    watch();
    const answer = await attempt();
    if (answer.ok || answer.final) return answer;
    const waited = now() - start;
    if (waited >= wait || (answer.reason === "AMBIGUOUS" && waited >= AMBIGUOUS_PATIENCE)) return answer;
    await change(Math.min(wait - waited, 100));
  }
}

async function found(target, purpose, wait, use) {
  const answer = await patiently(wait, async () => {
    const one = resolve(target, purpose);
    if (!one.el) return one;
    const element = target.record ? elementFacts(one.el) : undefined; // before it is acted on, which may replace it
    const answer = await use(one.el);
    return answer.ok ? { ...answer, element } : answer;
  });
  if (!answer.ok && answer.near) {
    const near = nearNames(target, purpose);
    if (near.length) answer.message += `; there are: ${near.join(", ")}`;
  }
  return answer;
}

function refuse(el, writing) {
  if (disabled(el)) return { reason: "STEP_TIMEOUT", message: `${describeElement(el)} stayed disabled` };
  if (writing && (el.readOnly || el.getAttribute("aria-readonly") === "true")) {
    return { reason: "STEP_TIMEOUT", message: `${describeElement(el)} stayed read-only` };
  }
  return null;
}

function scrollIn(el) {
  const box = boxOf(el);
  const [x, y] = frameOffset(el);
  const inside = box.top + y >= 0 && box.left + x >= 0 && box.bottom + y <= innerHeight && box.right + x <= innerWidth;
  if (!inside || cutOff(el) || el.ownerDocument !== document) el.scrollIntoView({ block: "center", inline: "nearest", behavior: "instant" });
}

// Whether a part around the element that scrolls or clips does not show its middle.
function cutOff(el) {
  const box = boxOf(el);
  const x = box.left + box.width / 2, y = box.top + box.height / 2;
  for (let at = el.parentElement; at && at !== el.ownerDocument.body; at = at.parentElement) {
    if (!/auto|scroll|hidden|clip/.test(getComputedStyle(at).overflow)) continue;
    const part = at.getBoundingClientRect();
    if (x < part.left || x > part.right || y < part.top || y > part.bottom) return true;
  }
  return false;
}

async function settled(el) {
  let last = "";
  for (let turn = 0; turn < 60; turn++) {
    await frame();
    if (!el.isConnected) return false;
    const box = boxOf(el);
    const place = [box.x, box.y, box.width, box.height].join();
    if (place === last) return true;
    last = place;
  }
  return false;
}

function elementAt(x, y, doc = document) {
  let el = doc.elementFromPoint(x, y);
  while (el && el.shadowRoot) {
    const inner = el.shadowRoot.elementFromPoint(x, y);
    if (!inner || inner === el) break;
    el = inner;
  }
  if (el && el.tagName === "IFRAME" && frameDocument(el)) {
    const box = el.getBoundingClientRect();
    return elementAt(x - box.left - el.clientLeft, y - box.top - el.clientTop, frameDocument(el)) || el;
  }
  return el;
}

// A point of the element that a press would reach, in the page's coordinates; or what lies over it.
function pointOn(el, avoid) {
  const [dx, dy] = frameOffset(el);
  const boxes = [...el.getClientRects()].filter((box) => box.width > 0 && box.height > 0);
  if (!boxes.length) boxes.push(boxOf(el));
  let cover = null;
  for (const box of boxes.slice(0, 4)) {
    const left = Math.max(box.left + dx, 0);
    const top = Math.max(box.top + dy, 0);
    const right = Math.min(box.right + dx, innerWidth);
    const bottom = Math.min(box.bottom + dy, innerHeight);
    if (right - left <= 0 || bottom - top <= 0) continue;
    for (const [fx, fy] of POINTS) {
      const x = left + (right - left) * fx;
      const y = top + (bottom - top) * fy;
      if ((avoid || []).some((point) => Math.abs(point[0] - x) < 3 && Math.abs(point[1] - y) < 3)) continue;
      const hit = elementAt(x, y);
      if (hit && reaches(hit, el)) return { x, y };
      cover = cover || hit;
    }
  }
  return { cover };
}

// A point `at` so many pixels from its upper left corner, if a press there would reach it.
function givenPointOn(el, at) {
  const [dx, dy] = frameOffset(el);
  const box = boxOf(el);
  if (at.x > box.width || at.y > box.height) return { cover: null };
  const [x, y] = [box.left + dx + at.x, box.top + dy + at.y];
  const hit = elementAt(x, y);
  return hit && reaches(hit, el) ? { x, y } : { cover: hit };
}

function reaches(hit, el) {
  if (contains(el, hit)) return !(hit !== el && INTERACTIVE.has(roleOf(hit)) && INTERACTIVE.has(roleOf(el)) && disabled(hit));
  const label = hit.closest && hit.closest("label");
  return !!label && label.control === el;
}

// -> {ok, x, y, ...} with the press armed
async function prepare({ target, purpose, wait, avoid, at, judge }) {
  return found(target, purpose, wait, async (el) => {
    const refused = refuse(el, false);
    if (refused) return refused;
    const handle = reachable(el);
    if (!handle) return { reason: "NOT_FOUND", message: `${describeElement(el)} is not visible` };
    scrollIn(handle);
    if (!(await settled(handle))) return { reason: "STEP_TIMEOUT", message: `${describeElement(el)} keeps moving` };
    const point = at ? givenPointOn(handle, at) : pointOn(handle, avoid);
    if (point.x === undefined) {
      const cover = point.cover ? `is covered by ${describeElement(point.cover)}` : "is outside of the visible area";
      return { reason: "STEP_TIMEOUT", message: `${describeElement(el)} ${cover}` };
    }
    const role = roleOf(el);
    const sends = judge && (submits(el) || /^(button|link|)$/.test(role)) ? sentBy(el) : null;
    const said = sends ? saying(sends) : null;
    arm(el);
    return { ok: true, x: point.x, y: point.y, label: describeElement(el), checked: checkedState(el), role, name: nameOf(el), leads: leadsTo(el), sends, said };
  });
}

// Where a press leads: a link's address, or that of the form which a button sends. Empty when it leads nowhere.
function leadsTo(el) {
  const link = el.closest && el.closest("a[href],area[href]");
  if (link) return link.href || "";
  const sends = el.form && (el.type === "submit" || el.type === "image");
  return sends ? (el.hasAttribute("formaction") ? el.formAction : formAddress(el.form)) : "";
}

// A field called "action" hides the form's own property.
const formAddress = (form) => new URL(form.getAttribute("action") || "", form.ownerDocument.baseURI).href;

// Replaces a field's text as one input of a person would, and reads it back a moment later.
async function fill({ target, value, wait }) {
  return found(target, "fill", wait, async (el) => {
    const refused = refuse(el, true);
    if (refused) return refused;
    const label = describeElement(el);
    if (el.tagName === "SELECT" || el.type === "file") return { final: true, reason: "NOT_FOUND", message: `${label} takes no text` };
    el.scrollIntoView({ block: "nearest", behavior: "instant" });
    state.press = null;
    state.written = true;
    write(el, value);
    state.lastPress = now();
    await tick();
    const shown = valueOf(el);
    const secret = isSecret(el);
    return { ok: true, label, secret, equal: same(el, shown, value), shown: secret ? "" : shown, valid: el.validationMessage || "", title: document.title };
  });
}

const TYPED = /^(date|time|month|week|datetime-local|color|range)$/;

function write(el, value) {
  el.focus({ preventScroll: true });
  if (el.tagName === "INPUT" && TYPED.test(el.type)) {
    el.value = value;
    el.dispatchEvent(new Event("input", { bubbles: true, composed: true }));
    el.dispatchEvent(new Event("change", { bubbles: true }));
    return;
  }
  if (el.isContentEditable) {
    const range = el.ownerDocument.createRange();
    range.selectNodeContents(el);
    const selection = el.ownerDocument.defaultView.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  } else {
    el.select();
  }
  if (value === "") el.ownerDocument.execCommand("delete");
  else el.ownerDocument.execCommand("insertText", false, value);
}

function same(el, shown, value) {
  if (shown === value) return true;
  if (el.isContentEditable) return fold(shown) === fold(value);
  if (el.type === "email") return shown.trim() === value.trim();
  // A mask may add or drop separators ("5551234567" -> "(555) 123-4567"), never letters or digits.
  const bare = (text) => text.replace(/[\s()\-./+,]/g, "");
  return el.type === "tel" && bare(shown) === bare(value) && bare(value) !== "";
}

function optionFor(options, wanted) {
  const texts = options.map((option) => fold(option.label || option.textContent));
  const tests = [
    (i) => texts[i] === fold(wanted), (i) => low(texts[i]) === low(wanted), (i) => options[i].value === wanted,
    (i) => hasWords(texts[i], wanted),
  ];
  for (const test of tests) {
    const hits = options.map((_, i) => i).filter(test);
    if (hits.length === 1) return { option: options[hits[0]], text: texts[hits[0]] };
    if (hits.length > 1) return { reason: "AMBIGUOUS", message: `several options match "${wanted}": ${hits.map((i) => texts[i]).slice(0, 8).join(", ")}`, final: true };
  }
  return { reason: "NOT_FOUND", message: `no option "${wanted}"; there are: ${texts.filter(Boolean).slice(0, 12).join(", ")}` };
}

// Chooses in a native select; of other controls it says what they are.
async function choose({ target, option, more, wait }) {
  return found(target, "select", wait, async (el) => {
    const refused = refuse(el, false);
    if (refused) return refused;
    const label = describeElement(el);
    if (el.tagName !== "SELECT") return { ok: true, native: false, label, role: roleOf(el), expanded: el.getAttribute("aria-expanded") };
    const chosen = optionFor([...el.options], option);
    if (!chosen.option) return chosen;
    if (chosen.option.disabled) return { final: true, reason: "NOT_FOUND", message: `option "${chosen.text}" of ${label} is disabled` };
    const also = [];
    for (const other of more || []) {
      const one = optionFor([...el.options], other);
      if (!one.option) return one;
      also.push(one.option);
    }
    if (also.length && !el.multiple) return { final: true, reason: "NOT_FOUND", message: `${label} takes only one option` };
    el.scrollIntoView({ block: "nearest", behavior: "instant" });
    el.focus({ preventScroll: true });
    state.press = null;
    if (el.multiple) for (const one of el.options) one.selected = one === chosen.option || also.includes(one);
    else el.selectedIndex = [...el.options].indexOf(chosen.option);
    el.dispatchEvent(new Event("input", { bubbles: true, composed: true }));
    el.dispatchEvent(new Event("change", { bubbles: true }));
    state.lastPress = now();
    await tick();
    const equal = chosen.option.isConnected ? chosen.option.selected && also.every((one) => one.selected) : low(valueOf(el)) === low(chosen.text);
    return { ok: true, native: true, label, equal, shown: valueOf(el), chosen: chosen.text, title: document.title };
  });
}

// What a control that is no native select shows as chosen.
function chosen({ target, option }) {
  const one = resolve(target, "select");
  if (!one.el) return { ok: false, ...one };
  const picked = [...one.el.querySelectorAll("[aria-selected=true],[aria-checked=true],:checked")];
  const owned = one.el.getAttribute("aria-controls") || one.el.getAttribute("aria-owns");
  const list = owned && one.el.getRootNode().getElementById && one.el.getRootNode().getElementById(owned);
  if (list) picked.push(...list.querySelectorAll("[aria-selected=true]"));
  const texts = [valueOf(one.el), contentName(one.el), ...picked.map(nameOf)];
  return { ok: texts.some((text) => hasWords(text, option)), shown: fold(texts[0] || texts[1]).slice(0, 100) };
}

async function focusOn({ target, wait }) {
  return found(target, "any", wait, async (el) => {
    const refused = refuse(el, false);
    if (refused) return refused;
    el.focus();
    return { ok: true, label: describeElement(el), focused: contains(el, activeElement()) || activeElement() === el };
  });
}

async function bringIn({ target, wait }) {
  return found(target, "any", wait, async (el) => {
    el.scrollIntoView({ block: "center", inline: "nearest", behavior: "instant" });
    await settled(el);
    return { ok: true, label: describeElement(el) };
  });
}

// Makes what has the focus ready for a key, and tells what Enter would do there: press it, or send its form.
function armFocused({ judge }) {
  const el = activeElement() || document.body;
  const sends = judge && isControl(el) && el.form ? { form: formWords(el.form), submits: true, named: false } : null;
  const said = sends ? saying(sends) : null;
  arm(el);
  const pressed = /^(button|link|menuitem|tab)$/.test(roleOf(el)) ? el : el.tagName === "INPUT" && el.form ? sender(el.form) : null;
  return { label: describeElement(el), name: pressed ? nameOf(pressed) : "", leads: pressed ? leadsTo(pressed) : el.form ? formAddress(el.form) : "", sends, said };
}

const sender = (form) => [...form.elements].find((el) => (el.type === "submit" || el.type === "image") && !el.disabled) || null;

// Scrolls the page, or where the page itself does not scroll the largest part that does.
function scrollBy({ delta }) {
  const room = (el) => el.scrollHeight > el.clientHeight + 1 && (el === document.scrollingElement || /auto|scroll/.test(getComputedStyle(el).overflowY));
  const parts = [document.scrollingElement, ...allElements().filter(room).sort((a, b) => b.clientHeight * b.clientWidth - a.clientHeight * a.clientWidth)];
  for (const el of parts) {
    const before = el ? el.scrollTop : 0;
    if (el) el.scrollBy({ top: delta, behavior: "instant" });
    if (el && el.scrollTop !== before) return { moved: Math.round(el.scrollTop - before), title: document.title };
  }
  return { moved: 0, title: document.title };
}

async function checkedIs({ target, checked, wait }) {
  return patiently(wait, async () => {
    const one = resolve(target, "check");
    return { ok: !!one.el && checkedState(one.el) === checked, title: document.title };
  });
}

// Whether a field's text must not be shown; null when it cannot be told yet.
function secrecy({ target }) {
  const one = resolve(target, "fill");
  return { secret: one.el ? isSecret(one.el) : null };
}

// Conditions

function globMatches(glob, text) {
  const pattern = glob.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&")).join(".*");
  return new RegExp(`^${pattern}$`, "s").test(text);
}

const CONDITIONS = {
  urlGlob: (one) => globMatches(one.urlGlob, location.href),
  text: (one) => low(pageText()).includes(low(one.text)),
  textGone: (one) => !low(pageText()).includes(low(one.textGone)),
  visible: (one) => {
    const answer = resolve(one.visible, "any");
    return !!answer.el || answer.reason === "AMBIGUOUS";
  },
  hidden: (one) => resolve(one.hidden, "any").reason === "NOT_FOUND",
  value: (one) => {
    const answer = resolve(one.value.target, "value");
    return !!answer.el && valueOf(answer.el) === one.value.equals;
  },
  number: (one) => numberHolds(one.number),
  title: (one) => low(document.title).includes(low(one.title)),
};

// Whether the number that the page shows with a label compares as asked; one label with several numbers does not.
function numberHolds({ label, less, greater, equal }) {
  const shown = [...pairsOf(document.body), ...fieldsOf(document.body)].filter(([name]) => hasWords(name, label)).map(([, value]) => comparable(value));
  const numbers = [...new Set(shown.filter((one) => one !== null))];
  if (numbers.length !== 1) return false;
  if (less !== undefined) return numbers[0] < less;
  return greater !== undefined ? numbers[0] > greater : numbers[0] === equal;
}

// Waits until all conditions hold at once; says which do not.
async function until({ conditions, wait }) {
  return patiently(wait, async () => {
    const failed = conditions.map((one, i) => (CONDITIONS[Object.keys(one)[0]](one) ? -1 : i)).filter((i) => i >= 0);
    return { ok: failed.length === 0, failed, url: location.href, title: document.title };
  });
}
