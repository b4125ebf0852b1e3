// The page works without this script: it groups the digits of the card number while they are
// typed, and says on the button that the payment is under way once it really is.
(() => {
  "use strict";
  const form = document.getElementById("pay");
  if (!form) return;
  const number = form.elements.namedItem("number");
  const expiry = form.elements.namedItem("expiry");
  const button = form.querySelector("button");
  const label = button.textContent;

  const atTheEnd = (field) => field.selectionStart === field.value.length;

  number.addEventListener("input", () => {
    if (!atTheEnd(number)) return;
    const digits = number.value.replace(/\D/g, "").slice(0, 19);
    const amex = /^3[47]/.test(digits);
    const groups = amex
      ? [digits.slice(0, 4), digits.slice(4, 10), digits.slice(10)]
      : digits.match(/.{1,4}/g) || [];
    number.value = groups.filter(Boolean).join(" ");
  });

  expiry.addEventListener("input", (event) => {
    if (event.inputType === "insertText" && /^\d{2}$/.test(expiry.value)) expiry.value += "/";
    if (expiry.value.includes("//")) expiry.value = expiry.value.replace(/\/{2,}/, "/");
  });

  // After the submission has begun, never before: a button switched off too early sends nothing.
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    setTimeout(() => {
      button.setAttribute("aria-disabled", "true");
      button.textContent = form.dataset.busy;
    }, 0);
  });

  // Back from the shop by the browser's own button: the form can be used again.
  window.addEventListener("pageshow", () => {
    delete form.dataset.sent;
    button.removeAttribute("aria-disabled");
    button.textContent = label;
  });
})();
