// What a page says of itself to programs (JSON-LD), in the form of what is read off it: labels and values, and tables.

const ABOUT_THE_SITE = /^(BreadcrumbList|Organization|Corporation|OnlineStore|WebSite|WebPage|SiteNavigationElement|SearchAction)$/;
const PLAIN_PARTS = /^(offers|aggregateRating|reviewRating)$/; // their own names say what they are of
const MOST_SCRIPTS = 50;
const MOST_THINGS = 500;

const linkedScripts = () => deepQuery('script[type="application/ld+json" i]').slice(0, MOST_SCRIPTS);
const typeOfThing = (thing) => [].concat(thing["@type"] || "")[0];

function things(value, found) {
  if (Array.isArray(value)) for (const one of value) things(one, found);
  else if (value && typeof value === "object" && found.length < MOST_THINGS && !ABOUT_THE_SITE.test(typeOfThing(value))) {
    if (value["@graph"]) things(value["@graph"], found);
    else if (value.itemListElement) things([].concat(value.itemListElement).map((one) => one.item || one), found);
    else found.push(value);
  }
  return found;
}

const keyWords = (key) => key.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();

// [label, value] of everything plain in a thing; of a thing in it the name stands for the whole.
function thingFacts(thing, prefix, depth) {
  const facts = [];
  for (const [key, value] of Object.entries(thing)) {
    const label = fold(`${prefix} ${keyWords(key)}`);
    const one = Array.isArray(value) && value.length === 1 ? value[0] : value;
    if (key.startsWith("@") || one === null) continue;
    if (Array.isArray(one)) {
      if (one.every((part) => typeof part !== "object")) facts.push([label, one.join(", ")]);
    } else if (typeof one !== "object") facts.push([label, fold(String(one))]);
    else if (depth < 3) facts.push(...thingFacts(one, PLAIN_PARTS.test(key) ? prefix : label, depth + 1).map(([inner, text]) => [inner.replace(/ name$/, ""), text]));
  }
  return facts.filter(([label, text]) => label && text && text.length <= 2000);
}

function linkedData() {
  const found = [];
  for (const script of linkedScripts()) {
    try {
      things(JSON.parse(script.textContent), found);
    } catch {
      // not JSON: it says nothing
    }
  }
  if (!found.length) return null;
  const kinds = Map.groupBy(found, typeOfThing);
  const tables = [];
  const pairs = [];
  for (const [kind, alike] of kinds) {
    const rows = alike.map((thing) => thingFacts(thing, "", 0));
    if (rows.length === 1) {
      pairs.push(...rows[0]);
      continue;
    }
    const headers = [...new Set(rows.flatMap((row) => row.map(([label]) => label)))];
    const records = rows.map((row) => new Map(row)).map((row) => headers.map((label) => row.get(label) || ""));
    tables.push({ caption: kind, headers, rows: records, refs: [], labelled: false });
  }
  return { pairs, tables, fields: [], lists: [], cards: [], headings: [], text: "", product: null };
}

// The script that says a text; null where none does.
function linkedScriptWith(text) {
  const written = JSON.stringify(text).slice(1, -1);
  return linkedScripts().find((script) => script.textContent.includes(text) || script.textContent.includes(written)) || null;
}
