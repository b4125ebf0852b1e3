/* Passkeys: gets the WebAuthn options from the shop, asks the device, and submits its answer with an
   ordinary form. Forms with data-passkey stay hidden in browsers without WebAuthn. */
(function () {
  "use strict";

  if (!window.PublicKeyCredential || !navigator.credentials) return;

  const bytes = (text) => Uint8Array.from(
    atob(text.replace(/-/g, "+").replace(/_/g, "/")), (character) => character.charCodeAt(0),
  );
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  /* Convert between base64url, used in JSON, and the bytes of the browser's API. */
  function forDevice(options) {
    options.challenge = bytes(options.challenge);
    if (options.user) options.user.id = bytes(options.user.id);
    for (const key of ["excludeCredentials", "allowCredentials"]) {
      (options[key] || []).forEach((credential) => { credential.id = bytes(credential.id); });
    }
    return { publicKey: options };
  }

  function forShop(credential) {
    const response = {};
    const names = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
    names.forEach((name) => {
      if (credential.response[name]) response[name] = text(credential.response[name]);
    });
    return JSON.stringify({
      id: credential.id,
      rawId: text(credential.rawId),
      type: credential.type,
      response,
      clientExtensionResults: credential.getClientExtensionResults(),
    });
  }

  async function optionsFor(form) {
    const answer = await fetch(form.dataset.options, {
      method: "POST",
      body: new FormData(form), // the shop restores the input after asking for the password
      credentials: "same-origin",
    });
    if (answer.redirected) {
      window.location.assign(answer.url); // the shop asks for the password again
      return null;
    }
    if (answer.status === 422) {
      form.submit(); // the shop shows at the fields what is to be corrected
      return null;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    return forDevice(await answer.json());
  }

  function say(form, sentence) {
    const place = form.querySelector(".passkey-error");
    place.textContent = sentence;
    place.classList.toggle("field-error", Boolean(sentence));
  }

  /* A passkey belongs to the shop's own address: elsewhere the browser has none, or refuses. */
  const isElsewhere = (form) => new URL(form.dataset.home).origin !== window.location.origin;

  function sayWhereToGo(form) {
    const link = document.createElement("a");
    link.href = new URL(window.location.pathname + window.location.search, form.dataset.home).href;
    link.textContent = form.dataset.home;
    say(form, form.dataset.elsewhere + " ");
    form.querySelector(".passkey-error").append(link);
  }

  function sentenceFor(form, error) {
    if (error.name === "NotAllowedError" || error.name === "AbortError") return form.dataset.cancelled;
    return error.name === "InvalidStateError" ? form.dataset.known : form.dataset.failed;
  }

  async function ask(form, button) {
    say(form, "");
    button.setAttribute("aria-busy", "true");
    try {
      const options = await optionsFor(form);
      if (!options) return;
      const credential = await navigator.credentials[form.dataset.passkey](options);
      form.elements.credential.value = forShop(credential);
      form.requestSubmit(button);
    } catch (error) {
      button.removeAttribute("aria-busy");
      if (isElsewhere(form)) sayWhereToGo(form);
      else say(form, sentenceFor(form, error));
    }
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.dataset.passkey || form.elements.credential.value) return;
    event.preventDefault();
    event.stopPropagation();
    const button = event.submitter || form.querySelector("button[type=submit]");
    if (!button.hasAttribute("aria-busy")) ask(form, button);
  }, true);

  /* After going back to the page, the device can be asked again. */
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-passkey]").forEach((form) => {
      form.elements.credential.value = "";
      form.hidden = false;
    });
    document.querySelectorAll("[data-without-passkeys]").forEach((note) => note.remove());
  });
})();
