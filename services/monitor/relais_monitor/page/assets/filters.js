/** The filter of the list of jobs: in the form, and in the address, so that it can be shared and gone back to. */

import { byId, setText } from "./dom.js";
import { rememberList } from "./way-back.js";

const FIELDS = ["ref", "state", "kind", "agent", "error_code", "session", "older_than"];
const REF_DIGITS = 12;

/** The filter that the address holds. */
export function filterOfAddress() {
  const query = new URLSearchParams(location.search);
  return clean(Object.fromEntries(FIELDS.map((name) => [name, query.get(name) ?? ""])));
}

/** Whether it leaves anything out. */
export function narrows(filter) {
  return Object.keys(filter).length > 0;
}

/** The address of a filter. */
export function addressOf(filter) {
  const query = new URLSearchParams(filter).toString();
  return query ? `/?${query}` : "/";
}

/** Say a filter in words. */
export function inWords(filter) {
  const names = { error_code: "error", older_than: "older than", ref: "job" };
  return Object.entries(filter).map(([name, value]) => `${names[name] ?? name} ${value}`).join(", ");
}

/** Make form and address follow each other; `onchange` hears of every new filter. */
export function startFilters(onchange) {
  const form = byId("filters");
  let last = "";

  function apply(filter, { push = true } = {}) {
    show(form, filter);
    if (push && addressOf(filter) !== last) history.pushState(null, "", addressOf(filter));
    last = addressOf(filter);
    rememberList(last);
    const set = Object.keys(filter).length;
    setText(byId("filter-toggle"), set ? `Filter (${set})` : "Filter");
    onchange(filter);
  }

  const toggle = byId("filter-toggle");
  toggle.addEventListener("click", () => toggle.setAttribute("aria-expanded", String(toggle.getAttribute("aria-expanded") !== "true")));

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    apply(filterOfForm(form));
  });
  form.addEventListener("change", () => apply(filterOfForm(form)));
  byId("clear-filters").addEventListener("click", () => apply({}));
  addEventListener("popstate", () => {
    const filter = filterOfAddress(); // a link to a place on the page changes the address, not the filter
    if (addressOf(filter) !== last) apply(filter, { push: false });
  });
  apply(filterOfAddress(), { push: false });
  return { apply };
}

function filterOfForm(form) {
  return clean(Object.fromEntries(FIELDS.map((name) => [name, form.elements[name].value])));
}

function show(form, filter) {
  for (const name of FIELDS) form.elements[name].value = filter[name] ?? "";
}

// A whole id lets its holder read the message: only its public beginning goes into the address.
function clean(values) {
  const filter = {};
  for (const [name, value] of Object.entries(values)) {
    const text = value.trim();
    if (text) filter[name] = name === "ref" || name === "session" ? shorten(text) : text;
  }
  return filter;
}

function shorten(text) {
  const digits = text.toLowerCase().replaceAll("-", "");
  return /^[0-9a-f]{32}$/.test(digits) ? digits.slice(0, REF_DIGITS) : text.toLowerCase();
}
