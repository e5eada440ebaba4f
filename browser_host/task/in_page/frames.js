// Frames of other origins: the page sees their boxes, and what is in them is asked of copies of this script in there.

const LEAST_FRAME = 16; // px; smaller ones measure and count, and hold nothing for people

function closedFrames() {
  return deepQuery("iframe,frame").filter((el) => {
    if (frameDocument(el) || !visible(el)) return false;
    const box = el.getBoundingClientRect();
    return box.width >= LEAST_FRAME && box.height >= LEAST_FRAME;
  });
}

// What a frame is called: by its own title or name, else by where it is from.
function frameLabel(el) {
  const given = fold(el.getAttribute("title") || el.getAttribute("aria-label") || el.name);
  if (given) return given.slice(0, 100);
  try {
    const from = new URL(el.src, document.baseURI);
    return from.protocol.startsWith("http") ? from.host + from.pathname : "";
  } catch {
    return "";
  }
}

const frameInfo = () => closedFrames().map((el) => ({ id: idOf(el), label: frameLabel(el), name: fold(el.name), url: el.src || "" }));

// A point in a frame, in the coordinates of the document that the frame is in; brought into view first.
async function framePoint({ id, x, y }) {
  const el = closedFrames().find((one) => idOf(one) === id);
  if (!el) return { reason: "NOT_FOUND", message: "the frame is gone" };
  const place = () => {
    const box = el.getBoundingClientRect();
    const [dx, dy] = frameOffset(el);
    const style = getComputedStyle(el);
    return [box.left + dx + el.clientLeft + parseFloat(style.paddingLeft) + x, box.top + dy + el.clientTop + parseFloat(style.paddingTop) + y];
  };
  const inside = ([left, top]) => left >= 0 && top >= 0 && left < innerWidth && top < innerHeight;
  let point = place();
  if (!inside(point)) {
    scrollBy({ left: point[0] < 0 || point[0] >= innerWidth ? point[0] - innerWidth / 2 : 0, top: point[1] - innerHeight / 2, behavior: "instant" });
    point = place();
    if (!inside(point)) {
      el.scrollIntoView({ block: "center", inline: "nearest", behavior: "instant" });
      point = place();
    }
    await frame();
  }
  if (!inside(point)) return { reason: "STEP_TIMEOUT", message: `${describeElement(el)} is outside of the visible area` };
  const hit = elementAt(point[0], point[1]);
  if (hit !== el) return { reason: "STEP_TIMEOUT", message: `${describeElement(el)} is covered by ${hit ? describeElement(hit) : "something"}` };
  return { ok: true, x: point[0], y: point[1] };
}

// Whether a target is here, and how it would be answered for.
function hasTarget({ target, purpose }) {
  const one = resolve(target, purpose);
  return one.el ? { ok: true, label: describeElement(one.el) } : one;
}

// The frame that has the focus; null where the focus is not in one.
function focusedFrame() {
  const active = activeElement();
  return active && /^I?FRAME$/.test(active.tagName) && !frameDocument(active) ? idOf(active) : null;
}
