/** The sheet that shows one source of an answer: document, score and passage. */

import { AnswerText } from "./answer-text.js";
import { byId } from "./dom.js";

/** Uses the native dialog, which keeps the focus inside, closes on Escape and gives the focus back. */
export class SourceView {
  #dialog = byId("source");
  #citations = [];
  #at = 0;

  constructor() {
    byId("source-close").onclick = () => this.#dialog.close();
    byId("source-previous").onclick = () => this.#show(this.#at - 1);
    byId("source-next").onclick = () => this.#show(this.#at + 1);
    this.#dialog.addEventListener("click", (event) => {
      if (event.target === this.#dialog) this.#dialog.close(); // beside the sheet
    });
    this.#dialog.addEventListener("keydown", (event) => {
      if (event.key === "ArrowLeft") this.#show(this.#at - 1);
      if (event.key === "ArrowRight") this.#show(this.#at + 1);
    });
  }

  /** Open one citation; the others of the same answer are a step away. */
  open(citation, citations) {
    this.#citations = citations;
    this.#show(citations.indexOf(citation));
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  #show(at) {
    const citation = this.#citations[at];
    if (!citation) return;
    this.#at = at;
    byId("source-index").textContent = citation.index;
    byId("source-title").textContent = citation.document;
    byId("source-score").textContent = scoreLine(citation.score);
    byId("source-text").replaceChildren(passage(citation));
    byId("source-text").scrollTop = 0;
    this.#showPlace(at, this.#citations.length);
  }

  #showPlace(at, count) {
    byId("source-nav").hidden = count < 2;
    byId("source-previous").disabled = at === 0;
    byId("source-next").disabled = at === count - 1;
    byId("source-place").textContent = `${at + 1} of ${count}`;
  }
}

/** Markdown is shown as such; any other document's text as it is. */
function passage({ document: name, text }) {
  if (!/\.(md|markdown)$/i.test(name)) return text;
  const shown = new AnswerText(() => {});
  shown.render(text, []);
  return shown.node;
}

function scoreLine(score) {
  return typeof score === "number" ? `Score ${score.toFixed(2)}` : "";
}
