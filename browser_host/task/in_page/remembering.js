// What a recording keeps of an element and of a page, and how a replay finds the element again.

const MADE_UP = /\d{3,}|[0-9a-f]{8,}|^:|^(ember|ext-gen|radix|react|mui|headlessui|select2)[-_:]/i; // ids that programs make
const OF_THE_SITE = "nav,header,footer,[role=navigation],[role=banner],[role=contentinfo],[role=menu],[role=menubar],[role=tablist],[role=toolbar]";
const MOST_MARKS = 150;

function elementFacts(el) {
  return {
    role: roleOf(el), name: nameOf(el).slice(0, 120), test_id: testId(el).slice(0, 200),
    stable_id: el.id && !MADE_UP.test(el.id) ? el.id.slice(0, 200) : "",
    field_name: isControl(el) ? (el.getAttribute("name") || "").slice(0, 200) : "",
    placeholder: fold(el.placeholder || "").slice(0, 120), css: cssPath(el).slice(0, 500),
    tag: el.tagName.toLowerCase() + (el.type ? `/${el.type}` : ""), region: regionOf(el), repeated: repeatedAround(el),
    secret: isSecret(el),
  };
}

// Where on the page an element is, in words that do not change when the rest of the page does.
function regionOf(el) {
  const form = el.closest("form,[role=form],[role=search],dialog,[role=dialog],fieldset");
  const formName = form ? form.id || form.getAttribute("name") || form.getAttribute("aria-label") || form.tagName.toLowerCase() : "";
  const part = el.closest("section,article,form,fieldset,dialog,[role=dialog],[role=region]");
  const heading = part && part.querySelector(`${HEADINGS},legend`);
  return [landmarkOf(el), MADE_UP.test(formName) ? "form" : formName, heading ? fold(contentName(heading)).slice(0, 60) : ""].join("/");
}

// Whether an element is in one of several parts of a kind - rows, cards, results -, so that taking it was a choice.
function repeatedAround(el) {
  if (el.closest(OF_THE_SITE)) return false;
  const alike = (at) => {
    const siblings = at.parentElement ? [...at.parentElement.children] : [];
    return siblings.filter((one) => one.tagName === at.tagName && one.className === at.className).length > 1;
  };
  const sends = el.form && /^(submit|image)$/.test(el.type) ? el.form : null;
  if (el.tagName === "A" && el.childElementCount && el.className && alike(el)) return true;
  for (let at = parentOf(el); at && at.nodeType === 1 && !/^(MAIN|BODY|HTML)$/.test(at.tagName); at = parentOf(at)) {
    if (sends && sends !== at && contains(sends, at)) continue; // the rows of the form that it sends
    const kind = /^(TR|LI|ARTICLE)$/.test(at.tagName) || /^(row|listitem|article|option)$/.test(at.getAttribute("role") || "");
    if ((kind || (at.className && at.firstElementChild)) && alike(at)) return true;
  }
  return false;
}

// What can be told of a page before and after a step, to see what the step made true.
function facts() {
  watch();
  const marks = new Map();
  for (const el of allElements()) {
    const role = roleOf(el);
    if (!/^(button|link|heading|tab)$/.test(role)) continue;
    const name = nameOf(el) || (role === "heading" ? fold(contentName(el)) : "");
    if (!name || name.length > 60 || marks.has(`${role} ${name}`) || !visible(el) || repeatedAround(el)) continue;
    marks.set(`${role} ${name}`, { role, name });
    if (marks.size >= MOST_MARKS) break;
  }
  const dialog = topDialog();
  return {
    url: location.href, title: document.title, marks: [...marks.values()], dialog: dialog ? nameOf(dialog) || "?" : "",
    password: deepQuery("input[type=password]").some(visible), messages: talk().messages,
  };
}

const SAME_WORDS = [["login", "log in", "sign in", "signin", "log on"], ["logout", "log out", "sign out", "signout", "log off"], ["cart", "basket", "bag", "trolley"], ["e-mail", "email", "mail"], ["user name", "username"]];

function wordsOf(name) {
  let text = ` ${low(name)} `;
  for (const words of SAME_WORDS) for (const word of words.slice(1)) text = text.replaceAll(` ${word} `, ` ${words[0]} `);
  return new Set(text.match(/[\p{L}\p{N}]+/gu) || []);
}

function overlap(a, b) {
  const [ours, theirs] = [wordsOf(a), wordsOf(b)];
  const most = Math.max(ours.size, theirs.size);
  return most ? [...ours].filter((word) => theirs.has(word)).length / most : 1;
}

// From 0 to 1: how much of what is known of an element holds for this one.
function likeness(el, known) {
  const seen = elementFacts(el);
  let [sum, whole] = [0, 0];
  const count = (weight, part) => {
    whole += weight;
    sum += weight * part;
  };
  count(2, seen.role === known.role ? 1 : 0);
  count(1, seen.tag === known.tag ? 1 : 0);
  if (known.name || seen.name) count(3, overlap(seen.name, known.name || ""));
  for (const [name, weight] of [["test_id", 2], ["stable_id", 1.5], ["field_name", 1], ["placeholder", 0.5], ["region", 1]]) {
    if (known[name]) count(weight, seen[name] === known[name] ? 1 : 0);
  }
  return sum / whole;
}

// Whether an element that is called otherwise may be the known one at all: a button must share a word with it, a field
// may be told by what no one sees.
function kindred(el, known) {
  if (roleOf(el) !== known.role) return false;
  if (overlap(nameOf(el), known.name || "") > 0) return true;
  const seen = elementFacts(el);
  const field = FIELD_ROLES.has(seen.role) || /^(listbox|checkbox|radio|switch)$/.test(seen.role);
  return field && seen.tag === known.tag && ["test_id", "stable_id", "field_name"].some((name) => known[name] && seen[name] === known[name]);
}

function waysTo(target, known, purpose) {
  if (target.within) return [["name", [resolve({ role: known.role, within: target.within }, purpose).el]]]; // only in its own row
  const quoted = (text) => JSON.stringify(text);
  const byCss = (css) => {
    try {
      return deepQuery(css);
    } catch {
      return [];
    }
  };
  return [
    ["test_id", known.test_id ? allElements().filter((el) => testId(el) === known.test_id) : []],
    ["name", known.name ? [resolve({ role: known.role, name: known.name, exact: true }, purpose).el] : []],
    ["id", known.stable_id ? byCss(`#${CSS.escape(known.stable_id)}`) : []],
    ["label", known.field_name ? byCss(`[name=${quoted(known.field_name)}]`) : []],
    ["placeholder", known.placeholder ? byCss(`[placeholder=${quoted(known.placeholder)}]`) : []],
    ["css", known.css ? byCss(known.css) : []],
  ];
}

// Finds a recorded element: as it was recorded, else, with `heal`, what is so like it that it is taken for it.
async function locate({ target, elements, purpose, heal, wait }) {
  return patiently(wait, async () => {
    const one = resolve(target, purpose);
    if (one.el && (!elements.length || elements.some((known) => likeness(one.el, known) >= 0.5))) {
      const moved = elements.length > 0 && !repeatedAround(one.el) && !elements.some((known) => known.region === regionOf(one.el));
      return { ok: true, by: moved ? "moved" : "", found: describeElement(one.el), name: nameOf(one.el) };
    }
    if (heal) {
      for (const known of elements) {
        for (const [by, found] of waysTo(target, known, purpose)) {
          const shown = found.filter((el) => el && reachable(el));
          if (shown.length !== 1 || likeness(shown[0], known) < 0.7 || !kindred(shown[0], known)) continue;
          return { ok: true, by, target: targetFor(shown[0]), found: describeElement(shown[0]), name: nameOf(shown[0]) };
        }
      }
    }
    return { reason: one.reason || "NOT_FOUND", message: one.el ? `${describeElement(one.el)} is not what was recorded` : one.message };
  });
}
