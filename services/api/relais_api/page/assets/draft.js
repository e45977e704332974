/** Puts the pieces of a running answer together, in the order of their offsets. */

import { codePoints } from "./words.js";

/** The answer so far of one attempt. Offsets count code points, as the server does. */
export class Draft {
  text = "";
  attempt = 0;
  #length = 0;

  /**
   * Add a piece. A repeated piece changes nothing, an overlapping one adds what is new, one of an older attempt is
   * dropped, one of a newer attempt starts anew.
   * @returns {boolean} false when pieces before this one are missing
   */
  add({ text, attempt, offset }) {
    if (attempt < this.attempt) return true;
    if (attempt > this.attempt) this.reset(attempt);
    if (offset > this.#length) return false;
    const fresh = offset === this.#length ? text : [...text].slice(this.#length - offset).join("");
    this.text += fresh;
    this.#length += codePoints(fresh);
    return true;
  }

  /** Start anew for an attempt. */
  reset(attempt = this.attempt) {
    this.text = "";
    this.attempt = attempt;
    this.#length = 0;
  }
}
