/** Draws SVG: elements, scales with round steps. */

const NS = "http://www.w3.org/2000/svg";

/** Make an SVG element. */
export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}

/** Round steps from 0 to at least `most`: `[0, 5, 10]`. */
export function steps(most, wanted = 3) {
  const rough = Math.max(most, 1e-9) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough) * power;
  const count = Math.max(Math.ceil(most / step - 1e-9), 1);
  return Array.from({ length: count + 1 }, (_, index) => index * step);
}
