// What the other files stand on: walking the page, what is visible, where it is, and what its text is.
// Open shadow roots and same-origin iframes count as part of the page, in page order.

const SKIPPED = new Set(["SCRIPT", "STYLE", "TEMPLATE", "HEAD", "NOSCRIPT", "META", "LINK", "TITLE", "BASE"]);
const WORD = /[\p{L}\p{N}_]/u;
const fold = (text) => (text || "").replace(/\s+/g, " ").trim();
const low = (text) => fold(text).toLowerCase();
const now = () => performance.now();

function frameDocument(el) {
  try {
    return el.contentDocument;
  } catch {
    return null;
  }
}

let knownRoots = null; // forgotten at each new call and each new attempt

function roots() {
  return (knownRoots = knownRoots || rootsIn(document, [document]));
}

function rootsIn(root, found) {
  for (const el of root.querySelectorAll("*")) {
    const inner = el.shadowRoot || (el.tagName === "IFRAME" && frameDocument(el));
    if (inner) {
      found.push(inner);
      rootsIn(inner, found);
    }
  }
  return found;
}

// All elements in page order, without those that never show.
function allElements() {
  const found = [];
  const visit = (parent) => {
    for (let el = parent.firstElementChild; el; el = el.nextElementSibling) {
      if (SKIPPED.has(el.tagName)) continue;
      found.push(el);
      if (el.shadowRoot) visit(el.shadowRoot);
      if (el.tagName === "IFRAME") {
        const inner = frameDocument(el);
        if (inner && inner.documentElement) visit(inner);
      } else if (el.tagName !== "svg") {
        visit(el);
      }
    }
  };
  visit(document);
  return found;
}

function deepQuery(css) {
  return roots().flatMap((root) => [...root.querySelectorAll(css)]);
}

const parentOf = (el) => {
  if (el.assignedSlot) return el.assignedSlot;
  if (el.parentElement) return el.parentElement;
  const root = el.getRootNode();
  if (root.host) return root.host;
  return root.defaultView ? root.defaultView.frameElement : null;
};

function contains(outer, inner) {
  for (let el = inner; el; el = parentOf(el)) if (el === outer) return true;
  return false;
}

function frameOffset(el) {
  let x = 0;
  let y = 0;
  for (let view = el.ownerDocument.defaultView; view && view.frameElement; view = view.parent) {
    const frame = view.frameElement;
    const box = frame.getBoundingClientRect();
    x += box.left + frame.clientLeft;
    y += box.top + frame.clientTop;
  }
  return [x, y];
}

function boxOf(el) {
  let box = el.getBoundingClientRect();
  if ((box.width === 0 || box.height === 0) && el.firstElementChild) {
    for (const child of el.children) {
      const inner = child.getBoundingClientRect();
      if (inner.width && inner.height) {
        box = inner;
        break;
      }
    }
  }
  return box;
}

// A line of a drawing that is upright or level: its box has no breadth, what it is drawn with has.
function isStroke(el, box) {
  return "getTotalLength" in el && box.width + box.height > 0 && getComputedStyle(el).stroke !== "none";
}

function visible(el) {
  if (!el.isConnected || !el.checkVisibility({ visibilityProperty: true })) return false;
  const box = boxOf(el);
  if ((box.width <= 0 || box.height <= 0) && !isStroke(el, box)) return false;
  const frame = el.ownerDocument.defaultView && el.ownerDocument.defaultView.frameElement;
  return !frame || visible(frame);
}

const isControl = (el) => /^(INPUT|SELECT|TEXTAREA|BUTTON|METER|PROGRESS|OUTPUT)$/.test(el.tagName);
const hiddenFromReaders = (el) => el.hidden || el.getAttribute("aria-hidden") === "true";

// The text that an element brings into a name: without controls, with alternatives of pictures.
function contentName(el, skip) {
  let text = "";
  for (const node of el.shadowRoot ? [...el.shadowRoot.childNodes, ...el.childNodes] : el.childNodes) {
    if (node.nodeType === 3) {
      text += node.nodeValue;
    } else if (node.nodeType === 1 && node !== skip && !SKIPPED.has(node.tagName) && !hiddenFromReaders(node)) {
      if (isControl(node) && node.tagName !== "BUTTON") continue;
      if (!node.checkVisibility({ visibilityProperty: true })) continue;
      const label = node.getAttribute("aria-label") || (node.tagName === "IMG" && node.alt);
      const svgTitle = node.tagName === "svg" && node.querySelector("title");
      const inner = label || (svgTitle && svgTitle.textContent) || (node.tagName === "svg" ? "" : contentName(node, skip));
      const inline = /^(A|ABBR|B|BDI|CODE|EM|FONT|I|KBD|MARK|S|SMALL|SPAN|STRONG|SUB|SUP|U)$/.test(node.tagName);
      text += inline ? inner : ` ${inner} `;
    }
  }
  return text;
}

// What a person sees written in a part of the page, the words on and in its controls included.
function shownText(el) {
  let text = el.innerText || "";
  if (el.shadowRoot) for (const child of el.shadowRoot.children) text += `\n${shownText(child)}`;
  for (const inner of el.querySelectorAll("*")) {
    if (inner.shadowRoot) for (const child of inner.shadowRoot.children) text += `\n${child.innerText || ""}`;
    else if (inner.tagName === "IFRAME") {
      const frame = frameDocument(inner);
      if (frame && frame.body && visible(inner)) text += `\n${shownText(frame.body)}`;
    } else if (inner.tagName === "INPUT" && /^(submit|button|reset)$/.test(inner.type)) {
      text += `\n${inner.value}`;
    }
  }
  return text;
}

const pageText = () => (document.body ? shownText(document.body) : "");

// Whether `text` has `part` in it as whole words. Parts that look like an address, a number or a code must not
// go on: "customer@example.com" is not in "customer@example.com.au", and "$79" is not in "$79.99".
function hasWords(text, part) {
  const hay = low(text);
  const needle = low(part);
  if (!needle) return false;
  const joined = /[\p{N}@._/\\+-]/u.test(needle);
  for (let at = hay.indexOf(needle); at >= 0; at = hay.indexOf(needle, at + 1)) {
    const before = hay[at - 1] || "";
    const after = hay[at + needle.length] || "";
    const further = hay[at + needle.length + 1] || "";
    const earlier = hay[at - 2] || "";
    if (WORD.test(before) && WORD.test(needle[0])) continue;
    if (WORD.test(after) && WORD.test(needle[needle.length - 1])) continue;
    if (joined && /[.@\-+_/]/.test(after) && WORD.test(further)) continue;
    if (joined && /[.@\-+_/]/.test(before) && WORD.test(earlier)) continue;
    return true;
  }
  return false;
}

// The parts of a page that belong together, seen from an element outwards.
function isContainer(el) {
  const role = el.getAttribute("role") || "";
  if (/^(TR|LI|ARTICLE|FORM|FIELDSET|DIALOG|SECTION|TABLE|DETAILS|ASIDE|NAV|HEADER|FOOTER)$/.test(el.tagName)) return true;
  if (/^(row|listitem|article|dialog|alertdialog|form|group|region|table|grid|radiogroup|tabpanel|option)$/.test(role)) return true;
  if (!el.parentElement || !el.firstElementChild) return false;
  const sibling = el.nextElementSibling || el.previousElementSibling;
  return !!sibling && sibling.tagName === el.tagName && el.className !== "" && sibling.className === el.className;
}

function describeElement(el) {
  const name = (fold(nameOf(el)) || (el.childElementCount === 0 && !isControl(el) ? fold(el.textContent) : "")).slice(0, 60);
  return `${roleOf(el) || el.tagName.toLowerCase()}${name ? ` "${name}"` : ""}`;
}
