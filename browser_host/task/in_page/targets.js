// Finds the element a Target names: every part given must hold, the best must be good enough and stand out.

const THRESHOLD = 60;
const MARGIN = 10;
const NON_INTERACTIVE = 20;

function nameScore(el, wanted, exact) {
  const name = nameOf(el);
  if (exact) return name === fold(wanted) || otherNames(el).includes(fold(wanted)) ? 110 : 0;
  const bare = (text) => low(text).replace(/[\s:*…›»→]+$/u, "").replace(/\s*\((required|optional)\)$/, "");
  const target = bare(wanted);
  if (!target) return 0;
  const rate = (text, equalCase, equal, part) =>
    fold(text) === fold(wanted) ? equalCase : bare(text) === target ? equal : hasWords(text, wanted) ? part : 0;
  let best = rate(name, 110, 100, 70);
  for (const other of otherNames(el)) best = Math.max(best, rate(other, 98, 92, 62));
  if (best === 0 && (editable(el) || !name)) {
    for (const weak of weakNames(el)) {
      const wordless = !name && !fold(el.textContent) && /^(BUTTON|A)$/.test(el.tagName);
      if (low(weak).split(" ").includes(target) && (wordless || iconLike(el))) best = Math.max(best, 60);
      best = Math.max(best, low(weak) === target || low(weak).replace(/ /g, "") === target.replace(/ /g, "") ? 60 : hasWords(weak, wanted) ? 42 : 0);
    }
  }
  return best;
}

// Elements whose own text is all there is to click: cells, list entries, headings, spans.
function textLeaf(el) {
  if (interactive(el)) return false;
  for (const node of el.childNodes) if (node.nodeType === 3 && node.nodeValue.trim()) return true;
  return false;
}

const PURPOSES = {
  click: (el) => true,
  fill: (el) => editable(el),
  select: (el) => /^(combobox|listbox|radiogroup|group|radio)$/.test(roleOf(el)) || (roleOf(el) === "button" && el.hasAttribute("aria-haspopup")),
  check: (el) => checkedState(el) !== null,
  range: (el) => /^(slider|spinbutton)$/.test(roleOf(el)) || (editable(el) && el.tagName === "INPUT"),
  value: (el) => valueOf(el) !== "" || FIELD_ROLES.has(roleOf(el)) || el.tagName === "SELECT",
  file: (el) => el.tagName === "INPUT" && el.type === "file",
  any: (el) => true,
};

// A box that is hidden behind its own drawing is reached through its label.
function reachable(el) {
  if (visible(el)) return el;
  if (el.tagName === "INPUT" && /^(checkbox|radio|file)$/.test(el.type)) return labelsOf(el).find(visible) || null;
  return null;
}

function candidates(target, purpose) {
  let found;
  if (target.css) {
    try {
      found = deepQuery(target.css);
    } catch {
      return { error: `not a CSS selector: ${target.css}` };
    }
    if (purpose === "fill") found = found.map((el) => (editable(el) ? el : el.querySelector("input,textarea,[contenteditable]") || el));
  } else {
    found = allElements();
  }
  if (target.testId) found = found.filter((el) => testId(el) === target.testId);
  const free = !target.css && !target.testId;
  const fits = PURPOSES[purpose] || PURPOSES.any;
  const rated = [];
  for (const el of found) {
    let score = 100;
    if (target.role) {
      const distance = roleDistance(el, target.role);
      if (distance === null) continue;
      score -= distance;
    }
    if (free && !fits(el)) continue;
    const acts = free && (purpose === "click" || purpose === "any") && !target.role ? interactive(el) || (!!target.name && iconLike(el)) : true;
    if (target.name) {
      const drawn = !!target.role && !roleOf(el); // what only looks like what was asked for is called by its text
      // What is pressed by its pointer alone has no name, only its text.
      const own = acts && free && !roleOf(el) && !nameOf(el) ? leafScore(el, target) : 0;
      const named = drawn ? leafScore(el, target) : acts ? Math.max(own, nameScore(el, target.name, target.exact)) : textLeaf(el) ? leafScore(el, target) : 0;
      if (!named) continue;
      score += named - 100 - (acts ? 0 : NON_INTERACTIVE);
    } else if (free && !target.role && !acts) {
      continue;
    }
    if (score < THRESHOLD || !(purpose === "file" || reachable(el))) continue; // file fields are often hidden
    if (disabled(el)) score -= 30;
    rated.push({ el, score });
  }
  return { rated };
}

function leafScore(el, target) {
  const text = fold(contentName(el));
  if (target.exact) return text === fold(target.name) ? 110 : 0;
  if (text === fold(target.name)) return 110;
  if (low(text) === low(target.name)) return 100;
  return text.length <= 200 && hasWords(text, target.name) ? 80 : 0;
}

// Keeps the candidates in the smallest row, card, form or dialog that shows the text.
function onlyWithin(rated, text) {
  const asked = new Map(); // parts are shared by many candidates
  const shows = (el) => {
    if (!asked.has(el)) asked.set(el, isContainer(el) && showsWords(el, text));
    return asked.get(el);
  };
  const placed = [];
  for (const one of rated) {
    let home = parentOf(one.el);
    while (home && home !== document.body && !shows(home)) home = parentOf(home);
    if (home && home !== document.body) placed.push({ ...one, home });
  }
  const homes = [...new Set(placed.map((one) => one.home))];
  const outer = new Set(homes.filter((home) => homes.some((other) => other !== home && contains(home, other))));
  const inner = placed.filter((one) => !outer.has(one.home));
  for (const one of inner) if (hasExactly(one.home, text)) one.score += MARGIN;
  return inner;
}

// Words may stand side by side in elements of their own, with nothing but style between them.
function showsWords(el, text) {
  if (hasWords(containerText(el), text)) return true;
  for (const leaf of el.querySelectorAll("*")) {
    if (!leaf.childElementCount && !SKIPPED.has(leaf.tagName) && hasWords(leaf.textContent, text) && visible(leaf)) return true;
  }
  return false;
}

// Whether an element in the part shows this text and nothing more.
function hasExactly(home, text) {
  for (const el of home.querySelectorAll("*")) if (el.childElementCount <= 1 && low(el.textContent) === low(text)) return true;
  return false;
}

function containerText(el) {
  let text = shownText(el);
  for (const field of el.querySelectorAll("input,textarea,select")) if (!isSecret(field)) text += `\n${valueOf(field)}`;
  return text;
}

function sameEnd(a, b) {
  return a.tagName === "A" && b.tagName === "A" && a.href === b.href && nameOf(a) === nameOf(b);
}

// Of elements inside one another, and of a label and its control, one is enough.
function distinct(rated) {
  return rated.filter((one) => !rated.some((other) => {
    if (other === one) return false;
    if (one.el.tagName === "LABEL" && one.el.control === other.el) return true;
    const label = one.el.closest && one.el.closest("label");
    if (label && label.control === other.el && !interactive(one.el)) return true;
    if (contains(one.el, other.el)) return other.score >= one.score;
    return contains(other.el, one.el) && other.score > one.score;
  }));
}

function topDialog() {
  const open = deepQuery("dialog[open],[role=dialog],[role=alertdialog],[aria-modal=true]").filter(visible);
  return open[open.length - 1] || null;
}

function phrase(target) {
  const words = [];
  if (target.role) words.push(target.role);
  if (target.name) words.push(`"${target.name}"`);
  if (target.css) words.push(`matching ${target.css}`);
  if (target.testId) words.push(`with test id "${target.testId}"`);
  if (target.within) words.push(`within "${target.within}"`);
  if (target.nth) words.push(`number ${target.nth}`);
  return words.join(" ") || "element";
}

// -> {el, candidates} or {reason, message}
function resolve(target, purpose) {
  const { rated, error } = candidates(target, purpose);
  if (error) return { reason: "NOT_FOUND", message: error, final: true };
  let left = target.within ? onlyWithin(rated, target.within) : rated;
  left = distinct(left);
  if (!left.length) return { reason: "NOT_FOUND", message: `no ${phrase(target)} on the page`, near: true };
  if (target.nth) {
    const chosen = left[target.nth - 1];
    if (chosen) return { el: chosen.el };
    return { reason: "NOT_FOUND", message: `no ${phrase(target)} on the page: there are ${left.length}` };
  }
  const dialog = left.length > 1 && topDialog();
  if (dialog) for (const one of left) if (contains(dialog, one.el)) one.score += 15;
  left.sort((a, b) => b.score - a.score);
  const rival = left.find((one) => one !== left[0] && !sameEnd(one.el, left[0].el));
  if (rival && left[0].score - rival.score < MARGIN) {
    const listed = left.slice(0, 6).map((one) => describeElement(one.el) + contextOf(one.el)).join("; ");
    const more = left.length > 6 ? `; and ${left.length - 6} more` : "";
    return { reason: "AMBIGUOUS", message: `${left.length} elements match ${phrase(target)}: ${listed}${more}` };
  }
  return { el: left[0].el };
}

function contextOf(el) {
  for (let home = homeOf(el); home; home = homeOf(home)) {
    const text = fold(home.innerText || "");
    if (text && text !== nameOf(el)) return ` in "${text.slice(0, 60)}"`;
  }
  return "";
}

function homeOf(el) {
  for (let at = parentOf(el); at && at !== document.body; at = parentOf(at)) if (isContainer(at)) return at;
  return null;
}

// What is there instead of a name that was not found.
function nearNames(target, purpose) {
  const fits = PURPOSES[purpose] || PURPOSES.any;
  const words = low(target.name || target.role || "").split(" ");
  const rated = [];
  for (const el of allElements()) {
    if (!interactive(el) || !fits(el) || (target.role && roleDistance(el, target.role) === null) || !reachable(el)) continue;
    const name = low(nameOf(el));
    if (name) rated.push([words.filter((word) => word.length > 2 && name.includes(word)).length, describeElement(el)]);
  }
  rated.sort((a, b) => b[0] - a[0]);
  return [...new Set(rated.map((one) => one[1]))].slice(0, 5);
}

// A Target that finds this element again, for the record.
function targetFor(el) {
  const purpose = "any";
  const finds = (target) => resolve(target, purpose).el === el;
  const role = roleOf(el);
  const name = nameOf(el);
  if (name && name.length <= 120) {
    const named = role ? { role, name } : { name };
    if (finds(named)) return named;
    const exact = { ...named, exact: true };
    if (finds(exact)) return exact;
    for (const within of titlesAround(el)) {
      const placed = { ...named, within };
      if (finds(placed)) return placed;
    }
    for (let nth = 1; nth <= 50; nth++) {
      const found = resolve({ ...exact, nth }, purpose);
      if (!found.el) break;
      if (found.el === el) return { ...exact, nth };
    }
  }
  const id = testId(el);
  if (id && finds({ testId: id })) return { testId: id };
  return { css: cssPath(el) };
}

// The headings, first cells and legends of the parts that an element is in, from the inside out.
function titlesAround(el) {
  const titles = [];
  for (let home = homeOf(el); home && titles.length < 3; home = homeOf(home)) {
    const title = home.querySelector("h1,h2,h3,h4,h5,h6,[role=heading],legend,caption,th[scope=row],td,a");
    const text = title && title !== el ? fold(contentName(title)) : "";
    if (text && text.length <= 80) titles.push(text);
  }
  return titles;
}

function cssPath(el) {
  if (el.id && deepQuery(`#${CSS.escape(el.id)}`).length === 1) return `#${CSS.escape(el.id)}`;
  const parts = [];
  for (let at = el; at && at.nodeType === 1; at = at.parentElement) {
    const same = at.parentNode ? [...at.parentNode.children].filter((other) => other.tagName === at.tagName) : [at];
    parts.unshift(at.tagName.toLowerCase() + (same.length > 1 ? `:nth-of-type(${same.indexOf(at) + 1})` : ""));
    const css = parts.join(" > ");
    const found = deepQuery(css);
    if (found.length === 1) return css;
  }
  return parts.join(" > ");
}
