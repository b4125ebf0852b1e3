/* JavaScript that htmx does not cover; every journey also works without it.
   All listeners are on the document, so they apply to content that htmx swaps in. */
(function () {
  "use strict";

  const byId = (id) => document.getElementById(id);
  const on = (name, act, capture) => document.addEventListener(name, act, capture || false);
  const SHOWN_IN_PLACE = [409, 422];

  document.documentElement.classList.add("js");

  /* --- The return from the bank ---------------------------------------------------------------- */

  /* The page's own URL in the address bar, and to come back to: the reference to the payment has
     been read. */
  const here = new URL(location.href);
  if (here.searchParams.has("payment")) {
    here.searchParams.delete("payment");
    history.replaceState(history.state, "", here);
  }

  /* --- htmx, from the CDN or from this site -------------------------------------------------- */

  const PATIENCE_WITH_THE_CDN = 2000; // milliseconds
  const asked = document.querySelector("script[src*='/htmx.org@']");
  let isReplaced = false;
  let isReady = false; // htmx has prepared the page

  /* Load the copy, if there is one. A script of another document never runs: an answer of the CDN
     that comes after all changes nothing. */
  function loadCopy() {
    if (!asked || window.htmx || isReplaced) return;
    isReplaced = true;
    document.documentElement.classList.add("without-htmx");
    if (!asked.dataset.copy) return;
    const copy = document.createElement("script");
    copy.integrity = asked.integrity;
    copy.src = asked.dataset.copy;
    document.implementation.createHTMLDocument("").adoptNode(asked);
    document.head.append(copy);
  }

  if (asked) {
    asked.addEventListener("error", loadCopy);
    window.addEventListener("load", loadCopy); // the error may have come before this script
    setTimeout(loadCopy, PATIENCE_WITH_THE_CDN);
  }

  on("htmx:after:process", () => {
    isReady = true;
    document.documentElement.classList.remove("without-htmx");
    catchUp();
  });

  /* --- Amounts that follow the fields ---------------------------------------------------------- */

  const unheard = new Set(); // fields that changed while nothing listened

  /* The part of the page that a change of `field` renews, if it shows what the fields come to. */
  function followerOf(field) {
    if (field.matches("[type=search]")) return null;
    const source = field.closest("[hx-trigger^='input'], [hx-trigger^='change']");
    const target = source && document.querySelector(source.getAttribute("hx-target"));
    return target && (target.matches("[data-stale]") || target.querySelector("[data-stale]")) ? target : null;
  }

  /* Show that the amounts in `target` are not those of the fields. */
  function outdate(target) {
    const parts = target.matches("[data-stale]") ? [target] : target.querySelectorAll("[data-stale]");
    parts.forEach((part) => {
      const text = document.createElement("p");
      text.className = "soft";
      text.textContent = part.dataset.stale;
      part.replaceChildren(text);
    });
    document.querySelectorAll(`[data-total-of="${target.id}"]`).forEach((total) => total.replaceChildren());
  }

  /* The same after a request that failed. */
  function outdateFor(context) {
    const { sourceElement: source, target } = context;
    if (target && target.querySelectorAll && !source.matches("[type=search]")) outdate(target);
  }

  function fieldChanged(event) {
    const field = event.target;
    const follower = !isReady && field.matches("input, select") ? followerOf(field) : null;
    if (!follower) return;
    unheard.add(field);
    outdate(follower);
  }

  function catchUp() {
    const fields = Array.from(unheard);
    unheard.clear();
    fields.forEach(tell);
  }

  /* Have the part that follows `field` renewed. */
  function tell(field) {
    const [name] = field.closest("[hx-trigger]").getAttribute("hx-trigger").split(" ");
    field.dispatchEvent(new Event(name, { bubbles: true }));
  }

  const differs = (field) => (field.matches("[type=checkbox], [type=radio]")
    ? field.checked !== field.defaultChecked
    : field.value !== field.defaultValue);

  /* A page gone back to has what was typed, which may not be what its amounts are of. */
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("[hx-trigger^='input'] input, [hx-trigger^='change'] input").forEach((field) => {
      if (followerOf(field) && differs(field)) tell(field);
    });
  });

  on("input", fieldChanged);
  on("change", fieldChanged);

  /* --- What was typed: in the address, and through a change of language ------------------------ */

  /* A form with data-address keeps its visible fields in the page's address: for reloads, the way
     back and the other language. */
  on("input", (event) => {
    const form = event.target.closest("form[data-address]");
    if (!form) return;
    const address = new URL(form.dataset.address, location.href);
    Array.from(form.elements).filter(isKept).forEach((field) => {
      if (!isUnticked(field)) address.searchParams.append(field.name, field.value);
    });
    history.replaceState(history.state, "", address);
  });

  const isKept = (field) => Boolean(field.name) && field.matches("select, textarea, input")
    && !field.matches("[type=hidden], [type=password], [type=file], [type=search]");
  const isBox = (field) => field.matches("[type=checkbox], [type=radio]");
  const isUnticked = (field) => isBox(field) && !field.checked;
  const withoutLanguage = (address) => new URL(address, location.href).pathname.replace(/^\/(fr|en)(?=\/|$)/, "");
  const TYPED = "typed";

  const keptFields = () => Array.from(document.querySelectorAll("main form")).flatMap((form) => {
    const action = withoutLanguage(form.getAttribute("action") || location.href);
    return Array.from(form.elements).filter(isKept)
      .map((field) => [[action, field.name, isBox(field) ? field.value : ""].join(" "), field]);
  });

  /* Keep what was typed until the page comes in the other language: no password, and only that page. */
  function keepTyped() {
    const typed = keptFields().map(([key, field]) => [key, isBox(field) ? field.checked : field.value]);
    try {
      sessionStorage.setItem(TYPED, JSON.stringify({ page: withoutLanguage(location.href), typed }));
    } catch (_full) { /* then it is typed again */ }
  }

  function restoreTyped() {
    const kept = JSON.parse(sessionStorage.getItem(TYPED) || "{}");
    sessionStorage.removeItem(TYPED);
    if (kept.page !== withoutLanguage(location.href)) return;
    const typed = new Map(kept.typed);
    keptFields().filter(([key]) => typed.has(key)).forEach(([key, field]) => {
      if (isBox(field)) field.checked = typed.get(key);
      else field.value = typed.get(key);
    });
  }

  on("click", (event) => { if (event.target.closest(".languages a")) keepTyped(); });
  on("submit", (event) => {
    if (!event.target.matches("form.languages")) return;
    keepTyped();
    event.target.elements.next.value = location.pathname + location.search;
  });
  try {
    restoreTyped();
  } catch (_unreadable) { /* a browser without storage */ }

  /* --- Announcements ------------------------------------------------------------------- */

  function announce(text) {
    const region = byId("announcements");
    if (region) region.textContent = text;
  }

  function referenceOf(response, text) {
    const header = response && response.headers && response.headers.get("X-Reference");
    if (header) return header;
    const page = new DOMParser().parseFromString(text || "", "text/html");
    const element = page.querySelector("[data-reference]");
    return element ? element.textContent.trim() : "";
  }

  function showFailure(sentence, reference) {
    const region = byId("failure");
    if (!region) return;
    const wanted = sentence + (reference ? " " + region.dataset.reference + " " + reference : "");
    if (region.dataset.said === wanted) return; // a partial that refreshes itself announces a text once
    region.dataset.said = wanted;
    const text = document.createElement("p");
    text.textContent = sentence;
    if (reference) {
      const number = document.createElement("strong");
      number.className = "failure-reference";
      number.textContent = reference;
      text.append(" ", region.dataset.reference, " ", number);
    }
    const close = document.createElement("button");
    close.type = "button";
    close.className = "failure-close";
    close.dataset.dismissFailure = "";
    close.setAttribute("aria-label", region.dataset.close);
    close.textContent = "×";
    region.replaceChildren(text, close);
    region.classList.add("failure-shown");
  }

  function hideFailure() {
    const region = byId("failure");
    if (!region) return;
    delete region.dataset.said;
    region.classList.remove("failure-shown");
    region.replaceChildren();
  }

  /* --- htmx requests that fail ----------------------------------------------------------- */

  let leaving = false; // a request aborted by navigation is not a failure
  window.addEventListener("beforeunload", () => {
    leaving = true;
    setTimeout(() => { leaving = false; }, 5000); // it was a download: the page stays
  });
  window.addEventListener("pageshow", () => { leaving = false; rest(document); });

  function sentenceFor(status, region) {
    if (status === 429) return region.dataset.busy;
    return status >= 500 ? region.dataset.server : region.dataset.refused;
  }

  on("htmx:response:error", (event) => {
    const { response, text } = event.detail.ctx;
    if (!SHOWN_IN_PLACE.includes(response.status)) outdateFor(event.detail.ctx);
    const region = byId("failure");
    if (!region || SHOWN_IN_PLACE.includes(response.status)) return;
    showFailure(sentenceFor(response.status, region), referenceOf(response, text));
  });

  on("htmx:error", (event) => {
    const context = event.detail.ctx;
    const region = byId("failure");
    if (!context || leaving || !region) return;
    outdateFor(context);
    showFailure(context.response ? region.dataset.server : region.dataset.network, "");
  });

  on("htmx:after:request", (event) => {
    if (event.detail.ctx.response.status < 400) hideFailure();
  });

  /* --- Submitted forms --------------------------------------------------------------------- */

  const PATIENCE = 20000; // milliseconds; after that the customer may submit again

  function work(form, button) {
    form.dataset.sent = "true";
    setTimeout(() => {
      delete form.dataset.sent;
      rest(form);
    }, PATIENCE);
    if (!button) return;
    button.setAttribute("aria-busy", "true");
    announce(byId("announcements").dataset.working);
  }

  function rest(root) {
    root.querySelectorAll("form[data-sent]").forEach((form) => { delete form.dataset.sent; });
    root.querySelectorAll("button[aria-busy]").forEach((b) => b.removeAttribute("aria-busy"));
  }

  const defaultButton = (form) => form.querySelector("button[type=submit]");

  on("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) {
      event.preventDefault(); // already submitted; the server's token makes it idempotent
    } else if (event.submitter && event.submitter.matches("[data-download]")) {
      return; // a file comes: the page stays as it is
    } else if (!event.defaultPrevented && form.method === "post") {
      // The browser submits first; then the form is shown as busy.
      setTimeout(() => work(form, event.submitter || defaultButton(form)), 0);
    }
  });

  on("htmx:before:request", (event) => {
    const source = event.detail.ctx.sourceElement;
    const form = source.matches("form") ? source : null;
    if (form) work(form, event.detail.ctx.request.submitter || defaultButton(form));
    else if (source.matches("button")) source.setAttribute("aria-busy", "true");
  });

  on("htmx:finally:request", (event) => {
    const source = event.detail.ctx.sourceElement;
    if (source.matches("form")) {
      delete source.dataset.sent;
      rest(source);
    } else if (source.matches("button")) {
      source.removeAttribute("aria-busy");
    }
  });

  /* Discard the answer to a check of a field that has changed since. */
  const checked = new WeakMap();

  on("htmx:before:request", (event) => {
    const { sourceElement: field } = event.detail.ctx;
    if (field.matches("input, select, textarea")) checked.set(event.detail.ctx, field.value);
  });

  on("htmx:before:swap", (event) => {
    const { ctx } = event.detail;
    if (!checked.has(ctx) || !ctx.target || !ctx.target.matches(".field")) return;
    const field = byId(ctx.sourceElement.id);
    if (!field || field.value !== checked.get(ctx)) event.preventDefault();
  });

  /* Mark a field as invalid when htmx inserts an error at it while the customer types. */
  on("htmx:after:swap", () => {
    document.querySelectorAll("[data-error-of]").forEach((place) => {
      const input = byId(place.dataset.errorOf);
      if (!input) return;
      if (place.childElementCount) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
      input.closest(".field").classList.toggle("field-invalid", place.childElementCount > 0);
    });
  });

  /* Announce the error of a field after it has lost focus. */
  on("htmx:after:swap", (event) => {
    const target = event.detail.ctx.target;
    if (!target || !target.matches || !target.matches(".field")) return;
    const mistake = target.querySelector(".field-error");
    announce(mistake ? mistake.textContent.trim() : "");
  });

  /* --- Error summaries: what is corrected leaves them ---------------------------------------- */

  const groupOf = (field) => (field.matches("[type=radio]")
    ? Array.from(field.closest("form").querySelectorAll("[type=radio]")).filter((other) => other.name === field.name)
    : [field]);

  /* Whether the server checks a field while the form is filled in. */
  const isChecked = (field) => isReady
    && Boolean(field.matches("[hx-post]") || field.closest("[hx-trigger^='input'], [hx-trigger^='change']"));

  /* Whether a field that nobody checks before the form is sent was given another content. */
  function isAnswered(field) {
    if (field.dataset.confirms) return field.value !== "" && field.value === byId(field.dataset.confirms).value;
    if (field.matches("select")) return Array.from(field.selectedOptions).some((option) => !option.defaultSelected);
    if (field.matches("[type=checkbox], [type=radio]")) return groupOf(field).some((box) => box.checked && !box.defaultChecked);
    return differs(field) && field.validity.valid;
  }

  /* Take the error from a field that was answered; the server says it again if it must. */
  function clearError(field) {
    const box = field.closest(".field");
    if (!box) return;
    box.classList.remove("field-invalid");
    box.querySelectorAll(".field-error").forEach((error) => error.remove());
    [box, ...groupOf(field)].forEach((part) => {
      part.removeAttribute("aria-invalid");
      const about = (part.getAttribute("aria-describedby") || "").split(" ").filter((id) => id && byId(id));
      if (about.length) part.setAttribute("aria-describedby", about.join(" "));
      else part.removeAttribute("aria-describedby");
    });
  }

  function followEntry(link) {
    const field = byId(link.hash.slice(1));
    if (!field || !field.matches("input, select, textarea")) return;
    if (!isChecked(field) && isAnswered(field)) clearError(field);
    const error = field.closest(".field") && field.closest(".field").querySelector(".field-error > span");
    if (error) link.querySelector("span").textContent = error.lastChild.textContent;
    link.closest("li").hidden = !error;
  }

  function followCorrections() {
    document.querySelectorAll(".error-summary").forEach((summary) => {
      const entries = Array.from(summary.querySelectorAll("li"));
      const before = entries.filter((entry) => !entry.hidden).length;
      summary.querySelectorAll("a[href^='#']").forEach(followEntry);
      const left = entries.filter((entry) => !entry.hidden).length;
      if (left === before) return;
      if (!left) {
        summary.remove();
        return;
      }
      summary.removeAttribute("role"); // it was announced; a shorter one is no alarm
      const title = summary.querySelector(".error-summary-title");
      title.textContent = left === 1 ? title.dataset.one : title.dataset.many.replace("{n}", left);
    });
  }

  /* A press on a button ends the edit of a field, and any answer may arrive meanwhile: were the page to
     change before the release, the button would move away from under the pointer, and the press would be
     lost. Answers wait for the release, at most PRESS_MS, since a release outside the window is not told. */
  const PRESS_MS = 2000;
  let press = null; // a promise, kept when the pointer is released
  let release = () => {};

  on("pointerdown", () => {
    release();
    const mine = new Promise((keep) => {
      release = () => {
        if (press === mine) press = null;
        setTimeout(keep); // after the click that follows
      };
    });
    press = mine;
    setTimeout(release, PRESS_MS);
  });
  on("pointerup", () => release());
  on("pointercancel", () => release());

  on("htmx:before:response", (event) => {
    const answer = event.detail.ctx.response.raw;
    const read = answer.text.bind(answer);
    answer.text = async () => {
      const text = await read();
      await press;
      return text;
    };
  });

  on("change", (event) => {
    document.querySelectorAll(`[data-confirms="${event.target.id}"][hx-post]`).forEach((other) => {
      if (other.value) other.dispatchEvent(new Event("change", { bubbles: true }));
    });
    if (press) press.then(followCorrections);
    else followCorrections();
  });
  on("htmx:after:swap", followCorrections);

  /* --- Focus ----------------------------------------------------------------------------- */

  function focusWhatMatters(root) {
    const wanted = root.querySelector("[data-focus]");
    if (wanted) wanted.focus({ preventScroll: false });
    return Boolean(wanted);
  }

  /* --- Dialogs --------------------------------------------------------------------------- */

  let opener = null; // what opened the dialog, and its id in case htmx replaces it

  function openDialog(dialog) {
    if (!dialog.open) {
      const active = document.activeElement;
      const menu = active && active.closest("details.menu"); // it is closed by then: return to its button
      const from = menu ? menu.querySelector("summary") : active;
      opener = from && from !== document.body ? { element: from, id: from.id } : null;
      dialog.showModal();
    }
    const title = dialog.querySelector("#dialog-title");
    if (title) dialog.setAttribute("aria-labelledby", "dialog-title");
    if (focusWhatMatters(dialog)) return;
    const first = dialog.querySelector("[autofocus], .dialog-content form :is(input, select, textarea):not([type=hidden])");
    (first || title || dialog).focus();
  }

  function closeDialog(dialog) {
    if (dialog.open) dialog.close();
  }

  function dialogClosed(dialog) {
    dialog.replaceChildren();
    dialog.removeAttribute("aria-labelledby");
    if (!opener) return;
    const again = opener.id ? byId(opener.id) : null;
    (opener.element.isConnected ? opener.element : again || byId("main")).focus();
    opener = null;
  }

  /* If htmx replaces the focused element, focus its replacement. */
  let heldFocus = false;

  on("htmx:before:swap", (event) => {
    const { target } = event.detail.ctx;
    heldFocus = Boolean(target && target.contains && target.contains(document.activeElement));
  });

  const successor = (target) => (target && !target.isConnected && target.id ? byId(target.id) : target);

  function focusAfterSwap(target) {
    if (focusWhatMatters(target) || !heldFocus || document.activeElement !== document.body) return;
    target.tabIndex = -1;
    target.focus();
  }

  on("htmx:after:swap", (event) => {
    const target = successor(event.detail.ctx.target);
    const dialog = byId("dialog");
    if (target && dialog && target === dialog) {
      if (dialog.childElementCount) openDialog(dialog);
      else closeDialog(dialog);
    } else if (target && target.isConnected && target.querySelectorAll) {
      focusAfterSwap(target);
    }
  });

  /* --- What is typed while the answer to a form is awaited ----------------------------------- */

  /* A form that is refused comes back as it was sent; what was typed since then is put back into it. */
  const EDITED = "input:not([type=hidden], [type=file]), select, textarea";
  const fieldsOf = (form) => Array.from(form.elements).filter((field) => field.id && field.matches(EDITED));
  const isTicked = (field) => field.matches("[type=checkbox], [type=radio]");
  const contentOf = (field) => (isTicked(field) ? field.checked : field.value);
  const sent = new WeakMap(); // the contents of a form's fields when it was sent
  const edited = new WeakMap(); // the fields that have another content when it is refused, and where the focus is

  on("htmx:before:request", (event) => {
    const { ctx } = event.detail;
    if (!ctx.sourceElement.matches("form")) return;
    sent.set(ctx, new Map(fieldsOf(ctx.sourceElement).map((field) => [field.id, contentOf(field)])));
  });

  on("htmx:before:swap", (event) => {
    const { ctx } = event.detail;
    const before = sent.get(ctx);
    if (!before || ctx.response.status !== 422) return;
    const fields = fieldsOf(ctx.sourceElement).filter((field) => contentOf(field) !== before.get(field.id));
    if (fields.length) edited.set(ctx, { fields, focused: document.activeElement.id });
  });

  function putBack(old) {
    const field = byId(old.id);
    if (!field || !field.matches(EDITED)) return;
    if (isTicked(field)) field.checked = old.checked;
    else field.value = old.value;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }

  on("htmx:after:swap", (event) => {
    const kept = edited.get(event.detail.ctx);
    if (!kept) return;
    kept.fields.forEach(putBack);
    const focused = byId(kept.focused);
    if (focused) focused.focus();
  });

  on("dialog:close", () => { if (byId("dialog")) closeDialog(byId("dialog")); });
  on("close", (event) => { if (event.target.id === "dialog") dialogClosed(event.target); }, true);

  /* --- Menus (details) --------------------------------------------------------------------- */

  const openMenus = () => document.querySelectorAll("details.menu[open]");
  const closeOthers = (kept) => openMenus().forEach((menu) => {
    if (!kept || (menu !== kept && !menu.contains(kept))) closeMenu(menu, false);
  });
  const entries = (menu) => Array.from(menu.querySelectorAll("a[href], button:not([disabled])"));

  function closeMenu(menu, refocus) {
    menu.open = false;
    if (refocus) menu.querySelector("summary").focus();
  }

  on("toggle", (event) => {
    const menu = event.target;
    if (menu.matches && menu.matches("details.menu") && menu.open) closeOthers(menu);
  }, true);

  function moveInMenu(menu, key) {
    const items = entries(menu);
    if (!items.length) return;
    const here = items.indexOf(document.activeElement);
    const next = { ArrowDown: here + 1, ArrowUp: here < 0 ? items.length - 1 : here - 1, Home: 0, End: items.length - 1 }[key];
    items[(next + items.length) % items.length].focus();
  }

  const STEPS = { ArrowUp: 1, ArrowDown: -1 };

  on("keydown", (event) => {
    if (event.target.matches("[data-stepper] input") && event.key in STEPS) {
      event.preventDefault();
      stepBy(event.target, STEPS[event.key]);
    }
  });

  on("keydown", (event) => {
    const menu = event.target.closest && event.target.closest("details.menu, details.side-toggle");
    if (!menu) return;
    if (event.key === "Escape" && menu.open) {
      event.stopPropagation();
      closeMenu(menu, true);
    } else if (["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key) && menu.matches(".menu")) {
      event.preventDefault();
      menu.open = true;
      moveInMenu(menu, event.key);
    }
  });

  on("focusin", (event) => closeOthers(event.target));

  /* --- Clicks ------------------------------------------------------------------------------ */

  function step(button) {
    stepBy(button.closest("[data-stepper]").querySelector("input"), Number(button.dataset.step));
  }

  function stepBy(input, by) {
    const least = Number(input.getAttribute("aria-valuemin") ?? -Infinity);
    const most = Number(input.getAttribute("aria-valuemax") ?? Infinity);
    const value = (Math.trunc(Number(input.value)) || 0) + by;
    put(input, Math.min(Math.max(value, least), most));
  }

  function put(input, number) {
    input.value = String(number);
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  /* A usual number, without the page that a press asks for where no script runs. */
  function pick(button, event) {
    event.preventDefault();
    put(byId(button.closest("[data-picks]").dataset.picks), button.dataset.pick);
  }

  function showPicked(input) {
    document.querySelectorAll(`[data-picks="${input.id}"] [data-pick]`).forEach((button) => {
      button.setAttribute("aria-pressed", String(button.dataset.pick === input.value.trim()));
    });
  }

  on("input", (event) => { if (event.target.matches("[data-stepper] input")) showPicked(event.target); });
  window.addEventListener("pageshow", () => document.querySelectorAll("[data-stepper] input").forEach(showPicked));

  function reveal(button) {
    const input = byId(button.dataset.reveal);
    const hidden = input.type === "password";
    input.type = hidden ? "text" : "password";
    button.setAttribute("aria-pressed", String(hidden));
  }

  /* Say beside a button what it has done, and to screen readers. */
  function sayBeside(button, text) {
    const earlier = button.nextElementSibling;
    if (earlier && earlier.matches(".said-beside")) earlier.remove();
    const said = document.createElement("span");
    said.className = "said-beside";
    said.setAttribute("aria-hidden", "true"); // the region for announcements has it
    said.textContent = text;
    button.after(said);
    announce(text);
    setTimeout(() => said.remove(), 4000);
  }

  function copy(button) {
    const sentences = byId("announcements").dataset;
    const written = navigator.clipboard ? navigator.clipboard.writeText(button.dataset.copy) : Promise.reject();
    written.then(() => {
      sayBeside(button, sentences.copied);
      button.classList.add("icon-button-done");
      setTimeout(() => button.classList.remove("icon-button-done"), 4000);
    }, () => {
      const value = button.parentElement.querySelector(".copyable-value");
      if (value) window.getSelection().selectAllChildren(value);
      sayBeside(button, sentences.notCopied);
    });
  }

  const CLICKS = {
    "[data-step]": step,
    "[data-pick]": pick,
    "[data-reveal]": reveal,
    "[data-copy]": copy,
    "[data-print]": () => window.print(),
    "[data-dismiss]": (button) => button.closest("[data-dismissible]").remove(),
    "[data-dismiss-failure]": hideFailure,
    "[data-dialog-close]": (button) => closeDialog(button.closest("dialog")),
  };

  on("click", (event) => {
    closeOthers(event.target);
    if (event.target.id === "dialog") closeDialog(event.target); // the backdrop of the dialog
    for (const [selector, act] of Object.entries(CLICKS)) {
      const element = event.target.closest(selector);
      if (element) act(element, event);
    }
  });

  focusWhatMatters(document);
})();
