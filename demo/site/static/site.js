"use strict";

// Puts a product in the cart without leaving the page; if the request itself fails, the form is sent as usual.
async function addToCart(form) {
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      headers: { Accept: "application/json" },
      body: new URLSearchParams(new FormData(form)),
    });
    const { message, cart_count: count } = await answer.json();
    document.getElementById("cart-count").textContent = count;
    showToast(message, answer.ok);
  } catch {
    form.submit();
  } finally {
    button.disabled = false;
  }
}

let toastTimer;
function showToast(message, good) {
  const toast = document.getElementById("toast");
  toast.textContent = message;
  toast.classList.toggle("bad", !good);
  toast.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { toast.hidden = true; }, 4000);
}

for (const form of document.querySelectorAll("form.add-to-cart")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    addToCart(form);
  });
}

const sort = document.getElementById("sort");
sort?.addEventListener("change", () => sort.form.submit());

const payment = document.getElementById("payment");
function showNewCard() {
  const saved = payment.querySelector("input[value=saved]");
  payment.querySelector(".new-card").hidden = Boolean(saved?.checked);
}
if (payment) {
  payment.addEventListener("change", showNewCard);
  showNewCard();
}

const placeOrder = document.getElementById("place-order");
placeOrder?.addEventListener("submit", () => {
  placeOrder.querySelector("button").disabled = true;
});
window.addEventListener("pageshow", () => {
  placeOrder?.querySelector("button").removeAttribute("disabled");
});
