/* The list of a group's licences: one box selects all that are shown, and their number is told. The boxes
   work without it. */
(function () {
  "use strict";

  /* Say how many rows of the list are selected. */
  function countSelected() {
    const place = document.getElementById("selected");
    if (!place) return;
    const all = document.querySelector("[data-select-all]");
    const ticked = document.querySelectorAll(".seat-box:checked").length;
    const number = all && all.checked ? Number(all.dataset.selectAll) : ticked;
    const written = number.toLocaleString(document.documentElement.lang);
    const text = number === 1 ? place.dataset.one : place.dataset.many.replace("{n}", written);
    place.textContent = number ? text : "";
  }

  document.addEventListener("change", (event) => {
    const box = event.target;
    const shown = document.getElementById("select-shown");
    if (!shown || !box.form || box.form.id !== "selection") return;
    const rows = Array.from(document.querySelectorAll(".seat-box"));
    if (box === shown) rows.forEach((row) => { row.checked = shown.checked; });
    else if (rows.includes(box)) shown.checked = rows.every((row) => row.checked);
    countSelected();
  });
  document.addEventListener("htmx:after:swap", countSelected);
  window.addEventListener("pageshow", countSelected);
})();
