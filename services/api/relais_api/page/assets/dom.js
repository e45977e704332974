/** Builds DOM nodes; text always becomes a text node, never markup. */

/**
 * Make an element.
 * @param {string} tag
 * @param {Record<string, unknown>} [properties] `class`, `data-*`, `aria-*` and `role` become attributes; the rest, properties.
 * @param {...(Node|string|null|false)} children
 */
export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (name === "class" || name === "role" || name.includes("-")) node.setAttribute(name, String(value));
    else node[name] = value;
  }
  node.append(...children.filter((child) => child !== null && child !== false));
  return node;
}

/** Find an element that the template is known to have. */
export function byId(id) {
  const node = document.getElementById(id);
  if (!node) throw new Error(`The page has no element #${id}.`);
  return node;
}

/** Make a button that says what it does. */
export function button(label, onclick, className = "quiet") {
  return el("button", { type: "button", class: className, onclick }, label);
}
