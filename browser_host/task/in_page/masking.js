// Where secrets can be read, for pictures in which they are painted over.

// As a page may show it: in another case, with separators of its own.
const bare = (text) => (text || "").toLowerCase().replace(/[\s.\u2010-\u2015-]/g, "");

// Whether a text has one of the secrets in it; one of few characters has to be all of it.
function secretIn(texts) {
  const spelled = texts.map((text) => text.toLowerCase());
  const wanted = [...new Set([...spelled, ...spelled.map(bare)])].filter((text) => text.length > 3);
  const short = new Set(spelled.filter((text) => text.length <= 3));
  return (text) => {
    const plain = (text || "").toLowerCase();
    const without = bare(plain);
    return short.has(fold(plain)) || wanted.some((one) => plain.includes(one) || without.includes(one));
  };
}

const legible = (node) => node.nodeType === Node.TEXT_NODE || (node.nodeType === Node.ELEMENT_NODE && !SKIPPED.has(node.tagName));

function textIn(node) {
  if (node.nodeType === Node.TEXT_NODE) return node.data;
  return [...node.childNodes].filter(legible).map(textIn).join("");
}

// The smallest parts of what can be read that hold a secret, as ranges.
function holding(node, has, found) {
  const inner = node.nodeType === Node.TEXT_NODE ? [] : [...node.childNodes].filter(legible);
  const holders = inner.filter((one) => has(textIn(one)));
  for (const one of holders) holding(one, has, found);
  const rest = inner.filter((one) => !holders.includes(one)).map(textIn).join("");
  if (holders.length && !has(rest)) return;
  const range = node.ownerDocument.createRange();
  range.selectNodeContents(node);
  found.push(range);
}

const showsSecret = (el, has) => el.type !== "password" && valueOf(el) !== "" && (isSecret(el) || SECRET_NAME.test(nameOf(el)) || has(valueOf(el)));

// Boxes in the visible area, and those of the frames that this script cannot look into.
function shownSecrets({ texts }) {
  const has = secretIn(texts);
  const boxes = [];
  const keep = (rects, el) => {
    const [dx, dy] = frameOffset(el);
    for (const box of rects) {
      const [left, top] = [Math.max(box.left + dx, 0), Math.max(box.top + dy, 0)];
      const [right, bottom] = [Math.min(box.right + dx, innerWidth), Math.min(box.bottom + dy, innerHeight)];
      if (left < right && top < bottom) boxes.push([left, top, right, bottom]);
    }
  };
  for (const el of deepQuery("input,textarea,select")) if (showsSecret(el, has)) keep(el.getClientRects(), el);
  if (texts.length) {
    for (const root of roots()) {
      const top = root.body || root;
      if (!has(top.textContent) || !has(textIn(top))) continue;
      const ranges = [];
      holding(top, has, ranges);
      for (const range of ranges) keep(range.getClientRects(), top.host || top);
    }
  }
  const frames = closedFrames().map((el) => {
    const before = boxes.length;
    keep([el.getBoundingClientRect()], el);
    return [idOf(el), boxes.splice(before)];
  });
  return { width: innerWidth, boxes, frames };
}
