// What a pointer does beyond a press: dragging, sliders, calendars, selections; and rows that are found by what they say.

// Dragging

const dragging = { el: null };

// The entries of the list that both elements are in.
function entriesOf(one, other) {
  let list = parentOf(one);
  while (list && !contains(list, other)) list = parentOf(list);
  if (!list) return null;
  const entry = (el) => [...list.children].find((child) => contains(child, el));
  const mine = entry(one);
  const theirs = entry(other);
  if (!mine || !theirs || mine === theirs) return null;
  return { list, mine, theirs, all: [...list.children].filter(visible) };
}

function middle(el) {
  const box = boxOf(el);
  const [dx, dy] = frameOffset(el);
  return { x: box.left + dx + box.width / 2, y: box.top + dy + box.height / 2, width: box.width, height: box.height };
}

function isBeside(a, b) {
  return Math.abs(a.y - b.y) < Math.min(a.height, b.height) / 2;
}

// -> {ok, path: [[x, y], ...]}: from where to where the pointer goes; the element's place and size are remembered.
async function dragPath({ target, onto, before, after, by, at, corner, wait }) {
  return found(target, "any", wait, async (el) => {
    const refused = refuse(el, false);
    if (refused) return refused;
    scrollIn(el);
    if (!(await settled(el))) return { reason: "STEP_TIMEOUT", message: `${describeElement(el)} keeps moving` };
    const label = describeElement(el);
    let from = middle(el);
    if (at) from = { ...from, x: from.x - from.width / 2 + at.x, y: from.y - from.height / 2 + at.y };
    let to;
    if (by) {
      to = { x: from.x + by.x, y: from.y + by.y };
    } else {
      const wanted = onto || before || after;
      const goal = resolve(wanted, "any");
      if (!goal.el) return goal;
      to = middle(goal.el);
      if (!onto) {
        const place = entriesOf(el, goal.el);
        if (!place) return { final: true, reason: "NOT_FOUND", message: `${label} and ${describeElement(goal.el)} are not in one list` };
        to = overEntry(place, !!before);
        dragging.order = { ...place, before: !!before };
      }
    }
    if (!onto && !before && !after && !by) return { final: true, reason: "NOT_FOUND", message: "the drag leads nowhere" };
    let start = [from.x, from.y];
    if (corner) {
      const grip = gripOf(el);
      const at = grip ? middle(grip) : { x: from.x + from.width / 2 - 4, y: from.y + from.height / 2 - 4 };
      start = [at.x, at.y];
      to = { x: at.x + (by ? by.x : 0), y: at.y + (by ? by.y : 0) };
    }
    dragging.el = el;
    dragging.before = placeOf(el);
    if (!before && !after) dragging.order = null;
    arm(el);
    return { ok: true, label, name: nameOf(el), path: [start, [to.x, to.y]] };
  });
}

// What a page draws to take an element by its corner; else the browser's own corner is meant.
function gripOf(el) {
  const near = [...(el.parentElement ? el.parentElement.children : []), ...el.children];
  const grips = near.filter((one) => one !== el && /resiz/i.test(String(one.className)) && /(^|[^a-z])(se|nwse|corner)([^a-z]|$)/i.test(`${one.className} ${getComputedStyle(one).cursor}`) && visible(one));
  return grips[0] || null;
}

// Where to let go so that the entry comes to stand before or after the other one: beyond the middle of the entry that
// has to give way.
function overEntry({ mine, theirs, all }, before) {
  const at = all.indexOf(mine);
  let goal = all.indexOf(theirs);
  if (at < goal && before) goal -= 1;
  if (at > goal && !before) goal += 1;
  const gives = middle(all[Math.max(0, Math.min(goal, all.length - 1))]);
  const own = middle(mine);
  if (isBeside(own, gives)) return { x: gives.x + Math.sign(gives.x - own.x) * gives.width * 0.2, y: gives.y };
  return { x: gives.x, y: gives.y + Math.sign(gives.y - own.y) * gives.height * 0.3 };
}

function placeOf(el) {
  const box = el.getBoundingClientRect();
  return { x: box.x, y: box.y, width: box.width, height: box.height, parent: el.parentElement, next: el.nextElementSibling };
}

// What became of the drag: {moved, sized, ordered}; ordered is null where no order was asked for.
function dragged() {
  const { el, before, order } = dragging;
  const now = placeOf(el);
  const moved = !el.isConnected || now.parent !== before.parent || now.next !== before.next || Math.abs(now.x - before.x) > 1 || Math.abs(now.y - before.y) > 1;
  const sized = Math.abs(now.width - before.width) > 1 || Math.abs(now.height - before.height) > 1;
  let ordered = null;
  if (order) {
    const all = [...order.list.children].filter(visible);
    const [mine, theirs] = [all.indexOf(order.mine), all.indexOf(order.theirs)];
    ordered = mine >= 0 && theirs >= 0 && (order.before ? mine === theirs - 1 : mine === theirs + 1);
  }
  return { moved, sized, ordered, title: document.title };
}

// Sliders and spinners

const NUMBER = /^\s*-?\d+(?:[.,]\d+)?\s*$/;
const numberIn = (text) => (NUMBER.test(text || "") ? Number(String(text).trim().replace(",", ".")) : null);

// The number that a slider or spinner stands at: its own, or the one that the page shows right beside it.
function rangeValue(el) {
  const own = numberIn(el.getAttribute("aria-valuenow")) ?? (el.tagName === "INPUT" ? numberIn(el.value) : null);
  if (own !== null) return own;
  const isRange = (one) => roleOf(one) === "slider" || !!one.querySelector("[role=slider],[class*=handle],[type=range]");
  for (let at = el, level = 0; at && at !== document.body && level < 4; at = parentOf(at), level++) {
    for (const way of ["nextElementSibling", "previousElementSibling"]) {
      for (let near = at[way]; near && !isRange(near); near = near[way]) {
        const shown = visible(near) ? numberIn(near.innerText) ?? (isControl(near) ? numberIn(valueOf(near)) : null) : null;
        if (shown !== null) return shown;
      }
    }
  }
  return null;
}

// Sets a native slider or a field at once; of a drawn one it says where it stands and gives it the focus.
async function setRange({ target, value, wait }) {
  return found(target, "range", wait, async (el) => {
    const refused = refuse(el, el.tagName === "INPUT" && el.type !== "range");
    if (refused) return refused;
    const label = describeElement(el);
    scrollIn(el);
    if (el.tagName === "INPUT") {
      const low = numberIn(el.min), high = numberIn(el.max);
      if ((low !== null && value < low) || (high !== null && value > high)) return { final: true, reason: "NOT_FOUND", message: `${label} takes ${low ?? "…"} to ${high ?? "…"}, not ${value}` };
      state.press = null;
      write(el, String(value));
      el.dispatchEvent(new Event("change", { bubbles: true }));
      state.lastPress = now();
      await tick();
      return { ok: true, label, native: true, value: rangeValue(el), title: document.title };
    }
    el.focus({ preventScroll: true });
    return { ok: true, label, native: false, value: rangeValue(el), focused: activeElement() === el, title: document.title };
  });
}

function rangeNow({ target }) {
  const one = resolve(target, "range");
  return { value: one.el ? rangeValue(one.el) : null, title: document.title };
}

// Calendars

const MONTHS = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];

// A text of a date field in the order that the field asks for; month first where it does not say.
function dateText(el, [year, month, day]) {
  if (el.tagName === "INPUT" && el.type === "date") return `${year}-${month}-${day}`;
  const hint = low(`${el.placeholder || ""} ${el.title || ""} ${el.getAttribute("data-format") || ""}`);
  const form = /[dmy]{1,4}[-/. ][dmy]{1,4}[-/. ][dmy]{1,4}/.exec(hint);
  if (!form) return `${month}/${day}/${year}`;
  return form[0].replace(/y+/, year).replace(/m+/, month).replace(/d+/, day);
}

// Whether a text says this date, in one of the orders that cannot be taken for another date of the same digits.
function saysDate(text, [year, month, day]) {
  const parts = (text || "").match(/\d+/g) || [];
  const [y, m, d] = [Number(year), Number(month), Number(day)];
  const numbers = parts.map(Number);
  if (numbers.length >= 3) return numbers.includes(y) && [[y, m, d], [m, d, y], [d, m, y]].some((order) => order.every((one, i) => one === numbers[i]));
  return numbers.includes(y) && numbers.includes(d) && low(text).includes(MONTHS[m - 1].slice(0, 3));
}

async function setDate({ target, date, wait }) {
  const parts = date.split("-");
  return found(target, "fill", wait, async (el) => {
    const label = describeElement(el);
    if (disabled(el)) return refuse(el, false);
    if (el.readOnly) return { ok: true, label, typed: false, equal: saysDate(valueOf(el), parts), title: document.title };
    scrollIn(el);
    state.press = null;
    write(el, dateText(el, parts));
    if (el.type !== "date") el.dispatchEvent(new Event("change", { bubbles: true }));
    state.lastPress = now();
    await tick();
    return { ok: true, label, typed: true, equal: saysDate(valueOf(el), parts), shown: valueOf(el), title: document.title };
  });
}

function dateNow({ target, date }) {
  const one = resolve(target, "fill");
  return { equal: !!one.el && saysDate(valueOf(one.el), date.split("-")), shown: one.el ? valueOf(one.el) : "", title: document.title };
}

const NEXT = /\bnext\b|\bforward\b|^[›»>→▶❯]$/i;
const PREVIOUS = /\bprev(ious)?\b|\bback(ward)?\b|^[‹«<←◀❮]$/i;

// The calendar that is open: what to press to come to the date. `step` is months to go, 0 when `day` can be pressed.
function calendar({ date }) {
  const [year, month, day] = date.split("-").map(Number);
  for (const grid of deepQuery("table,[role=grid]").filter(visible)) {
    const days = [...grid.querySelectorAll("td,[role=gridcell],button")].filter((cell) => /^\d{1,2}$/.test(fold(cell.innerText)) && visible(cell));
    if (days.length < 28) continue;
    for (let box = grid, level = 0; box && level < 4; box = parentOf(box), level++) {
      const said = low([...box.querySelectorAll("select")].map(valueOf).join(" ") + " " + shownText(box).replace(/\n/g, " "));
      const shownMonth = MONTHS.findIndex((name) => new RegExp(`\\b(${name}|${name.slice(0, 3)})\\b`).test(said));
      const shownYear = /\b(1[5-9]|20|21)\d\d\b/.exec(said);
      if (shownMonth < 0 || !shownYear) continue;
      const step = (year - Number(shownYear[0])) * 12 + (month - 1 - shownMonth);
      if (step) {
        const wanted = step > 0 ? NEXT : PREVIOUS;
        const arrows = [...box.querySelectorAll("a,button,[role=button],span,th")].filter((el) => (interactive(el) || /next|prev/i.test(String(el.className))) && visible(el) && !disabled(el) && !/disabled/.test(String(el.className))
          && [nameOf(el), fold(el.innerText), el.title, String(el.className).replace(/[-_]/g, " ")].some((text) => wanted.test(text || "")));
        return arrows.length ? { step, target: targetFor(arrows[0]) } : { step, target: null };
      }
      const other = /other|outside|\bold\b|\bnew\b|disabled|unselectable|muted/i;
      const cells = days.filter((cell) => Number(fold(cell.innerText)) === day && !other.test(String(cell.className)) && !disabled(cell));
      const cell = cells.find((one) => !cells.some((inner) => inner !== one && contains(one, inner)));
      const pressed = cell && (cell.querySelector("a,button") || cell);
      return { step: 0, target: pressed ? targetFor(pressed) : null };
    }
  }
  return null;
}

// Selecting text

async function selectText({ target, text, wait }) {
  return found(target, "any", wait, async (el) => {
    const label = describeElement(el);
    scrollIn(el);
    const view = el.ownerDocument.defaultView;
    if (el.tagName === "INPUT" || el.tagName === "TEXTAREA") {
      const at = text ? el.value.indexOf(text) : 0;
      if (at < 0 || (text && el.value.indexOf(text, at + 1) >= 0)) return { final: true, reason: at < 0 ? "NOT_FOUND" : "AMBIGUOUS", message: `${label} has "${text}" ${at < 0 ? "not" : "more than once"}` };
      el.focus({ preventScroll: true });
      el.setSelectionRange(at, text ? at + text.length : el.value.length);
      const selected = el.value.slice(el.selectionStart, el.selectionEnd);
      return { ok: true, label, selected, equal: selected === (text || el.value), title: document.title };
    }
    const place = text ? rangeOfText(el, text) : { range: wholeRange(el) };
    if (!place.range) return { final: true, reason: place.reason, message: `${label} has "${text}" ${place.reason === "NOT_FOUND" ? "not" : "more than once"}` };
    if (el.isContentEditable) el.focus({ preventScroll: true });
    const selection = view.getSelection();
    selection.removeAllRanges();
    selection.addRange(place.range);
    el.ownerDocument.dispatchEvent(new Event("selectionchange"));
    await frame();
    const selected = selection.toString();
    return { ok: true, label, selected, equal: fold(selected) === fold(text || el.innerText), title: document.title };
  });
}

function wholeRange(el) {
  const range = el.ownerDocument.createRange();
  const nodes = textNodes(el);
  if (!nodes.length) {
    range.selectNodeContents(el);
    return range;
  }
  const last = nodes[nodes.length - 1];
  range.setStart(nodes[0], 0);
  range.setEnd(last, last.nodeValue.length);
  return range;
}

function textNodes(el) {
  const nodes = [];
  const walker = el.ownerDocument.createTreeWalker(el, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) if (walker.currentNode.nodeValue.trim()) nodes.push(walker.currentNode);
  return nodes;
}

function rangeOfText(el, text) {
  const nodes = textNodes(el);
  const whole = nodes.map((node) => node.nodeValue).join("");
  const places = [];
  for (let at = whole.indexOf(text); at >= 0; at = whole.indexOf(text, at + 1)) {
    if (!(WORD.test(whole[at - 1] || "") && WORD.test(text[0])) && !(WORD.test(whole[at + text.length] || "") && WORD.test(text[text.length - 1]))) places.push(at);
  }
  if (places.length !== 1) return { reason: places.length ? "AMBIGUOUS" : "NOT_FOUND" };
  const range = el.ownerDocument.createRange();
  let seenLength = 0;
  for (const node of nodes) {
    const from = places[0] - seenLength, to = from + text.length;
    if (from >= 0 && from < node.nodeValue.length) range.setStart(node, from);
    if (to > 0 && to <= node.nodeValue.length) {
      range.setEnd(node, to);
      break;
    }
    seenLength += node.nodeValue.length;
  }
  return { range };
}

// Rows

// Groups of things that look alike, each with what they say by label: rows of tables, entries of lists, cards.
function rowGroups() {
  const groups = [];
  for (const table of inside(document.body, "table,[role=table],[role=grid]")) {
    const { headers, rows, refs } = tableOf(table);
    if (!rows.length) continue;
    groups.push(rows.map((cells, i) => {
      const values = {};
      headers.forEach((header, column) => { if (header && cells[column] !== undefined) values[low(header)] = cells[column]; });
      return { el: seen.elements[refs[i]], text: cells.join(" | "), values };
    }));
  }
  const across = new Map();
  const lists = [];
  const parents = new Set();
  for (const el of allElements()) if (el.parentElement && !el.closest("table,select,nav,svg")) parents.add(el.parentElement);
  for (const parent of parents) {
    const kinds = new Map();
    for (const child of parent.children) {
      if (SKIPPED.has(child.tagName) || !visible(child)) continue;
      const kind = `${child.tagName}.${[...child.classList].filter((name) => !/odd|even|active|selected|first|last|hover/.test(name)).join(".")}`;
      kinds.set(kind, [...(kinds.get(kind) || []), child]);
    }
    for (const [kind, alike] of kinds) {
      // What has the same class is alike also where it lies in several parts of the page.
      const known = kind.endsWith(".") ? null : across.get(kind);
      if (known) known.push(...alike);
      else if (!kind.endsWith(".")) across.set(kind, alike);
      else lists.push(alike);
    }
  }
  for (const alike of [...across.values(), ...lists]) {
    const rows = alike.map((el) => ({ el, text: rowText(el), values: labelledIn(el) })).filter((row) => row.text);
    if (rows.length) groups.push(rows);
  }
  return groups;
}

// What a row says, with what its pictures stand for.
function rowText(el) {
  const pictures = [...el.querySelectorAll("img[alt]")].filter(visible).map((one) => one.alt);
  return fold([shownText(el), ...pictures].join(" "));
}

// What a row says by label: "Label: value", a label and its value in elements of their own, and the words of classes.
function labelledIn(el) {
  const values = {};
  const add = (label, value) => { const key = low(label).replace(/\s*:$/, ""); if (key && value && !(key in values)) values[key] = fold(value); };
  for (const [label, value] of pairsOf(el)) add(label, value);
  for (const one of el.querySelectorAll("*")) {
    const text = fold(one.textContent);
    if (!text || text.length > 80 || !visible(one)) continue;
    const inline = /^([\p{L}][\p{L} -]{1,30}):\s*(.+)$/u.exec(text);
    if (inline && !one.children.length) add(inline[1], inline[2]);
    const label = one.previousElementSibling && one.previousElementSibling.children.length === 0 ? fold(one.previousElementSibling.textContent) : "";
    if (/^[\p{L}][\p{L} -]{1,30}:$/u.test(label)) add(label, text);
  }
  for (const one of el.querySelectorAll("[class]")) {
    if (one.querySelector("[class]") && one.children.length > 1) continue;
    const words = fold(String(one.getAttribute("class")).replace(/([a-z])([A-Z])/g, "$1 $2").replace(/[-_]+/g, " "));
    if (words && visible(one)) add(words, fold(one.innerText).slice(0, 80));
  }
  return values;
}

const UNIT = { d: 1440, h: 60, m: 1 };
// A number, price, length of time or date as a number to compare; null for none.
function comparable(text) {
  const times = [...low(text).matchAll(/(\d+(?:\.\d+)?)\s*(d(?:ays?)?|h(?:ours?|rs?)?|m(?:in(?:ute)?s?)?)\b/g)];
  if (times.length) return times.reduce((sum, one) => sum + Number(one[1]) * UNIT[one[2][0]], 0);
  if (/\d{4}-\d\d-\d\d|\d+\/\d+\/\d{4}/.test(text)) return Date.parse(text) || null;
  const number = /-?\d[\d,]*(?:\.\d+)?/.exec(text);
  return number ? Number(number[0].replace(/,/g, "")) : null;
}

function valueFor(row, label) {
  const wanted = low(label);
  if (wanted in row.values) return row.values[wanted];
  if (/^(price|cost|fare)$/.test(wanted) && PRICE.test(row.text)) return PRICE.exec(row.text)[0];
  const near = Object.keys(row.values).filter((key) => hasWords(key, wanted) || hasWords(wanted, key));
  return near.length ? row.values[near[0]] : null;
}

function rowHolds(row, one) {
  const text = one.label ? valueFor(row, one.label) : row.text;
  if (text === null) return false;
  if (one.contains !== undefined) return hasWords(text, one.contains);
  if (one.equals !== undefined) return one.label ? low(text) === low(one.equals) : hasExactly(row.el, one.equals);
  const number = comparable(text);
  if (number === null) return false;
  return one.less_than !== undefined ? number < one.less_than : number > one.greater_than;
}

// -> {ok, target}: a Target for the row, or for what is to be pressed in it.
async function pickRow({ where, orderBy, descending, nth, press, every, wait }) {
  return patiently(wait, async () => {
    watch();
    seen.elements = [];
    const groups = rowGroups().map((rows) => ({ rows, left: rows.filter((row) => where.every((one) => rowHolds(row, one))) })).filter((group) => group.left.length);
    let usable = groups;
    if (orderBy) {
      for (const group of groups) {
        for (const row of group.left) row.rank = comparable(valueFor(row, orderBy) ?? "");
        group.left = group.left.filter((row) => row.rank !== null);
      }
      usable = groups.filter((group) => group.left.length);
    }
    if (press) {
      for (const group of usable) group.left = group.left.filter((row) => pressIn(row.el, press).el);
      usable = usable.filter((group) => group.left.length);
    }
    if (every) {
      usable.sort((a, b) => b.left.length - a.left.length || a.left[0].text.length - b.left[0].text.length);
      if (!usable.length) return { reason: "NOT_FOUND", message: `no row ${rowWords(where, orderBy)}` };
      return { ok: true, targets: usable[0].left.map((row) => ({ css: cssPath(press ? pressIn(row.el, press).el : row.el) })) };
    }
    // The rows that are most and least deep: many small ones say more than one that has them all in it.
    usable.sort((a, b) => (orderBy ? b.left.length - a.left.length : 0) || a.left[0].text.length - b.left[0].text.length);
    const best = usable[0];
    if (!best) return { reason: "NOT_FOUND", message: `no row ${rowWords(where, orderBy)}` };
    const rows = best.left;
    if (orderBy) {
      rows.sort((a, b) => (descending ? b.rank - a.rank : a.rank - b.rank));
      const at = (nth || 1) - 1;
      if (rows[at] && rows[at + 1] && rows[at].rank === rows[at + 1].rank && !nth && rows[at].text !== rows[at + 1].text) return { reason: "AMBIGUOUS", message: `several rows are equal in "${orderBy}": ${rows.filter((row) => row.rank === rows[at].rank).slice(0, 5).map((row) => `"${row.text.slice(0, 60)}"`).join("; ")}` };
    } else if (!nth && rows.length > 1) {
      return { reason: "AMBIGUOUS", message: `${rows.length} rows ${rowWords(where, "")}: ${rows.slice(0, 5).map((row) => `"${row.text.slice(0, 60)}"`).join("; ")}` };
    }
    const row = rows[(nth || 1) - 1];
    if (!row) return { reason: "NOT_FOUND", message: `there are only ${rows.length} rows ${rowWords(where, orderBy)}` };
    const el = press ? pressIn(row.el, press).el : row.el;
    return { ok: true, row: row.text.slice(0, 120), target: { css: cssPath(el) } };
  });
}

function pressIn(row, press) {
  const { rated } = candidates(press, "click");
  const within = (rated || []).filter((one) => contains(row, one.el));
  const left = distinct(within).sort((a, b) => b.score - a.score);
  if (press.nth) return { el: left[press.nth - 1] && left[press.nth - 1].el };
  return { el: left[0] && (!left[1] || left[0].score - left[1].score >= MARGIN) ? left[0].el : null };
}

function rowWords(where, orderBy) {
  const words = where.map((one) => `${one.label ? `with "${one.label}"` : "that says"} ${one.contains !== undefined ? `"${one.contains}"` : one.equals !== undefined ? `equal to "${one.equals}"` : one.less_than !== undefined ? `less than ${one.less_than}` : `greater than ${one.greater_than}`}`);
  if (orderBy) words.push(`with a "${orderBy}" to compare`);
  return words.join(" and ") || "on the page";
}

// Elements that a target means, all of them, as targets that find them again.
async function every({ target, purpose, wait }) {
  return patiently(wait, async () => {
    const { rated, error } = candidates(target, purpose);
    if (error) return { reason: "NOT_FOUND", message: error, final: true };
    const placed = distinct(target.within ? onlyWithin(rated, target.within) : rated).filter((one) => !disabled(one.el));
    if (!placed.length) return { reason: "NOT_FOUND", message: `no ${phrase(target)} on the page` };
    const best = Math.max(...placed.map((one) => one.score));
    return { ok: true, targets: placed.filter((one) => best - one.score < MARGIN).map((one) => ({ css: cssPath(one.el) })) };
  });
}

// Everything that shows, as rules choose from it: what can be acted on, text, coloured boxes, pictures of menus.

const OPENS = /\b(expand(able|er)?|collaps(e|ed|ible)|toggle|hitarea|caret|closed|disclosure|twisty)\b/;
const classWords = (text) => String(text || "").replace(/([a-z])([A-Z])/g, "$1 $2").replace(/[-_]+/g, " ").toLowerCase();

function opens(el) {
  if (el.querySelector("button,input,select,textarea")) return false; // what holds a control is no header of its own
  if (el.getAttribute("aria-expanded") === "false" || (el.tagName === "SUMMARY" && !el.parentElement.open)) return true;
  if (roleOf(el) === "tab") return el.getAttribute("aria-selected") !== "true";
  if (el.hasAttribute("aria-haspopup")) return true;
  if (/^(tablist|tabpanel|list|table|button)$/.test(roleOf(el)) || el.childElementCount > 3) return false;
  return OPENS.test(classWords(el.getAttribute("class"))) && !/\b(collapsable|expanded|open)\b/.test(classWords(el.getAttribute("class"))) && !el.querySelector("[class*=hitarea],[class*=toggle]");
}

function scene() {
  watch();
  seen.elements = [];
  const things = [];
  const add = (el) => {
    const style = getComputedStyle(el);
    const [dx, dy] = frameOffset(el);
    const box = boxOf(el);
    const acts = interactive(el);
    const drawn = !acts && !el.childElementCount && style.backgroundColor !== "rgba(0, 0, 0, 0)";
    const words = classWords(el.getAttribute("class"));
    const icon = iconLike(el) || /\bicon\b/.test(words) || (!!words && !fold(el.textContent) && !el.childElementCount && (style.backgroundImage !== "none" || box.width < 40));
    const own = [...el.childNodes].some((node) => node.nodeType === 3 && node.nodeValue.trim());
    if (!acts && !own && !drawn && !icon && !opens(el) && !/^(P|TEXTAREA|IMG)$/.test(el.tagName)) return;
    const control = isControl(el) && el.tagName !== "BUTTON";
    things.push({
      ref: seen.elements.push(el) - 1, id: idOf(el), role: roleOf(el), tag: el.tagName.toLowerCase(), type: el.type || "",
      name: nameOf(el).slice(0, 200), text: control ? "" : fold(el.innerText ?? el.textContent).slice(0, 2000), value: isSecret(el) ? "" : valueOf(el).slice(0, 20000),
      words: fold(`${words} ${classWords(el.id)}`), acts, own, icon, opens: opens(el), checked: checkedState(el), disabled: disabled(el), readonly: !!el.readOnly, secret: isSecret(el),
      editable: editable(el), color: style.backgroundColor, fore: style.color, multiple: !!el.multiple,
      options: el.tagName === "SELECT" ? [...el.options].map((option) => fold(option.label || option.textContent)).slice(0, 500) : [],
      x: box.left + dx, y: box.top + dy, width: box.width, height: box.height,
      covered: coveredUp(el), home: el.parentElement ? classWords(el.parentElement.getAttribute("class")) : "",
      list: el.parentElement ? idOf(el.parentElement) : 0, dialog: !!el.closest("dialog,[role=dialog],[role=alertdialog],[aria-modal=true],[class*=popup],[class*=modal],[id*=popup],[id*=modal]"),
      landmark: landmarkOf(el),
    });
  };
  for (const el of allElements()) {
    if (el.tagName === "svg") for (const inner of el.querySelectorAll("text")) if (visible(inner)) add(inner);
    if (el.tagName !== "svg" && el.tagName !== "OPTION" && visible(el) && !clipped(el)) add(el);
    if (things.length >= MOST_ITEMS) break;
  }
  return { url: location.href, title: document.title, things, text: pageText().slice(0, 100000) };
}

// Whether something that is none of it lies over the middle of the element.
function coveredUp(el) {
  const box = boxOf(el);
  const [dx, dy] = frameOffset(el);
  const hit = elementAt(box.left + dx + box.width / 2, box.top + dy + box.height / 2);
  return !!hit && hit !== document.documentElement && hit !== document.body && !contains(el, hit) && !contains(hit, el);
}

// Whether a part around the element has no room to show it, as pages hide a native control behind a drawn one.
function clipped(el) {
  for (let at = el.parentElement, level = 0; at && level < 3; at = at.parentElement, level++) {
    if ((at.clientWidth <= 1 || at.clientHeight <= 1) && /hidden|clip/.test(getComputedStyle(at).overflow)) return true;
  }
  return false;
}

// What of a text node lies in a range; a range that only touches it has nothing of it.
function selectedIn(node, range) {
  if (!range.intersectsNode(node)) return "";
  const end = node === range.endContainer ? range.endOffset : node.nodeValue.length;
  return node.nodeValue.slice(node === range.startContainer ? range.startOffset : 0, end);
}

// How the text that is selected looks, from its first letter to its last.
function selectionStyle() {
  const selection = (activeElement() || document.body).ownerDocument.defaultView.getSelection();
  if (!selection.rangeCount || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  const nodes = textNodes(range.commonAncestorContainer.nodeType === 3 ? range.commonAncestorContainer.parentElement : range.commonAncestorContainer).filter((node) => fold(selectedIn(node, range)));
  const looks = nodes.map((node) => {
    const style = getComputedStyle(node.parentElement);
    return { bold: Number(style.fontWeight) >= 600, italic: style.fontStyle !== "normal", underline: !!node.parentElement.closest("u,ins") || style.textDecorationLine.includes("underline"), color: style.color };
  });
  return { text: fold(selection.toString()), looks };
}

// Scrolls inside an element, all the way.
function scrollWithin({ ref, end }) {
  const el = seen.elements[ref];
  if (!el || !el.isConnected) return null;
  el.scrollTop = end === "top" ? 0 : el.scrollHeight;
  el.dispatchEvent(new Event("scroll"));
  return { there: end === "top" ? el.scrollTop === 0 : el.scrollTop + el.clientHeight >= el.scrollHeight - 2 };
}
