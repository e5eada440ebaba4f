// Mouse, wheel and keys: what the person does, told to the tab that is shown.

// Mouse and wheel.

function place(event) {
  const box = screen.getBoundingClientRect(), { deviceWidth, deviceHeight, offsetTop = 0 } = front.metadata;
  return {
    x: ((event.clientX - box.left) / box.width) * deviceWidth,
    y: ((event.clientY - box.top) / box.height) * deviceHeight - offsetTop,
  };
}

function modifiers(event) {
  const control = event.ctrlKey || (MAC && event.metaKey);
  if (event.getModifierState?.("AltGraph")) return event.shiftKey ? 8 : 0;
  return (event.altKey ? 1 : 0) | (control ? 2 : 0) | (event.metaKey && !MAC ? 4 : 0) | (event.shiftKey ? 8 : 0);
}

function tellPage(method, params) {
  if (front?.sessionId && front.metadata) cdp?.tell(method, params, front.sessionId);
}

function mouse(type, event, more = {}) {
  if (!front?.metadata) return;
  const base = { type, ...place(event), modifiers: modifiers(event), buttons: event.buttons, button: "none" };
  tellPage("Input.dispatchMouseEvent", { ...base, ...more });
}

let pressed = false, moving = null;

screen.addEventListener("mousedown", (event) => {
  event.preventDefault();
  keys.focus({ preventScroll: true });
  pressed = true;
  flushMove();
  mouse("mousePressed", event, { button: BUTTONS[event.button] ?? "none", clickCount: event.detail || 1 });
});
window.addEventListener("mouseup", (event) => {
  if (!pressed) return;
  pressed = event.buttons !== 0;
  flushMove();
  mouse("mouseReleased", event, { button: BUTTONS[event.button] ?? "none", clickCount: event.detail || 1 });
  if (event.button === 0 && event.target === screen && front?.metadata) offerList(place(event)).catch(() => {});
});
window.addEventListener("mousemove", (event) => {
  if (!pressed && event.target !== screen) return;
  if (!moving) requestAnimationFrame(flushMove); // one for each picture is enough
  moving = event;
});

function flushMove() {
  const event = moving;
  moving = null;
  if (event) mouse("mouseMoved", event, { button: BUTTONS[[0, 2, 1].findIndex((n) => event.buttons & (1 << n))] ?? "none" });
}

screen.addEventListener("contextmenu", (event) => event.preventDefault());
screen.addEventListener("wheel", (event) => {
  event.preventDefault();
  const unit = [1, 40, 600][event.deltaMode];
  mouse("mouseWheel", event, { deltaX: event.deltaX * unit, deltaY: event.deltaY * unit });
}, { passive: false });

// Keys. They go to a field that nobody sees, so that pasting, compositions and the keyboards of phones work.

const isPaste = (event) => (event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "v";
const isComposed = (event) => event.isComposing || event.keyCode === 229;

keys.addEventListener("keydown", (event) => {
  if (event.key === "F6") {
    event.preventDefault();
    at(at("question").hidden ? "leave" : "yes").focus();
    return;
  }
  if (isComposed(event) || isPaste(event)) return; // the text comes by itself
  event.preventDefault();
  key("keyDown", event);
});
keys.addEventListener("keyup", (event) => {
  if (isComposed(event) || isPaste(event)) return;
  event.preventDefault();
  key("keyUp", event);
});

function key(type, event) {
  const command = MAC && event.key === "Meta"; // the browser behind the page is no Mac's
  const pressedWith = modifiers(event), name = command ? "Control" : event.key;
  const text = pressedWith & 7 ? "" : name === "Enter" ? "\r" : [...name].length === 1 ? name : "";
  tellPage("Input.dispatchKeyEvent", {
    type: type === "keyDown" && !text ? "rawKeyDown" : type,
    modifiers: pressedWith, key: name,
    code: command ? "ControlLeft" : event.code, windowsVirtualKeyCode: command ? 17 : event.keyCode,
    autoRepeat: event.repeat, location: event.location, isKeypad: event.location === 3,
    ...(type === "keyDown" && text ? { text, unmodifiedText: text } : {}),
  });
}

function insert(text) {
  if (text) tellPage("Input.insertText", { text });
  keys.value = "";
}

keys.addEventListener("paste", (event) => {
  event.preventDefault();
  insert(event.clipboardData.getData("text/plain"));
});
keys.addEventListener("compositionend", (event) => insert(event.data));
keys.addEventListener("input", (event) => {
  if (event.isComposing || event.inputType.includes("omposition")) return;
  if (event.inputType === "deleteContentBackward") {
    for (const type of ["rawKeyDown", "keyUp"]) {
      tellPage("Input.dispatchKeyEvent", { type, key: "Backspace", code: "Backspace", windowsVirtualKeyCode: 8 });
    }
  }
  insert(event.data);
});
