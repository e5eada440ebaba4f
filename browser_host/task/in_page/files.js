// File fields: finds the one that a target names, keeps it for what gives it the files, and sees what it got.

function keepField(el) {
  const kept = { el, given: null };
  const note = () => {
    if (el.files.length) kept.given = listOf(el);
  };
  for (const type of ["input", "change"]) el.addEventListener(type, note, { capture: true });
  state.field = kept;
}

const listOf = (el) => [...el.files].map((file) => `${file.size} ${file.name}`);
const named = (target) => target.role || target.name || target.css || target.testId;

// The file field that pressing an element would open the chooser of, as far as the document tells.
function fieldBehind(el) {
  const label = el.closest && el.closest("label");
  if (label && label.control && PURPOSES.file(label.control)) return label.control;
  const inside = [...el.querySelectorAll("input[type=file]")];
  return inside.length === 1 ? inside[0] : null;
}

// -> {ok, field: true, ...} with the field kept; or {ok, field: false} for what may open a file chooser when pressed.
async function fileField({ target, count, wait }) {
  state.field = null;
  const answer = await patiently(wait, async () => {
    let one = resolve(target, "file");
    if (!one.el && one.reason === "NOT_FOUND" && named(target)) one = resolve(target, "click");
    if (!one.el) return one;
    const field = PURPOSES.file(one.el) ? one.el : fieldBehind(one.el);
    if (!field) return { ok: true, field: false, label: describeElement(one.el) };
    const refused = refuse(field, false) || takes(field, count);
    if (refused) return refused;
    keepField(field);
    return { ok: true, field: true, label: describeElement(field) };
  });
  if (!answer.ok && answer.near) {
    const fields = allElements().filter(PURPOSES.file).map(describeElement);
    answer.message = `no ${named(target) ? phrase(target) : "file field"} on the page`;
    if (fields.length) answer.message += `; its file fields are: ${fields.slice(0, 5).join(", ")}`;
  }
  return answer;
}

function takes(field, count) {
  const label = describeElement(field);
  if (field.webkitdirectory) return { final: true, reason: "FILE_NOT_ACCEPTED", message: `${label} takes a directory, not files` };
  if (count > 1 && !field.multiple) return { final: true, reason: "FILE_NOT_ACCEPTED", message: `${label} takes one file, not ${count}` };
  return null;
}

// A field that a page's chooser belongs to, which need not be in the document.
function keepChosen(el, count) {
  const refused = takes(el, count);
  if (!refused) keepField(el);
  return refused || { ok: true, label: el.isConnected ? describeElement(el) : "the file chooser" };
}

// Waits until the page has the files: its field shows them, or it has emptied the field and shows their names itself.
async function filesTaken({ files, wait }) {
  const { el } = state.field;
  const wanted = files.map((file) => `${file.size} ${file.name}`);
  const same = (list) => !!list && list.length === wanted.length && wanted.every((one) => list.includes(one));
  return patiently(wait, async () => {
    const kept = state.field;
    const message = el.validationMessage || "";
    if (el.validity && el.validity.customError && message) return { final: true, reason: "REJECTED_BY_PAGE", message };
    const left = listOf(el);
    const away = !el.isConnected && kept.given && !same(left);
    if (same(left) && !away) return { ok: true, shown: "field", title: document.title };
    const text = low(pageText());
    if (same(kept.given) && files.every((file) => text.includes(low(file.name)))) return { ok: true, shown: "page", title: document.title };
    const what = left.length ? `shows ${left.length} other files` : same(kept.given) ? "was emptied by the page, which does not show them" : "shows none";
    return { ok: false, reason: "EXPECTATION_FAILED", message: `the files were given, and the field ${what}` };
  });
}
