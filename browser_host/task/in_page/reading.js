// Tells planners what can be acted on, and reads data off the page as it stands there. Changes nothing.

const seen = { elements: [], ids: new WeakMap(), lastId: 0 };
const MOST_ITEMS = 3000;

const PRICE = /(?:[$€£]\s?\d[\d.,]*|\d[\d.,]*\s?(?:€|EUR|USD|GBP))/;

// A number that an element keeps as long as its document lives.
function idOf(el) {
  if (!seen.ids.has(el)) seen.ids.set(el, ++seen.lastId);
  return seen.ids.get(el);
}

// Only what is worth saying: on a large page most of it would be "no" and "".
function said(item) {
  const kept = {};
  for (const name in item) {
    const value = item[name];
    if (value === "" || (value === false && name !== "checked") || value === null || (Array.isArray(value) && !value.length)) continue;
    kept[name] = value;
  }
  return kept;
}

// What listens to presses, as far as the browser was asked (Page.hand_listeners).
const listening = new WeakSet();
const noteListening = (nodes) => nodes.forEach((node) => listening.add(node));

// Whether it is itself what its listener is for: not what has controls in it, nor a whole part of the page.
function listens(el) {
  return listening.has(el) && !/^(HTML|BODY)$/.test(el.tagName) && el.textContent.length <= 300 && !el.querySelector("a[href],button,input,select,textarea,[role=button],[role=link]");
}

// Why something without a role is taken for one that can be acted on.
function signOf(el) {
  if (listening.has(el)) return "listener";
  return getComputedStyle(el).cursor === "pointer" ? "pointer" : "";
}

// `listeners`: also what shows by nothing but a listener that it can be pressed.
function survey({ listeners }) {
  watch();
  seen.elements = [];
  const forms = new Map(deepQuery("form,[role=form],[role=search]").map((form, number) => [form, number]));
  const contexts = new Map();
  const contextIn = (home) => {
    if (!contexts.has(home)) contexts.set(home, fold(home.textContent.slice(0, 2000)).slice(0, 160));
    return contexts.get(home);
  };
  const parts = new Map();
  const partOf = (home) => {
    if (!parts.has(home)) parts.set(home, titleOfPart(home));
    return parts.get(home);
  };
  const items = [];
  const known = new Map();
  const barred = (el) => {
    if (!el) return false;
    if (!known.has(el)) known.set(el, el.getAttribute("aria-disabled") === "true" || el.inert || barred(parentOf(el)));
    return known.get(el);
  };
  const off = (el) => el.matches(":disabled") || barred(el);
  for (const el of allElements()) {
    const role = roleOf(el);
    if (el.tagName === "LABEL" || !(interactive(el, role) || (listeners && listens(el)))) continue;
    const handle = reachable(el);
    if (!handle && el.type !== "hidden") continue;
    const home = homeOf(el);
    const secret = isSecret(el);
    const value = valueOf(el);
    const { type, href } = el;
    const form = forms.get(el.form || el.closest("form,[role=form],[role=search]"));
    items.push(said({
      ref: seen.elements.push(el) - 1, id: idOf(el),
      role, name: nameOf(el).slice(0, 200), weak: weakNames(el), others: otherNames(el),
      text: role ? "" : fold(contentName(el)).slice(0, 100), sign: role ? "" : signOf(el),
      type: type || "", value: secret ? "" : value.slice(0, 200), filled: secret ? el.value !== "" : value.trim() !== "",
      secret, required: !!el.required || el.getAttribute("aria-required") === "true" || /\*\s*$/.test(nameOf(el)),
      disabled: off(el), readonly: !!el.readOnly, checked: checkedState(el), expanded: el.getAttribute("aria-expanded"),
      group: type === "radio" ? el.name : "", href: typeof href === "string" ? href : "",
      form: form === undefined ? -1 : form, dialog: !!el.closest("dialog,[role=dialog],[role=alertdialog]"), landmark: landmarkOf(el),
      context: home ? contextIn(home) : "", part: home ? partOf(home) : "",
      invalid: el.getAttribute("aria-invalid") === "true",
    }));
    if (items.length >= MOST_ITEMS) break;
  }
  return { url: location.href, title: document.title, items, ...talk(), closedFrames: closedFrames().length, ready: document.readyState };
}

// What a row, card or group is called by its own legend, caption or heading; "" where it has none.
function titleOfPart(home) {
  const title = home.querySelector(`legend,caption,${HEADINGS},th[scope=row]`);
  return title ? fold(title.textContent).slice(0, 80) : "";
}

function landmarkOf(el) {
  const at = el.closest("nav,header,footer,aside,main,[role=navigation],[role=banner],[role=contentinfo],[role=main],[role=search]");
  return at ? at.getAttribute("role") || at.tagName.toLowerCase() : "";
}

function naming({ ref }) {
  const el = seen.elements[ref];
  return el && el.isConnected ? targetFor(el) : null;
}

const PRESSED = "a[href],button,summary,[role=button],[role=link],[role=tab]";

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
    // A colour, or a mark in a row, which may say something else than that what was sent is refused.
    const faint = kind === "error" && (!/error|invalid|alert/.test(words) || (!!el.closest("tr,li,[role=row],[role=listitem],nav") && !el.closest("form")));
    const pressed = !!el.closest(PRESSED) || [...el.querySelectorAll(PRESSED)].some((one) => fold(one.innerText) === text);
    messages.push({ kind, text, faint, pressed });
  }
  return { messages, text: pageText().slice(0, 200000) };
}

// What the page says after something was sent to it: its messages without links and buttons in the colour of errors, and
// whether the form that was sent is still there, with what was put into it.
function saying({ form }) {
  const said = talk();
  const same = form ? [...deepQuery("form,[role=form]")].find((one) => formWords(one) === form) : null;
  const texts = same ? fieldsIn(same).filter((el) => /^(textbox|searchbox|spinbutton)$/.test(roleOf(el))) : [];
  return {
    text: said.text, messages: said.messages.filter((one) => !one.pressed), url: location.href,
    document: performance.timeOrigin, invalid: deepQuery("[aria-invalid=true]").some(visible),
    there: !form || !!same, emptied: texts.length > 0 && texts.every((el) => valueOf(el) === ""),
  };
}

const fieldsIn = (form) => [...form.querySelectorAll("input:not([type=hidden]),textarea,select")].filter(visible);

// A form as it is known again in another document: by its fields, and whether it changes something.
const formWords = (form) => [(form.getAttribute("method") || "").toLowerCase(), ...fieldsIn(form).map((el) => `${el.type} ${el.name || el.id}`)].join(",");

const TO_SEND = /^\W*(submit|send|save|ok(ay)?|go|log ?in|sign ?in|sign ?up|register|continue|next|done|apply|confirm|update|create)\b/i;

// What pressing an element may send: the form that it is in, or what was filled in without one. Null for nothing.
function sentBy(el) {
  const form = el.form || el.closest("form,[role=form]");
  const named = roleOf(el) === "button" && TO_SEND.test(nameOf(el));
  if (form) return { form: formWords(form), submits: submits(el), named };
  return named || state.written ? { form: "", submits: false, named } : null;
}

// Data

const HEADINGS = "h1,h2,h3,h4,h5,h6,[role=heading]";
const WHOLE = /^(TR|LI|ARTICLE|FORM|FIELDSET|DIALOG|SECTION|TABLE|DETAILS|ASIDE|NAV|HEADER|FOOTER|MAIN|BODY)$/;

// -> {el} or {reason, message}: the smallest part with this heading, else the smallest one that shows this text.
function rootFor(within) {
  if (!within) return { el: document.body };
  let parts = [];
  for (const el of allElements()) {
    if (!visible(el) || !(isContainer(el) || /^(MAIN|DIV)$/.test(el.tagName))) continue;
    const heading = el.querySelector(`${HEADINGS},caption,legend`);
    const title = heading && hasWords(contentName(heading), within) ? fold(contentName(heading)) : "";
    if (title) parts.push({ el, title, rank: low(title) === low(within) ? 2 : 1 });
    else if (isContainer(el) && hasWords(shownText(el), within)) parts.push({ el, title: "", rank: 0 });
  }
  const rank = Math.max(...parts.map((one) => one.rank));
  parts = parts.filter((one) => one.rank === rank);
  const outside = (one) => one.el.closest("nav,header,footer,[role=navigation],[role=banner],[role=contentinfo]");
  if (parts.some((one) => !outside(one))) parts = parts.filter((one) => !outside(one));
  parts = parts.filter((one) => !parts.some((other) => other !== one && contains(one.el, other.el)));
  if (!parts.length) return { reason: "NOT_FOUND", message: `no part of the page shows "${within}"` };
  if (parts.length > 1) {
    const listed = parts.slice(0, 6).map((one) => `"${one.title || fold(shownText(one.el)).slice(0, 60)}"`).join("; ");
    return { reason: "AMBIGUOUS", message: `${parts.length} parts of the page show "${within}": ${listed}` };
  }
  return { el: rank ? wholePart(parts[0].el) : parts[0].el };
}

// The card that a heading's own box is a part of: it ends where another heading begins.
function wholePart(el) {
  const count = (part) => part.querySelectorAll(HEADINGS).length;
  while (!WHOLE.test(el.tagName)) {
    const up = parentOf(el);
    if (!up || /^(MAIN|BODY|HTML)$/.test(up.tagName) || count(up) > count(el)) break;
    el = up;
  }
  return el;
}

async function read({ within, wait }) {
  return patiently(wait, async () => {
    const { el, reason, message } = rootFor(within);
    if (!el) return { reason, message };
    return { ok: true, ...data(el), url: location.href, title: document.title };
  });
}

const allIn = (root, css) => [...new Set([...(root.matches && root.matches(css) ? [root] : []), ...root.querySelectorAll(css), ...innerRoots(root).flatMap((inner) => [...inner.querySelectorAll(css)])])];
const inside = (root, css) => allIn(root, css).filter(visible);
const pricedIn = (root) => allIn(root, "*").filter((el) => PRICE.test(ownText(el)) && visible(el));

function innerRoots(root) {
  const found = [];
  for (const el of root.querySelectorAll("*")) {
    const inner = el.shadowRoot || (el.tagName === "IFRAME" && frameDocument(el));
    if (inner) found.push(inner, ...innerRoots(inner));
  }
  return found;
}

function data(root) {
  const priced = pricedIn(root);
  const cards = cardsIn(root, priced);
  return {
    tables: tablesOf(root).filter((table) => table.rows.length),
    pairs: pairsOf(root),
    fields: fieldsOf(root),
    lists: inside(root, "ul,ol,[role=list]").filter((list) => !list.closest("nav,[role=navigation]") || list === root).map((list) =>
      [...list.children].filter(visible).map((item) => fold(item.innerText)).filter(Boolean)).filter((list) => list.length),
    cards: cards.map(cardOf).filter((card) => card.title),
    product: productOf(root, cards, priced),
    headings: inside(root, HEADINGS).map((el) => fold(contentName(el))).filter(Boolean),
    text: shownText(root).slice(0, 200000),
    linked: root === document.body ? linkedData() : null,
  };
}

function cellText(cell) {
  const field = cell.querySelector("input:not([type=hidden]):not([type=password]),select,textarea");
  const text = fold(cell.innerText);
  return text || (field && !keptBack(field) ? valueOf(field) : "");
}

// Of a single row of a table: the table's headers with that row.
function tablesOf(root) {
  if (root.tagName !== "TR" || !root.closest("table")) return inside(root, "table,[role=table],[role=grid]").map(tableOf);
  const table = tableOf(root.closest("table"));
  const at = table.refs.findIndex((ref) => seen.elements[ref] === root);
  return at < 0 ? [] : [{ ...table, rows: [table.rows[at]], refs: [table.refs[at]] }];
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
  for (const el of inside(root, "p,li,div")) if (labelsPrice(el)) add(el.children[0].innerText, el.children[1].innerText);
  return pairs;
}

// Two elements side by side, words and an amount: "Subtotal" "$79.99".
function labelsPrice(el) {
  if (el.children.length !== 2 || [...el.childNodes].some((node) => node.nodeType === 3 && node.nodeValue.trim())) return false;
  const [label, value] = [...el.children].map((child) => fold(child.innerText));
  if (el.children[0].matches(`${HEADINGS},a`) || el.children[0].querySelector(`${HEADINGS},a`)) return false;
  return /^[\p{L}][\p{L} ()-]{1,39}:?$/u.test(label) && ONLY_PRICE.test(value);
}

// A box to search or to filter with holds what somebody looks for, not what the page says.
function searches(el) {
  if (roleOf(el) === "searchbox" || el.closest("[role=search],search,form[action*=search i]")) return true;
  return [nameOf(el), el.placeholder, el.getAttribute("name"), el.id].some((text) => /(?<![a-z])(search|find|filter|look ?up|query)(?![a-z])|^(q|keywords?)$/i.test(text || ""));
}

const SECRET_NAME = /pass(word|phrase|code)?\b|\bpin\b|secret|\bcvv|\bcvc|\bcsc\b|security code|one.?time|card.?(number|num\b|no\b)/i;
const keptBack = (el) => isSecret(el) || SECRET_NAME.test(nameOf(el)) || searches(el);

// What stands in the fields of forms, by label; secrets and what is searched for left out.
function fieldsOf(root) {
  const fields = [];
  const add = (label, value) => fold(label) && fold(value) && fields.push([fold(label), fold(value)]);
  for (const el of inside(root, "input,select,textarea,output")) {
    if (keptBack(el) || /^(hidden|submit|button|reset|image|file)$/.test(el.type)) continue;
    if (/^(checkbox|radio)$/.test(el.type)) {
      if (el.checked) add(nameOf(el), "yes");
    } else add(nameOf(el), el.tagName === "OUTPUT" ? el.innerText : valueOf(el));
  }
  return fields;
}

// Whether it is in the site's own header or footer, and not in those of a part of the page.
function ofTheSite(el) {
  const at = el.closest("header,footer,[role=banner],[role=contentinfo]");
  return !!at && !at.closest("article,section,li,main");
}

// Repeated cards: first by their prices, else by siblings that look alike.
function cardsIn(root, priced) {
  const cards = [];
  const taken = new Set();
  for (const el of priced) {
    if (el.children.length > 3 || el.closest("table,nav,select,button") || ofTheSite(el)) continue;
    const card = cardAround(el, root);
    if (card && !taken.has(card)) {
      taken.add(card);
      cards.push(card);
    }
  }
  if (!cards.length) cards.push(...alike(root));
  return cards.filter((card) => !cards.some((other) => other !== card && contains(card, other)));
}

// The one product that this part, or this page, is of: its name and what it may cost. Null where there is none.
function productOf(root, cards, priced) {
  const product = (title, part, others) => {
    const prices = title ? pricesIn(part, title, others, priced) : [];
    return prices.length ? { title: fold(contentName(title)), prices } : null;
  };
  const titles = inside(root, root === document.body ? "h1" : HEADINGS);
  const without = (title) => cards.filter((card) => !contains(card, title));
  if (root !== document.body || titles.length === 1) {
    const own = titles[0] && product(titles[0], root, without(titles[0]));
    if (own) return own;
  }
  const only = cards.length === 1 ? cards[0] : null;
  return only ? product(only.querySelector(HEADINGS), only, []) : null;
}

// The prices that stand for themselves: marked as such, else alone in their block; none that are struck out or labelled.
function pricesIn(part, title, others, priced) {
  const found = priced.filter((el) => {
    if (!contains(part, el) || el.closest("table,nav,header,footer,aside,select,button,dl,s,del,strike")) return false;
    for (let at = el; at && at !== part; at = parentOf(at)) {
      if (PAST_OR_SUM.test(spaced(at.className)) || (parentOf(at) && labelsPrice(parentOf(at)))) return false;
    }
    if (others.some((card) => contains(card, el))) return false;
    let near = el;
    while (near && !contains(near, title)) near = parentOf(near);
    return near && !others.some((card) => contains(near, card));
  });
  const marked = found.filter((el) => {
    const own = el.closest("[itemprop=price],[class]");
    return own && contains(part, own) && (own.matches("[itemprop=price]") || /\bprice\b/i.test(spaced(own.className))) && fold(own.innerText).length <= 40;
  });
  const alone = found.filter((el) => {
    let block = el;
    while (block !== part && getComputedStyle(block).display.startsWith("inline")) block = parentOf(block);
    const struck = [...block.querySelectorAll("s,del,strike")].reduce((text, old) => text.replace(old.innerText, " "), block.innerText);
    return ONLY_PRICE.test(fold(struck).replace(/^(price|now):? /i, ""));
  });
  return [...new Set((marked.length ? marked : alone).flatMap((el) => fold(el.innerText).match(new RegExp(PRICE, "g")) || []))];
}

const ONLY_PRICE = new RegExp(`^${PRICE.source}$`);
const PAST_OR_SUM = /\b(old|was|original|rrp|msrp|struck|total|subtotal|shipping|delivery|tax|saving|savings|discount|cart|basket)\b/i;
const spaced = (name) => (typeof name === "string" ? name.replace(/([a-z])([A-Z])/g, "$1 $2").replace(/[-_]+/g, " ") : "");
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
