/* The keyboard of the desk: / goes to the search, j and k to the next and previous row of a list,
   and Enter opens it, as it opens any link. Every row and the search are reached by Tab, too. */
(function () {
  "use strict";

  const WRITING = "input, textarea, select, [contenteditable]";

  function rows() {
    return Array.from(document.querySelectorAll("main .table tbody tr")).filter((row) => row.querySelector("a[href]"));
  }

  /* Focus the link of the row after or before the one with the focus; at first that of the first. */
  function go(step) {
    const all = rows();
    if (!all.length) return;
    const here = all.findIndex((row) => row.contains(document.activeElement));
    const next = here < 0 ? 0 : Math.min(Math.max(here + step, 0), all.length - 1);
    const link = all[next].querySelector("a[href]");
    link.focus();
    link.scrollIntoView({ block: "nearest" });
  }

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest(WRITING) || document.querySelector("dialog[open]")) return;
    if (event.key === "/") {
      const search = document.querySelector("[data-desk-search]");
      if (!search) return;
      event.preventDefault();
      search.focus();
      search.select();
    } else if (event.key === "j" || event.key === "k") {
      event.preventDefault();
      go(event.key === "j" ? 1 : -1);
    }
  });
})();
