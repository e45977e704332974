/** Shows one question with what became of it: sending, waiting, answer, failure. */

import { AnswerText } from "./answer-text.js";
import { button, el } from "./dom.js";
import { duration, provenance, statusLine } from "./words.js";

/**
 * The view of one question. Every `show…` replaces the last state; `actions` are what its buttons do:
 * `retry`, `cancel`, `resend`, `edit`, `discard`, `openSource(citation, citations)`.
 */
export class Exchange {
  #actions;
  #text;
  #citations = [];
  #status = el("p", { class: "status" });
  #extra = el("div", { class: "extra" });
  #answer;
  #line = "";
  #ticking = 0;

  constructor(question, actions) {
    this.question = question;
    this.#actions = actions;
    this.#text = new AnswerText((citation) => actions.openSource(citation, this.#citations));
    this.#answer = el("div", { class: "answer" }, this.#text.node, this.#status, this.#extra);
    this.node = el("article", { class: "exchange" },
      el("div", { class: "question" }, el("h2", { class: "hidden" }, "You asked"), el("p", {}, question)),
      this.#answer);
  }

  /** On its way to the server. */
  showSending() {
    this.#show("sending", "Sending");
  }

  /** Kept back until an earlier one is sent. */
  showHeld() {
    this.#show("sending", "Waits for the message before it");
  }

  /** The server is busy; the same message goes again by itself when `seconds` have passed. */
  showBusy(message, seconds) {
    this.#show("busy", `${message} Trying again in ${duration(seconds)}`, button("Try now", this.#actions.resend),
      button("Discard", this.#actions.discard));
  }

  /** No reply: it may have arrived or not; sending it again is safe. */
  showUnsent(message) {
    this.#show("unsent", message, button("Send again", this.#actions.resend, "primary"),
      button("Discard", this.#actions.discard));
  }

  /** Refused as it is. */
  showRefused(message) {
    this.#show("unsent", message, button("Edit", this.#actions.edit, "primary"),
      button("Discard", this.#actions.discard));
  }

  /** Whatever the API says of it. */
  showStatus(status) {
    if (status.status === "completed") return this.#showAnswer(status);
    if (status.status === "failed") return this.#showFailed(status);
    if (status.status === "cancelled") return this.#showCancelled();
    const state = status.status === "processing" ? "processing" : "waiting";
    if (state === "waiting") this.#text.render("", null); // what an earlier attempt wrote is void
    this.#show(state, statusLine(status), button("Cancel", this.#actions.cancel));
    if (status.next_attempt_at) this.#tick(() => (this.#status.textContent = statusLine(status)));
  }

  /** The answer as far as it is written. */
  showText(text) {
    this.#text.render(text, null);
    this.#answer.classList.toggle("streaming", text !== "");
    this.#status.textContent = text ? "Writing the answer" : this.#line;
  }

  /** A hint beside the state, such as a lost connection; null takes it away. */
  showTrouble(message) {
    this.#answer.classList.toggle("troubled", Boolean(message));
    this.#answer.dataset.trouble = message ?? "";
  }

  /** Stop its clock; the view is not used again. */
  dispose() {
    clearInterval(this.#ticking);
  }

  #showAnswer(status) {
    this.#citations = status.citations ?? [];
    this.#show("completed", "");
    this.#text.render(status.content ?? "", this.#citations);
    this.#extra.replaceChildren(...[
      status.grounded === false && ungroundedNote(this.#citations.length),
      this.#citations.length > 0 && this.#sources(),
      footer(status),
    ].filter(Boolean));
  }

  #showFailed(status) {
    this.#text.render("", null);
    const reason = status.error ?? "The answer failed.";
    this.#show("failed", "", button("Retry", this.#actions.retry, "primary"));
    this.#extra.prepend(el("div", { class: "failure", role: "group", "aria-label": "Failure" },
      el("strong", {}, "No answer"), el("p", {}, reason), status.error_code && el("code", {}, status.error_code)));
  }

  #showCancelled() {
    this.#text.render("", null);
    this.#show("cancelled", "Cancelled", button("Ask again", this.#actions.retry));
  }

  #show(state, line, ...buttons) {
    clearInterval(this.#ticking);
    this.showTrouble(null);
    this.#answer.dataset.state = state;
    this.#line = line;
    if (state !== "processing") this.#answer.classList.remove("streaming");
    if (!this.#answer.classList.contains("streaming")) this.#status.textContent = line;
    this.#showActions(buttons);
  }

  /** The same buttons stay: a repaint must not take the focus from a person, nor a click that has begun. */
  #showActions(buttons) {
    const shown = [...this.#extra.querySelectorAll(".actions button")];
    const same = buttons.length === shown.length && buttons.every((node, at) => node.textContent === shown[at].textContent);
    if (same && buttons.length) return;
    const focused = shown.includes(document.activeElement);
    this.#extra.replaceChildren(...(buttons.length ? [el("div", { class: "actions" }, ...buttons)] : []));
    if (focused) buttons[0]?.focus();
  }

  #tick(repaint) {
    this.#ticking = setInterval(repaint, 1000);
  }

  #sources() {
    const items = this.#citations.map((citation) => el("li", {},
      el("button", { type: "button", class: "chip", onclick: () => this.#actions.openSource(citation, this.#citations) },
        el("span", { class: "chip-index", "aria-hidden": "true" }, String(citation.index)),
        el("span", { class: "chip-name" }, el("span", { class: "hidden" }, `Source ${citation.index}: `), citation.document))));
    return el("ul", { class: "sources", "aria-label": "Sources" }, ...items);
  }
}

function ungroundedNote(sources) {
  const reason = sources ? "The passages found do not support this answer." : "No passage of the documents supports this answer.";
  return el("p", { class: "ungrounded" }, el("strong", {}, "Not grounded. "), reason);
}

function footer(status) {
  const line = provenance(status);
  return (line || navigator.clipboard) ? el("div", { class: "foot" },
    line && el("span", {}, line), navigator.clipboard && copyButton(status.content ?? "")) : null;
}

function copyButton(text) {
  const node = button("Copy", async () => {
    await navigator.clipboard.writeText(text);
    node.textContent = "Copied";
    setTimeout(() => (node.textContent = "Copy"), 1500);
  }, "link");
  return node;
}
