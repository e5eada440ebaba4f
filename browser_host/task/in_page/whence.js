// Where texts stand on the page: for values that were read, so that a caller can look for himself.

const LONGEST_SHOWN = 300;

// A selector by place alone: unique in the document or shadow root that the element is in.
function placePath(el) {
  const parts = [];
  for (let at = el; at && at.nodeType === 1; at = at.parentElement) {
    if (at.id && !/\d{4,}/.test(at.id) && at.getRootNode().querySelectorAll(`#${CSS.escape(at.id)}`).length === 1) {
      parts.unshift(`#${CSS.escape(at.id)}`);
      break;
    }
    const alike = at.parentNode ? [...at.parentNode.children].filter((other) => other.tagName === at.tagName) : [at];
    parts.unshift(at.tagName.toLowerCase() + (alike.length > 1 ? `:nth-of-type(${alike.indexOf(at) + 1})` : ""));
  }
  return parts.join(" > ");
}

function sayingOf(el) {
  if (/^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName)) return isSecret(el) || el.type === "hidden" ? "" : fold(valueOf(el));
  return fold(el.innerText || "");
}

function labelOf(el) {
  if (/^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName)) return nameOf(el);
  const term = el.closest("dd");
  for (let at = term && term.previousElementSibling; at; at = at.previousElementSibling) if (at.tagName === "DT") return fold(at.innerText);
  const row = el.closest("tr");
  const first = row && row.cells[0];
  const cell = el.closest("td");
  const heads = row && row.closest("table") && row.closest("table").rows[0];
  const head = cell && heads && heads !== row && heads.cells[cell.cellIndex];
  return columnHeader(el) || (head && head.tagName === "TH" ? fold(head.innerText) : "") || (first && first.tagName === "TH" && !contains(first, el) ? fold(first.innerText) : "");
}

// -> for each {path, text} that stands on the page: {path, text, selector, label}
function whence({ values }) {
  const spots = new Map(); // what elements say -> the innermost ones that say it
  const leaves = [];
  for (const el of allElements()) {
    if (el.childElementCount > 6 || !visible(el)) continue;
    const text = sayingOf(el);
    if (!text || text.length > LONGEST_SHOWN) continue;
    const others = spots.get(low(text)) || [];
    spots.set(low(text), [...others.filter((other) => !contains(other, el)), el]);
    leaves.push([low(text), el]);
  }
  const spotsOf = (text) => {
    const exact = spots.get(low(text));
    if (exact) return exact;
    const holding = leaves.filter(([said]) => hasWords(said, text)).sort((a, b) => a[0].length - b[0].length);
    return holding.filter(([said]) => said.length === holding[0][0].length).map(([, el]) => el);
  };
  const records = new Map();
  for (const value of values) {
    const record = value.path.split(".").slice(0, -1).join(".");
    records.set(record, [...(records.get(record) || []), value]);
  }
  const found = [];
  const used = new Map(); // field -> elements that earlier records took
  for (const record of records.values()) {
    let home = null;
    for (const value of record) {
      const field = value.path.split(".").filter((part) => !/^\d+$/.test(part)).join(".");
      const taken = used.get(field) || new Set();
      const options = spotsOf(value.text).filter((el) => !taken.has(el));
      const el = (home && options.find((one) => contains(home, one))) || options.find((one) => partWith(one, record)) || options[0];
      if (!el) {
        const script = linkedScriptWith(value.text);
        if (script) found.push({ path: value.path, text: value.text.slice(0, LONGEST_SHOWN), selector: placePath(script), label: "" });
        continue;
      }
      used.set(field, taken.add(el));
      home = home || partWith(el, record);
      found.push({ path: value.path, text: sayingOf(el).slice(0, LONGEST_SHOWN), selector: placePath(el), label: labelOf(el).slice(0, 100) });
    }
  }
  return found;
}

// The smallest part around an element that shows all values of its record.
function partWith(el, record) {
  for (let home = isContainer(el) ? el : homeOf(el); home; home = homeOf(home)) {
    const said = low(home.innerText || "");
    if (record.every((value) => said.includes(low(value.text)))) return home;
  }
  return null;
}
