// Roles, accessible names and states, near enough to what assistive technology would say.

const INPUT_ROLES = {
  button: "button", submit: "button", reset: "button", image: "button", checkbox: "checkbox", radio: "radio",
  range: "slider", number: "spinbutton", search: "searchbox", hidden: "", file: "file", color: "color",
};
const TAG_ROLES = {
  BUTTON: "button", SUMMARY: "button", TEXTAREA: "textbox", OPTION: "option", IMG: "img", LI: "listitem", TR: "row",
  TD: "cell", TH: "columnheader", DIALOG: "dialog", FORM: "form", NAV: "navigation", TABLE: "table", FIELDSET: "group",
  H1: "heading", H2: "heading", H3: "heading", H4: "heading", H5: "heading", H6: "heading", UL: "list", OL: "list",
  MAIN: "main", ARTICLE: "article", PROGRESS: "progressbar", IFRAME: "iframe",
};
const NAMED_BY_CONTENT = new Set([
  "button", "link", "heading", "option", "tab", "menuitem", "menuitemcheckbox", "menuitemradio", "checkbox", "radio",
  "switch", "cell", "columnheader", "treeitem", "gridcell", "rowheader",
]);
const INTERACTIVE = new Set([
  "button", "link", "textbox", "searchbox", "combobox", "listbox", "checkbox", "radio", "switch", "slider",
  "spinbutton", "option", "tab", "menuitem", "menuitemcheckbox", "menuitemradio", "treeitem", "file", "color",
]);
const FIELD_ROLES = new Set(["textbox", "searchbox", "combobox", "spinbutton", "slider", "color"]);

function roleOf(el) {
  const given = (el.getAttribute("role") || "").trim().split(/\s+/)[0];
  if (given && given !== "presentation" && given !== "none") return given;
  const tag = el.tagName;
  if (slides(el)) return "slider";
  if (tag === "A" || tag === "AREA") return el.hasAttribute("href") ? "link" : "";
  if (tag === "INPUT") return el.type in INPUT_ROLES ? INPUT_ROLES[el.type] : el.hasAttribute("list") ? "combobox" : "textbox";
  if (tag === "SELECT") return el.multiple || el.size > 1 ? "listbox" : "combobox";
  if (tag === "TH" && el.scope === "row") return "rowheader";
  if (el.isContentEditable && !(el.parentElement && el.parentElement.isContentEditable)) return "textbox";
  return TAG_ROLES[tag] || "";
}

// The part of a drawn slider that takes the keys.
function slides(el) {
  return (el.hasAttribute("tabindex") || el.tagName === "A") && /handle|thumb|knob/i.test(el.getAttribute("class") || "") && !!el.parentElement && /slider|range/i.test(el.parentElement.getAttribute("class") || "");
}

// How well an element's role answers to the one asked for: 0 equal, 12 of the same family, null not at all.
const FAMILIES = [
  ["textbox", "searchbox", "combobox", "spinbutton"], ["combobox", "listbox"], ["checkbox", "switch"],
  ["menuitem", "menuitemcheckbox", "menuitemradio"], ["cell", "gridcell"], ["dialog", "alertdialog"],
];
function roleDistance(el, wanted) {
  const role = roleOf(el);
  if (role === wanted) return 0;
  if (!role && wanted === "link" && linkLike(el)) return 20;
  if (role === "combobox" && wanted === "textbox" && el.tagName === "SELECT") return null;
  return FAMILIES.some((family) => family.includes(role) && family.includes(wanted)) ? 12 : null;
}

// Words that a page makes to look and act like a link, without being one.
function linkLike(el) {
  if (el.tagName === "A") return true;
  if (!/^(SPAN|EM|STRONG|B|I|U|LABEL|DIV)$/.test(el.tagName) || el.childElementCount > 1) return false;
  if (/(^|[^a-z])a?link/i.test(el.getAttribute("class") || "")) return true;
  const style = getComputedStyle(el);
  return style.cursor === "pointer" && style.textDecorationLine.includes("underline");
}

// A picture without words that a page draws by its style; only its class says what it is for.
function iconLike(el) {
  if (!/^(SPAN|I|B|EM|DIV|svg|IMG)$/.test(el.tagName) || !el.getAttribute("class") || (el.tagName !== "svg" && (el.childElementCount || el.textContent.trim()))) return false;
  if (/^(svg|IMG|I)$/.test(el.tagName)) return true;
  const drawn = (style) => style.backgroundImage !== "none" || style.maskImage !== "none" || style.content.startsWith("url");
  return drawn(getComputedStyle(el)) || ["::before", "::after"].some((part) => !/^(none|normal)$/.test(getComputedStyle(el, part).content) || drawn(getComputedStyle(el, part)));
}

const editable = (el) => FIELD_ROLES.has(roleOf(el)) && (el.tagName === "INPUT" || el.tagName === "TEXTAREA" || el.isContentEditable);

function interactive(el, role = roleOf(el)) {
  if (INTERACTIVE.has(role) || el.hasAttribute("onclick") || el.isContentEditable) return true;
  if (el.tagName === "LABEL" && el.control) return true;
  const tab = el.getAttribute("tabindex");
  if (tab !== null && Number(tab) >= 0) return true;
  if (getComputedStyle(el).cursor !== "pointer") return false;
  return !el.parentElement || getComputedStyle(el.parentElement).cursor !== "pointer";
}

function labelledBy(el) {
  const ids = (el.getAttribute("aria-labelledby") || "").split(/\s+/).filter(Boolean);
  const root = el.getRootNode();
  return fold(ids.map((id) => root.getElementById && root.getElementById(id)).filter(Boolean)
    .map((label) => label.getAttribute("aria-label") || contentName(label)).join(" "));
}

const nativeLabels = (el) => fold(labelsOf(el).map((label) => contentName(label, el)).join(" "));

// `el.labels` walks the whole tree for each control; this does once for all of them.
function labelsOf(el) {
  const known = knownNames();
  if (known.roots !== roots()) {
    known.roots = roots();
    known.labels = new Map();
    for (const label of deepQuery("label")) {
      if (label.control) known.labels.set(label.control, [...(known.labels.get(label.control) || []), label]);
    }
  }
  return known.labels.get(el) || [];
}

// For fields that nothing labels: the text right before them, as a reader would take it (after boxes: behind them).
function nearestText(el) {
  return textBeside(el) || textAround(el);
}

// What stands with a field in a part of its own, also behind it.
function textAround(el) {
  const home = el.parentElement;
  if (!home || /^(FORM|BODY)$/.test(home.tagName) || home.querySelectorAll("input,select,textarea,button,a").length !== 1) return "";
  const text = fold(contentName(home));
  return text.length <= 40 && /[\p{L}\p{N}]/u.test(text) ? text : "";
}

function textBeside(el) {
  const after = /^(checkbox|radio|switch)$/.test(roleOf(el));
  let at = el;
  for (let level = 0; level < 3 && at && at.tagName !== "FORM" && at.tagName !== "BODY"; level++) {
    for (let node = after ? at.nextSibling : at.previousSibling; node; node = after ? node.nextSibling : node.previousSibling) {
      if (node.nodeType === 1 && !node.checkVisibility({ visibilityProperty: true })) continue;
      if (node.nodeType === 1 && (interactive(node) || node.querySelector("input,select,textarea,button,a"))) return "";
      const text = node.nodeType === 3 ? fold(node.nodeValue) : node.nodeType === 1 ? fold(contentName(node)) : "";
      if (text) return text.length <= 60 && /[\p{L}\p{N}]/u.test(text) ? text : "";
    }
    at = at.parentElement;
  }
  return "";
}

function columnHeader(el) {
  const cell = el.closest("td,[role=cell],[role=gridcell]");
  const table = cell && cell.closest("table");
  const head = table && table.tHead && table.tHead.rows[0];
  const header = head && head.cells[cell.cellIndex];
  return header ? fold(contentName(header)) : "";
}

// Names and labels, as long as nothing changes.
let nameCache = { stamp: -1 };
function knownNames() {
  if (nameCache.stamp !== state.changes) nameCache = { stamp: state.changes, names: new WeakMap() };
  return nameCache;
}

function nameOf(el) {
  const { names } = knownNames();
  let name = names.get(el);
  if (name === undefined) names.set(el, (name = findName(el)));
  return name;
}

function findName(el) {
  const given = labelledBy(el) || fold(el.getAttribute("aria-label"));
  if (given) return given;
  const role = roleOf(el);
  if (el.tagName === "INPUT" && role === "button") {
    return fold(el.value || el.alt || { submit: "Submit", reset: "Reset" }[el.type] || el.title);
  }
  if (isControl(el) && el.tagName !== "BUTTON") {
    return nativeLabels(el) || fold(el.title) || fold(el.placeholder) || nearestText(el) || columnHeader(el);
  }
  if (el.tagName === "IMG") return fold(el.alt || el.title);
  if (el.tagName === "FIELDSET") {
    const legend = el.querySelector("legend");
    return legend ? fold(contentName(legend)) : "";
  }
  if (NAMED_BY_CONTENT.has(role)) {
    const name = fold(contentName(el));
    if (name) return name;
    if (el.shadowRoot) return fold(contentName(el.shadowRoot));
  }
  if (role === "textbox") return fold(el.getAttribute("aria-placeholder") || el.title) || nearestText(el);
  return fold(el.title);
}

// Other words by which a person may call the element, beside its name.
function otherNames(el) {
  const names = [el.placeholder, el.title, el.getAttribute("aria-placeholder")];
  if (isControl(el) && roleOf(el) !== "button") names.push(columnHeader(el), nativeLabels(el));
  const picture = el.firstElementChild && el.querySelector("img[alt],svg title");
  if (picture) names.push(picture.alt || picture.textContent);
  return names.map(fold).filter(Boolean);
}

// Words from attributes that no one sees; good enough only when nothing better is there.
function weakNames(el) {
  const given = [el.id, el.getAttribute("name"), el.getAttribute("autocomplete"), testId(el), el.type === "email" ? "email" : ""];
  if (!nameOf(el)) given.push(typeof el.className === "string" ? el.className : "");
  return given.filter(Boolean).map((text) => fold(String(text).replace(/([a-z])([A-Z])/g, "$1 $2").replace(/[-_.:]+/g, " ")));
}

const testId = (el) => ["data-testid", "data-test", "data-test-id", "data-qa"].map((name) => el.getAttribute(name)).find(Boolean) || "";

function disabled(el) {
  if (el.matches(":disabled")) return true;
  for (let at = el; at; at = parentOf(at)) {
    if (at.getAttribute("aria-disabled") === "true" || at.inert) return true;
  }
  return false;
}

function checkedState(el) {
  if (el.tagName === "INPUT" && /^(checkbox|radio)$/.test(el.type)) return el.checked;
  const given = el.getAttribute("aria-checked") ?? (roleOf(el) === "switch" ? el.getAttribute("aria-pressed") : null);
  return given === null ? null : given === "true";
}

function isSecret(el) {
  return el.tagName === "INPUT" && (el.type === "password" || /password|one-time-code|cc-csc|cc-number/.test(el.autocomplete || ""));
}

function valueOf(el) {
  if (el.tagName === "SELECT") return [...el.selectedOptions].map((option) => fold(option.textContent)).join(", ");
  if (el.tagName === "INPUT" && /^(checkbox|radio|file|image)$/.test(el.type)) return "";
  if (el.tagName === "INPUT" || el.tagName === "TEXTAREA") return el.value;
  if (el.isContentEditable) return el.innerText;
  return "";
}
