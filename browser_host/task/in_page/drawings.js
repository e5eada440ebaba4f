// What is drawn rather than written: the shapes of SVG drawings, and boxes of the page that are a colour or a frame and
// nothing more.

const SHAPES = "rect,circle,ellipse,polygon,polyline,line,path,text";
const CORNERS = { 3: "triangle", 4: "quadrilateral", 5: "pentagon", 6: "hexagon" };
const LEAST_DRAWING = 40; // px; what is smaller both ways is an icon
const LEAST_BOX = 8; // px

function isDrawing(svg) {
  const box = svg.getBoundingClientRect();
  if (Math.max(box.width, box.height) < LEAST_DRAWING || !visible(svg)) return false;
  return !(svg.parentElement && svg.parentElement.closest("button,a[href],[role=button],[role=link],label"));
}

const showsColour = (css) => css !== "none" && !/^rgba\(.*, 0\)$/.test(css);

function kindOf(el) {
  const tag = el.tagName;
  if (tag === "rect") return "rectangle";
  if (tag === "ellipse") return el.rx.baseVal.value === el.ry.baseVal.value ? "circle" : "ellipse";
  if (tag !== "polygon") return tag;
  return CORNERS[new Set([...el.points].map((point) => `${point.x},${point.y}`)).size] || "polygon";
}

// A point of an SVG element in the page's coordinates.
function placed(el, x, y) {
  const at = new DOMPoint(x, y).matrixTransform(el.getScreenCTM());
  const [dx, dy] = frameOffset(el);
  return [at.x + dx, at.y + dy];
}

function partOfDrawing(el, svg) {
  const style = getComputedStyle(el);
  const [fill, edge] = [style.fill, style.stroke].map((css) => (showsColour(css) ? css : ""));
  if ((!fill && !edge) || style.opacity === "0" || !visible(el)) return null;
  const line = el.tagName === "line";
  const box = el.getBoundingClientRect();
  const sheet = svg.getBoundingClientRect();
  if (el.tagName === "rect" && box.width * box.height > sheet.width * sheet.height * 0.9) return null; // the ground
  const title = el.querySelector("title");
  return {
    kind: kindOf(el), text: el.tagName === "text" ? fold(el.textContent) : "",
    name: fold(el.getAttribute("aria-label") || (title && title.textContent) || el.id),
    fill: el.tagName === "line" ? "" : fill, edge, box, sheet: svg,
    extent: el.tagName === "text" ? parseFloat(style.fontSize) : Math.max(box.width, box.height),
    ends: line ? [placed(el, el.x1.baseVal.value, el.y1.baseVal.value), placed(el, el.x2.baseVal.value, el.y2.baseVal.value)] : [],
  };
}

// A box without a role and with no more in it than a letter or two.
function plainBox(el) {
  if (el.childElementCount || isControl(el) || roleOf(el) || el.textContent.length > 40) return null;
  const text = fold(el.textContent);
  if (text.length > 2) return null;
  const style = getComputedStyle(el);
  const fill = showsColour(style.backgroundColor) ? style.backgroundColor : "";
  const framed = ["Top", "Right", "Bottom", "Left"].every((side) => parseFloat(style[`border${side}Width`]) > 0 && showsColour(style[`border${side}Color`]));
  if (!fill && !framed) return null;
  const box = el.getBoundingClientRect();
  if (Math.min(box.width, box.height) < LEAST_BOX || !visible(el) || clipped(el) || !el.parentElement) return null;
  const round = Math.abs(box.width - box.height) < 2 && (style.borderTopLeftRadius === "50%" || parseFloat(style.borderTopLeftRadius) >= box.width / 2);
  return {
    kind: round ? "circle" : "rectangle", text: "", name: fold(el.getAttribute("aria-label") || el.title),
    fill, edge: framed ? style.borderTopColor : "", box, sheet: el.parentElement, extent: Math.max(box.width, box.height), ends: [],
  };
}

function drawing() {
  watch();
  seen.elements = [];
  const shapes = [];
  const sheets = {};
  const add = (el, found) => {
    if (!found || shapes.length >= MOST_ITEMS) return;
    const { box, sheet, ...rest } = found;
    const [dx, dy] = frameOffset(el);
    const around = sheet.getBoundingClientRect();
    const known = sheets[idOf(sheet)];
    const ref = known ? known.ref : seen.elements.push(sheet) - 1;
    sheets[idOf(sheet)] = { ref, drawn: sheet.tagName === "svg", x: around.x + dx, y: around.y + dy, width: around.width, height: around.height };
    shapes.push({ ...rest, ref: seen.elements.push(el) - 1, id: idOf(el), sheet: idOf(sheet), x: box.x + dx, y: box.y + dy, width: box.width, height: box.height });
  };
  for (const el of allElements()) {
    if (el.tagName !== "svg") add(el, plainBox(el));
    else if (isDrawing(el)) for (const part of el.querySelectorAll(SHAPES)) if (!part.closest("defs,clipPath,mask,pattern,marker,symbol")) add(part, partOfDrawing(part, el));
  }
  return { shapes, sheets };
}
