/** The box a message is written in. */

import { byId } from "./dom.js";
import { codePoints } from "./words.js";

const COUNT_FROM = 0.9;

/** Enter sends, Shift+Enter starts a line; an empty or too long text can't be sent. */
export class Composer {
  #box = byId("question");
  #send = byId("send");
  #count = byId("count");
  #limit;
  #memory;

  /** @param {{limit: number, memory: import("./memory.js").Memory, onSend: (content: string) => void}} options */
  constructor({ limit, memory, onSend }) {
    this.#limit = limit;
    this.#memory = memory;
    this.#box.addEventListener("input", () => this.#changed());
    this.#box.addEventListener("keydown", (event) => {
      // While an input method composes, Enter picks a word.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#submit(onSend);
    });
    byId("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit(onSend);
    });
    if (!this.#box.value) this.#box.value = memory.draft;
    this.#changed();
  }

  focus() {
    this.#box.focus({ preventScroll: true });
  }

  /** Put a text back to be edited, before what is already there. */
  edit(text) {
    this.#box.value = [text, this.#box.value].filter(Boolean).join("\n\n");
    this.#changed();
    this.focus();
  }

  #submit(onSend) {
    if (this.#send.disabled) return;
    const content = this.#box.value.trim();
    this.#box.value = "";
    this.#changed();
    this.focus();
    onSend(content);
  }

  #changed() {
    const text = this.#box.value.trim();
    const left = this.#limit - codePoints(text);
    this.#memory.draft = this.#box.value;
    this.#send.disabled = text === "" || left < 0;
    this.#count.textContent = countLine(left, this.#limit);
    this.#count.classList.toggle("over", left < 0);
    this.#box.setAttribute("aria-invalid", String(left < 0));
    this.#grow();
  }

  #grow() {
    this.#box.style.height = "auto";
    this.#box.style.height = `${this.#box.scrollHeight}px`;
  }
}

function countLine(left, limit) {
  if (left < 0) return `${(-left).toLocaleString("en")} characters too many`;
  return left <= limit * (1 - COUNT_FROM) ? `${left.toLocaleString("en")} characters left` : "";
}
