// Tells planners what can be acted on, and reads data off the page as it stands there. Changes nothing.

const seen = { elements: [] };
const MOST_ITEMS = 3000;

const PRICE = /(?:[$€£]\s?\d[\d.,]*|\d[\d.,]*\s?(?:€|EUR|USD|GBP))/;

function survey() {
  watch();
  seen.elements = [];
  const forms = deepQuery("form,[role=form],[role=search]");
  const contexts = new Map();
  const contextIn = (home) => {
    if (!contexts.has(home)) contexts.set(home, fold(home.textContent.slice(0, 2000)).slice(0, 160));
    return contexts.get(home);
  };
  const items = [];
  for (const el of allElements()) {
    const role = roleOf(el);
    if (!interactive(el) || el.tagName === "LABEL") continue;
    const handle = reachable(el);
    if (!handle && el.type !== "hidden") continue;
    const box = boxOf(handle);
    const [dx, dy] = frameOffset(handle);
    const home = homeOf(el);
    const secret = isSecret(el);
    items.push({
      ref: seen.elements.push(el) - 1,
      role, name: nameOf(el).slice(0, 200), weak: weakNames(el), others: otherNames(el),
      type: el.type || "", value: secret ? "" : valueOf(el).slice(0, 200), filled: secret ? el.value !== "" : valueOf(el).trim() !== "",
      secret, required: !!el.required || el.getAttribute("aria-required") === "true" || /\*\s*$/.test(nameOf(el)),
      disabled: disabled(el), readonly: !!el.readOnly, checked: checkedState(el), expanded: el.getAttribute("aria-expanded"),
      group: el.type === "radio" ? el.name : "", href: el.href && typeof el.href === "string" ? el.href : "",
      form: forms.indexOf(el.form || el.closest("form,[role=form],[role=search]")), dialog: !!el.closest("dialog,[role=dialog],[role=alertdialog]"), landmark: landmarkOf(el),
      context: home ? contextIn(home) : "",
      invalid: el.getAttribute("aria-invalid") === "true",
      rect: [box.left + dx, box.top + dy, box.width, box.height].map(Math.round),
      inView: box.top + dy < innerHeight && box.bottom + dy > 0,
    });
    if (items.length >= MOST_ITEMS) break;
  }
  return { url: location.href, title: document.title, items, ...talk(), ready: document.readyState };
}

function landmarkOf(el) {
  const at = el.closest("nav,header,footer,aside,main,[role=navigation],[role=banner],[role=contentinfo],[role=main],[role=search]");
  return at ? at.getAttribute("role") || at.tagName.toLowerCase() : "";
}

function naming({ ref }) {
  const el = seen.elements[ref];
  return el && el.isConnected ? targetFor(el) : null;
}

// What the page says to the person: messages of trouble, of success, and its plain text.
function talk() {
  const messages = [];
  const css = "[role=alert],[role=status],[aria-live=assertive],[aria-live=polite],[class*=error],[class*=Error],[class*=alert],[class*=invalid],[class*=danger],[class*=warning],[class*=notice],[class*=flash],[class*=toast],[class*=message],[class*=success],[id*=error],output";
  for (const el of deepQuery(css)) {
    if (!visible(el) || isControl(el) || /^(FORM|BODY|MAIN|HTML)$/.test(el.tagName)) continue;
    const text = fold(el.innerText);
    if (!text || text.length > 400) continue;
    const words = `${typeof el.className === "string" ? el.className : ""} ${el.id} ${el.getAttribute("role") || ""}`.toLowerCase();
    const kind = /error|danger|invalid/.test(words) ? "error" : /success/.test(words) ? "success" : /alert|warning/.test(words) ? "alert" : "notice";
    messages.push({ kind, text });
  }
  return { messages, text: pageText().slice(0, 200000) };
}

// Data

function rootFor(within) {
  if (!within) return document.body;
  let best = null;
  for (const el of allElements()) {
    if (!visible(el) || !(isContainer(el) || /^(MAIN|DIV)$/.test(el.tagName))) continue;
    const heading = el.querySelector("h1,h2,h3,h4,h5,h6,caption,legend,[role=heading]");
    const titled = heading && hasWords(contentName(heading), within);
    if (titled || (isContainer(el) && hasWords(shownText(el), within))) {
      const rank = (titled ? 0 : 1e7) + shownText(el).length;
      if (!best || rank < best.rank) best = { el, rank };
    }
  }
  return best && best.el;
}

async function read({ within, wait }) {
  return patiently(wait, async () => {
    const root = rootFor(within);
    if (!root) return { reason: "NOT_FOUND", message: `no part of the page shows "${within}"` };
    return { ok: true, ...data(root), url: location.href, title: document.title };
  });
}

const inside = (root, css) => [...new Set([...(root.matches && root.matches(css) ? [root] : []), ...root.querySelectorAll(css), ...innerRoots(root).flatMap((inner) => [...inner.querySelectorAll(css)])])].filter(visible);

function innerRoots(root) {
  const found = [];
  for (const el of root.querySelectorAll("*")) {
    const inner = el.shadowRoot || (el.tagName === "IFRAME" && frameDocument(el));
    if (inner) found.push(inner, ...innerRoots(inner));
  }
  return found;
}

function data(root) {
  return {
    tables: inside(root, "table,[role=table],[role=grid]").map(tableOf).filter((table) => table.rows.length),
    pairs: pairsOf(root),
    fields: fieldsOf(root),
    lists: inside(root, "ul,ol,[role=list]").filter((list) => !list.closest("nav,[role=navigation]") || list === root).map((list) =>
      [...list.children].filter(visible).map((item) => fold(item.innerText)).filter(Boolean)).filter((list) => list.length),
    cards: cardsOf(root),
    headings: inside(root, "h1,h2,h3,h4,h5,h6,[role=heading]").map((el) => fold(contentName(el))).filter(Boolean),
    text: shownText(root).slice(0, 200000),
  };
}

function cellText(cell) {
  const field = cell.querySelector("input:not([type=hidden]):not([type=password]),select,textarea");
  const text = fold(cell.innerText);
  return text || (field ? valueOf(field) : "");
}

function tableOf(table) {
  const rowEls = [...table.querySelectorAll("tr,[role=row]")].filter((row) => row.closest("table,[role=table],[role=grid]") === table && visible(row));
  const cellsOf = (row) => [...row.querySelectorAll("td,th,[role=cell],[role=gridcell],[role=columnheader],[role=rowheader]")].filter((cell) => cell.closest("tr,[role=row]") === row);
  let headers = [];
  const rows = [];
  const refs = [];
  for (const row of rowEls) {
    const cells = cellsOf(row);
    const heads = cells.filter((cell) => cell.tagName === "TH" ? cell.scope !== "row" && !(cells.length === 2 && cells[1].tagName === "TD") : cell.getAttribute("role") === "columnheader");
    if (!rows.length && !headers.length && heads.length === cells.length && cells.length) headers = cells.map((cell) => fold(contentName(cell)) || fold(cell.innerText));
    else if (cells.length) {
      rows.push(cells.map(cellText));
      refs.push(seen.elements.push(row) - 1);
    }
  }
  const caption = table.caption ? fold(table.caption.innerText) : nameOf(table);
  return { caption, headers, rows, refs, labelled: !headers.length && rows.every((row) => row.length === 2) };
}

function pairsOf(root) {
  const pairs = [];
  const add = (label, value) => {
    label = fold(label).replace(/\s*[:：]$/, "");
    value = fold(value);
    if (label && value && label.length <= 60 && !pairs.some((pair) => pair[0] === label && pair[1] === value)) pairs.push([label, value]);
  };
  for (const dt of inside(root, "dt")) {
    for (let dd = dt.nextElementSibling; dd && dd.tagName === "DD"; dd = dd.nextElementSibling) add(dt.innerText, cellText(dd));
  }
  for (const row of inside(root, "tr")) {
    if (row.cells && row.cells.length === 2 && row.cells[0].tagName === "TH" && row.cells[1].tagName === "TD") add(row.cells[0].innerText, cellText(row.cells[1]));
  }
  for (const el of inside(root, "p,li,div,span,td,label,strong,b")) {
    const text = fold(el.innerText);
    if (text.length > 240 || el.querySelector("p,li,div,table,dl,ul")) continue;
    const match = /^([^:：]{1,40})[:：]\s+(.{1,200})$/.exec(text);
    if (match && !/https?$/.test(match[1])) add(match[1], match[2]);
  }
  return pairs;
}

// What stands in the fields of forms, by label; secrets left out.
function fieldsOf(root) {
  const fields = [];
  const add = (label, value) => fold(label) && fold(value) && fields.push([fold(label), fold(value)]);
  for (const el of inside(root, "input,select,textarea,output")) {
    if (isSecret(el) || /^(hidden|submit|button|reset|image|file)$/.test(el.type)) continue;
    if (/^(checkbox|radio)$/.test(el.type)) {
      if (el.checked) add(nameOf(el), "yes");
    } else add(nameOf(el), el.tagName === "OUTPUT" ? el.innerText : valueOf(el));
  }
  return fields;
}

// Repeated cards: first by their prices, else by siblings that look alike.
function cardsOf(root) {
  const cards = [];
  const taken = new Set();
  for (const el of inside(root, "*")) {
    if (el.children.length > 3 || !PRICE.test(ownText(el)) || el.closest("table,nav,select,button")) continue;
    const card = cardAround(el, root);
    if (card && !taken.has(card)) {
      taken.add(card);
      cards.push(card);
    }
  }
  if (!cards.length) cards.push(...alike(root));
  return cards.filter((card) => !cards.some((other) => other !== card && contains(card, other))).map(cardOf).filter((card) => card.title);
}

const ownText = (el) => [...el.childNodes].filter((node) => node.nodeType === 3).map((node) => node.nodeValue).join(" ") || (el.children.length === 0 ? el.textContent : el.children.length <= 2 && el.textContent.length < 30 ? el.textContent : "");
const titleIn = (el) => el.querySelector("h1,h2,h3,h4,h5,h6,[role=heading]") || [...el.querySelectorAll("a")].find((a) => contentName(a).trim().length > 2 && !PRICE.test(contentName(a))) || null;

function cardAround(el, root) {
  for (let at = el; at && at !== root && at !== document.body; at = parentOf(at)) {
    if (/^(UL|OL|MAIN|SECTION|TBODY|TABLE|FORM|BODY|NAV|HEADER|FOOTER)$/.test(at.tagName)) return null;
    if (!titleIn(at)) continue;
    const whole = at.closest("li,article,[role=listitem],[role=article]");
    if (whole && root.contains(whole) && whole !== root && contains(whole, at)) return whole;
    // The card ends where its parent has the titles of others in it.
    let card = at;
    for (let up = parentOf(card); up && up !== root && up !== document.body && !/^(MAIN|SECTION|UL|OL|FORM)$/.test(up.tagName); up = parentOf(up)) {
      if (up.querySelectorAll("h1,h2,h3,h4,h5,h6,[role=heading]").length > Math.max(1, card.querySelectorAll("h1,h2,h3,h4,h5,h6,[role=heading]").length)) break;
      if (up.children.length > 1 && [...up.children].some((child) => child !== card && child.tagName === card.tagName && child.className === card.className)) break;
      card = up;
    }
    return card;
  }
  return null;
}

function alike(root) {
  const found = [];
  for (const el of inside(root, "article,[role=article],li,[class]")) {
    const sibling = el.nextElementSibling || el.previousElementSibling;
    if (!sibling || sibling.tagName !== el.tagName || sibling.className !== el.className || !el.className && el.tagName !== "ARTICLE" && el.tagName !== "LI") continue;
    if (titleIn(el) && el.querySelectorAll("*").length >= 3 && !el.closest("nav,table")) found.push(el);
  }
  return found.filter((el) => !found.some((other) => other !== el && contains(other, el)));
}

function cardOf(el) {
  const heading = titleIn(el);
  const link = heading && (heading.closest("a[href]") || heading.querySelector("a[href]")) || el.querySelector("a[href]");
  const struck = [...el.querySelectorAll("s,del,strike,[class*=old],[class*=was]")].map((old) => fold(old.innerText));
  let text = fold(el.innerText);
  const lines = (el.innerText || "").split("\n").map(fold).filter(Boolean);
  const live = struck.reduce((rest, old) => (old ? rest.replace(old, " ") : rest), text);
  const price = PRICE.exec(live);
  const rating = el.querySelector("[aria-label*=star i],[class*=rating]");
  return {
    ref: seen.elements.push(el) - 1,
    title: heading ? fold(contentName(heading)) : "", price: price ? price[0] : "", text: text.slice(0, 600), lines: lines.slice(0, 30),
    url: link ? link.href : "", rating: rating ? fold(rating.getAttribute("aria-label") || rating.innerText) : "",
    buttons: [...el.querySelectorAll("button,input[type=submit],input[type=button],[role=button],a[href]")].filter(visible).map((one) => ({ name: nameOf(one), disabled: disabled(one), ref: seen.elements.push(one) - 1 })),
  };
}
