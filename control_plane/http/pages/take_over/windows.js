// What a browser shows in windows of its own, which are in no picture: the list of a <select>, and the choice of files.

const MOST_FILE_BYTES = 20 * 2 ** 20; // a message to the browser has at most 32 MiB, and files grow by a third in it
const list = at("list"), files = at("files");

let listed = null; // { sessionId, objectId } of the <select> whose list is shown
let asked = null; // { sessionId, backendNodeId } of the field that files are asked for

function closeWindows() {
  listed = asked = null;
  list.hidden = files.hidden = true;
}

// In the page: the list that has the focus.
const FOCUSED_LIST = `(() => {
  let el = document.activeElement;
  for (let inner = el; inner;) {
    el = inner;
    inner = el.shadowRoot?.activeElement ?? (/^I?FRAME$/.test(el.tagName) ? el.contentDocument?.activeElement : null);
  }
  return el?.tagName === "SELECT" && !el.multiple && el.size < 2 && !el.disabled ? el : null;
})()`;

// In the page: what stands in the list, and where it is; null where the press was not on it.
const READ_LIST = `function (x, y) {
  const box = this.getBoundingClientRect();
  let [left, top] = [box.left, box.top];
  for (let view = this.ownerDocument.defaultView; view.frameElement; view = view.parent) {
    const around = view.frameElement.getBoundingClientRect();
    left += around.left + view.frameElement.clientLeft;
    top += around.top + view.frameElement.clientTop;
  }
  if (x < left || y < top || x >= left + box.width || y >= top + box.height) return null;
  const options = [...this.options].map((one) => ({
    text: one.label, group: one.parentElement.label ?? "", hidden: one.hidden,
    disabled: one.disabled || !!one.parentElement.disabled,
  }));
  return { left, bottom: top + box.height, width: box.width, chosen: this.selectedIndex, options };
}`;

const CHOOSE = `function (index) {
  if (this.selectedIndex === index) return;
  this.selectedIndex = index;
  for (const type of ["input", "change"]) this.dispatchEvent(new Event(type, { bubbles: true, composed: type === "input" }));
}`;

async function offerList({ x, y }) {
  const { sessionId } = front, mine = cdp;
  const { result } = await mine.send("Runtime.evaluate", { expression: FOCUSED_LIST }, sessionId);
  if (!result.objectId) return;
  const call = { objectId: result.objectId, functionDeclaration: READ_LIST, arguments: [{ value: x }, { value: y }] };
  const { value } = (await mine.send("Runtime.callFunctionOn", { ...call, returnByValue: true }, sessionId)).result;
  if (!value || front?.sessionId !== sessionId) return;
  listed = { sessionId, objectId: result.objectId };
  drawList(value);
}

function drawList({ left, bottom, width, chosen, options }) {
  const groups = new Map([["", list]]);
  list.replaceChildren();
  options.forEach((option, index) => {
    if (option.hidden) return;
    if (!groups.has(option.group)) {
      const group = document.createElement("optgroup");
      group.label = option.group;
      list.append(group);
      groups.set(option.group, group);
    }
    const shown = new Option(option.text, String(index), false, index === chosen);
    shown.disabled = option.disabled;
    groups.get(option.group).append(shown);
  });
  const scale = screen.clientWidth / front.metadata.deviceWidth;
  list.size = Math.max(2, Math.min(12, list.options.length + groups.size - 1));
  const below = (bottom + (front.metadata.offsetTop ?? 0)) * scale;
  list.hidden = false;
  list.style.minWidth = `${width * scale}px`;
  list.style.left = `${Math.max(0, Math.min(left * scale, screen.clientWidth - list.offsetWidth))}px`;
  list.style.top = `${Math.max(0, Math.min(below, screen.clientHeight - list.offsetHeight))}px`;
  list.focus({ preventScroll: true });
}

// The browser's own list, which nobody sees, is open too and ends with the key.
function closeList(index = null) {
  if (!listed) return;
  const { sessionId, objectId } = listed;
  listed = null;
  list.hidden = true;
  for (const type of ["rawKeyDown", "keyUp"]) {
    cdp?.tell("Input.dispatchKeyEvent", { type, key: "Escape", code: "Escape", windowsVirtualKeyCode: 27 }, sessionId);
  }
  if (index !== null) {
    const call = { objectId, functionDeclaration: CHOOSE, arguments: [{ value: index }], userGesture: true };
    cdp?.tell("Runtime.callFunctionOn", call, sessionId);
  }
  keys.focus({ preventScroll: true });
}

const choose = () => closeList(list.selectedIndex < 0 ? null : Number(list.value));
list.addEventListener("click", (event) => {
  if (event.target.closest("option")) choose();
});
list.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" && event.key !== "Escape" && event.key !== "Tab") return;
  event.preventDefault();
  if (event.key === "Escape") closeList();
  else choose();
});
list.addEventListener("blur", () => closeList());

function askForFiles({ backendNodeId, mode }) {
  if (!backendNodeId) return; // asked for by a script without a field: there is nowhere to put them
  asked = { sessionId: front.sessionId, backendNodeId };
  at("file").multiple = mode === "selectMultiple";
  at("file").value = "";
  files.hidden = false;
  at("file").focus();
}

// In the page: as if they had been chosen there.
const TAKE = `function (files) {
  const given = new DataTransfer();
  for (const { name, type, data } of files) {
    given.items.add(new File([Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))], name, { type }));
  }
  this.files = given.files;
  for (const type of ["input", "change"]) this.dispatchEvent(new Event(type, { bubbles: true, composed: type === "input" }));
}`;

function read(file) {
  return new Promise((done, fail) => {
    const reader = new FileReader();
    reader.onload = () => done({ name: file.name, type: file.type, data: reader.result.slice(reader.result.indexOf(",") + 1) });
    reader.onerror = () => fail(new Error(`${file.name} cannot be read`));
    reader.readAsDataURL(file);
  });
}

at("file").addEventListener("change", async () => {
  const { sessionId, backendNodeId } = asked ?? {}, chosen = [...at("file").files];
  if (!sessionId || !chosen.length) return;
  notice = "";
  try {
    const size = chosen.reduce((sum, file) => sum + file.size, 0);
    if (size > MOST_FILE_BYTES) {
      throw new Error(`These files have ${Math.ceil(size / 2 ** 20)} MiB; 20 can be given here. Larger ones: tabkeep file upload, and an action that uploads.`);
    }
    const value = await Promise.all(chosen.map(read));
    const { object } = await cdp.send("DOM.resolveNode", { backendNodeId }, sessionId);
    const call = { objectId: object.objectId, functionDeclaration: TAKE, arguments: [{ value }], userGesture: true };
    const { exceptionDetails } = await cdp.send("Runtime.callFunctionOn", call, sessionId);
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    closeWindows();
    keys.focus({ preventScroll: true });
  } catch (error) {
    notice = `The page did not get the files: ${error.message}`;
  }
  draw();
});
at("no-file").addEventListener("click", () => {
  closeWindows();
  keys.focus({ preventScroll: true });
});
