/** Keeps the newest words in view, unless the reader has scrolled away. */

import { byId } from "./dom.js";

const NEAR_PX = 80;

/** Follows the end of the conversation; "Latest" leads back to it. */
export class Scroll {
  #scroller = byId("scroller");
  #latest = byId("latest");
  #following = true;
  #top = 0;

  constructor() {
    this.#scroller.addEventListener("scroll", () => this.#moved(), { passive: true });
    this.#latest.onclick = () => this.toEnd();
    // Whatever grows (text, a source list, the window) is followed by the same rule.
    const observer = new ResizeObserver(() => this.#following && this.#jump());
    observer.observe(byId("log"));
    observer.observe(this.#scroller);
  }

  /** Go to the end and stay there. */
  toEnd() {
    this.#following = true;
    this.#jump();
  }

  #jump() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  #moved() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    // Only a move upwards is a reader's: the end also gets away when the composer grows.
    if (scrollHeight - scrollTop - clientHeight < NEAR_PX) this.#following = true;
    else if (scrollTop < this.#top) this.#following = false;
    this.#top = scrollTop;
    this.#latest.hidden = this.#following;
  }
}
