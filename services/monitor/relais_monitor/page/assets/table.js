/** A table whose rows stay the same nodes while its figures change. */

import { el, fill, reconcile } from "./dom.js";

/**
 * Make a table.
 * @param {string} caption what it lists, for those who don't see it
 * @param {{title: string, hidden?: string, class?: string, label?: string, sign: (item) => unknown, cell: (item) => unknown}[]} columns
 * @param {{keyOf: (item) => string, empty: string, look?: string, onrow?: (row, item) => void}} options
 */
export function makeTable(caption, columns, { keyOf, empty, look = "", onrow = () => {} }) {
  const heads = columns.map(({ title, class: name, hidden }) => el("th", { scope: "col", class: name }, title || el("span", { class: "hidden" }, hidden ?? "Actions")));
  const body = el("tbody");
  const table = el("table", { class: `table ${look}` }, el("caption", {}, caption), el("thead", {}, el("tr", {}, ...heads)), body);
  const nothing = el("p", { class: "empty" }, empty);
  const node = el("div", {}, table, nothing);

  function makeRow() {
    return el("tr", {}, ...columns.map((column) => el("td", { class: column.class, "data-label": column.label })));
  }

  function updateRow(row, item) {
    columns.forEach((column, index) => fill(row.children[index], column.sign(item), () => column.cell(item)));
    onrow(row, item);
  }

  function show(items, words = empty) {
    reconcile(body, items, keyOf, makeRow, updateRow);
    table.hidden = items.length === 0;
    nothing.hidden = items.length > 0;
    nothing.textContent = words;
  }

  show([]);
  return { node, show };
}

/** A column whose cell is one text. */
export function textColumn(title, textOf, more = {}) {
  return { title, label: title, sign: textOf, cell: textOf, ...more };
}

/** A list of names and values. */
export function factList(pairs) {
  const shown = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return el("dl", { class: "facts" }, ...shown.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}
