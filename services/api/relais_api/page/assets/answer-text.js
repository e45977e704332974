/** Shows an answer's text as DOM nodes, replacing only the blocks that changed since the last time. */

import { el } from "./dom.js";
import { parseBlocks, parseInline } from "./markdown.js";

/** The text of one answer. What is already there keeps its nodes, so that a selection survives streaming. */
export class AnswerText {
  node = el("div", { class: "text" });
  #open;
  #shown = [];
  #citations = null;

  /** @param {(citation: object) => void} open shows the source of a citation */
  constructor(open) {
    this.#open = open;
  }

  /**
   * @param {string} text
   * @param {object[]|null} citations null while the answer is being written: its numbers can't be opened yet
   */
  render(text, citations) {
    const changed = citations !== this.#citations;
    this.#citations = citations;
    const blocks = parseBlocks(text);
    let same = 0;
    while (!changed && same < blocks.length && blocks[same].source === this.#shown[same]) same += 1;
    while (this.node.childElementCount > same) this.node.lastElementChild.remove();
    this.node.append(...blocks.slice(same).map((block) => this.#block(block)));
    this.#shown = blocks.map((block) => block.source);
  }

  #block(block) {
    if (block.type === "list") return this.#list(block.items);
    if (block.type === "code") return el("pre", { tabIndex: 0 }, el("code", {}, block.text));
    return el(block.type === "heading" ? "h3" : "p", {}, ...this.#inline(block.text));
  }

  /** Nests items by their depth. */
  #list(items) {
    const lists = [{ depth: items[0].depth, node: listOf(items[0]) }];
    for (const item of items) {
      while (lists.length > 1 && item.depth < lists.at(-1).depth) lists.pop();
      if (item.depth > lists.at(-1).depth && lists.at(-1).node.lastElementChild) {
        const node = listOf(item);
        lists.at(-1).node.lastElementChild.append(node);
        lists.push({ depth: item.depth, node });
      }
      lists.at(-1).node.append(el("li", {}, ...this.#inline(item.text)));
    }
    return lists[0].node;
  }

  #inline(text) {
    return parseInline(text).flatMap((piece) => {
      if (piece.type === "citation") return this.#references(piece);
      if (piece.type === "code") return el("code", {}, piece.text);
      if (piece.type === "text") return piece.text;
      return el(piece.type, {}, ...this.#inline(piece.text));
    });
  }

  /** `[2]` and `[1, 3]`: a button for each number that has a source; a number without one stays text. */
  #references({ text, numbers }) {
    if (this.#citations === null) return numbers.map((number) => el("span", { class: "ref idle" }, String(number)));
    const found = numbers.map((number) => this.#citations.find((citation) => citation.index === number));
    return found.every(Boolean) ? found.map((citation) => this.#reference(citation)) : text;
  }

  #reference(citation) {
    const label = `Source ${citation.index}: ${citation.document}`;
    const onclick = () => this.#open(citation);
    return el("button", { type: "button", class: "ref", title: citation.document, "aria-label": label, onclick }, String(citation.index));
  }
}

function listOf({ ordered, start }) {
  return ordered ? el("ol", { start }) : el("ul");
}
