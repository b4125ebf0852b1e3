/* The search of the customer area: its shortcut, and its suggestions by keyboard. It works without. */
(function () {
  "use strict";

  const byId = (id) => document.getElementById(id);
  const on = (name, act) => document.addEventListener(name, act);

  const isMac = /mac/i.test(navigator.platform);
  document.querySelectorAll("[data-keys]").forEach((keys) => { keys.textContent = isMac ? "⌘ K" : "Ctrl K"; });

  /* Ctrl+K (Cmd+K) goes to the field; where there is no room for one, to its page. */
  on("keydown", (event) => {
    const isAsked = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k";
    const field = isAsked && byId("search-everywhere");
    if (!field || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    if (field.getClientRects().length) {
      field.focus();
      field.select();
    } else {
      byId("search-link").click();
    }
  });

  const suggestions = () => byId("search-suggestions");

  function showSuggestions(shown) {
    if (suggestions()) suggestions().hidden = !shown;
  }

  on("keydown", (event) => {
    const form = event.target.closest && event.target.closest("[data-search-form]");
    if (!form) return;
    const field = byId("search-everywhere");
    if (event.key === "Escape" && !suggestions().hidden && suggestions().childElementCount) {
      event.preventDefault();
      showSuggestions(false);
      field.focus();
    } else if (event.key in { ArrowDown: 1, ArrowUp: 1 } && suggestions().childElementCount) {
      event.preventDefault();
      showSuggestions(true);
      const stops = [field, ...suggestions().querySelectorAll("a")];
      const here = stops.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
      stops[(here + stops.length) % stops.length].focus();
    }
  });
  on("input", (event) => { if (event.target.id === "search-everywhere") showSuggestions(true); });
  on("focusin", (event) => {
    if (suggestions()) showSuggestions(Boolean(event.target.closest("[data-search-form]")));
  });
  on("click", (event) => { if (!event.target.closest("[data-search-form]")) showSuggestions(false); });

  /* Say how much a search found. */
  on("htmx:after:swap", (event) => {
    const { sourceElement: source } = event.detail.ctx;
    const said = source.id === "search-everywhere" && document.querySelector("main [data-announced], #search-suggestions [data-announced]");
    if (said) byId("announcements").textContent = said.textContent.trim();
  });
})();
