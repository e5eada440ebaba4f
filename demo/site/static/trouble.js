"use strict";

function hang() {
  for (;;);
}

const hangButton = document.getElementById("hang");
hangButton?.addEventListener("click", hang);
if (hangButton?.dataset.now) {
  window.addEventListener("load", () => setTimeout(hang, 50));
}

document.getElementById("alert")?.addEventListener("click", () => {
  alert("Are you still there?");
  document.getElementById("alert-closed").textContent = "The alert was closed.";
});

document.getElementById("popup")?.addEventListener("click", () => {
  window.open("/trouble/popup/opened");
});

const late = document.getElementById("late");
if (late) {
  setTimeout(() => {
    const button = document.createElement("button");
    button.textContent = "Continue";
    late.append(button);
  }, 700);
}
