/** Builds DOM nodes and keeps lists of them; text always becomes a text node, never markup. */

/**
 * Make an element.
 * @param {string} tag
 * @param {Record<string, unknown>} [properties] `class`, `data-*`, `aria-*`, `role`, `for`, `list` become attributes; the rest, properties.
 * @param {...(Node|string|null|false)} children
 */
export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (["class", "role", "for", "list", "scope"].includes(name) || name.includes("-")) node.setAttribute(name, String(value));
    else node[name] = value;
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Find an element that the template is known to have. */
export function byId(id) {
  const node = document.getElementById(id);
  if (!node) throw new Error(`The page has no element #${id}.`);
  return node;
}

/** Make a button that says what it does. */
export function button(label, onclick, className = "quiet", more = {}) {
  return el("button", { type: "button", class: className, onclick, ...more }, label);
}

/** Change a text only when it differs, so that nothing is repainted or read out for nothing. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Give a node new children only when `sign` differs from the last one: what is focused or selected inside stays. */
export function fill(node, sign, make) {
  const key = JSON.stringify(sign);
  if (node.dataset.sign === key) return;
  node.dataset.sign = key;
  node.replaceChildren(...[make()].flat().filter((child) => child !== null && child !== undefined && child !== false));
}

/**
 * Make the children of `parent` follow `items`: known ones stay the same nodes, in place.
 * @param {(item) => string} keyOf
 * @param {(item) => HTMLElement} make
 * @param {(node, item) => void} update
 */
export function reconcile(parent, items, keyOf, make, update) {
  const known = new Map([...parent.children].map((node) => [node.dataset.key, node]));
  const wanted = new Set(items.map(keyOf));
  for (const [key, node] of known) if (!wanted.has(key)) node.remove();
  let at = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    const node = known.get(key) ?? make(item);
    node.dataset.key = key;
    update(node, item);
    if (node === at) at = at.nextElementSibling;
    else parent.insertBefore(node, at);
  }
}

/** Tell people who don't see the page what changed; the same words again are said again. */
export function announce(text) {
  const node = byId("announcer");
  node.textContent = "";
  requestAnimationFrame(() => (node.textContent = text));
}

/** A small drawing of the page's own. */
export function icon(path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}
