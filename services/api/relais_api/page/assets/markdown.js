/** Parses the small part of Markdown that answers use into plain data: no HTML, no links, no images. */

const FENCE = /^\s{0,3}(`{3,}|~{3,})\s*(\S*)/;
const HEADING = /^\s{0,3}#{1,6}\s+(.*?)\s*#*$/;
const ITEM = /^(\s*)([-*+]|\d{1,4}[.)])\s+(.*)$/;
const TABLE = /^\|.*\n[ \t]*\|[ \t:|-]+$/m;
// Each branch runs to its own closing mark or stops at once, so that no text makes the search quadratic.
const INLINE = /`([^`\n]+)`|\*\*((?:[^*]|\*(?!\*))+)\*\*|(?<![\w*])\*(?=\S)([^*\n]+)\*(?![\w*])|\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]/g;

/**
 * @typedef {{type: "paragraph"|"heading"|"code", source: string, text: string}
 *         | {type: "list", source: string, items: {depth: number, ordered: boolean, start: number, text: string}[]}} Block
 * `source` is what the block was made from: equal sources make equal blocks.
 */

/** @returns {Block[]} the blocks of a text, which may end in the middle of one. */
export function parseBlocks(text) {
  const lines = text.replace(/\r\n?/g, "\n").split("\n");
  const blocks = [];
  for (let at = 0; at < lines.length; ) {
    const block = readCode(lines, at) ?? readHeading(lines, at) ?? readList(lines, at) ?? readParagraph(lines, at);
    if (block.made) blocks.push({ ...block.made, source: lines.slice(at, block.end).join("\n") });
    at = block.end;
  }
  return blocks;
}

/**
 * @typedef {{type: "text"|"code"|"strong"|"em", text: string} | {type: "citation", text: string, numbers: number[]}} Piece
 * @returns {Piece[]} the pieces of one run of text; the text of `strong` and `em` may hold further pieces
 */
export function parseInline(text) {
  const pieces = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > end) pieces.push({ type: "text", text: text.slice(end, match.index) });
    pieces.push(pieceOf(match));
    end = match.index + match[0].length;
  }
  if (end < text.length) pieces.push({ type: "text", text: text.slice(end) });
  return pieces;
}

function pieceOf([whole, code, strong, em, numbers]) {
  if (code !== undefined) return { type: "code", text: code };
  if (strong !== undefined) return { type: "strong", text: strong };
  if (em !== undefined) return { type: "em", text: em };
  return { type: "citation", text: whole, numbers: numbers.split(",").map(Number) };
}

function readCode(lines, at) {
  const open = FENCE.exec(lines[at]);
  if (!open) return null;
  const closes = (line) => line.trim().startsWith(open[1]) && !line.trim().slice(open[1].length).trim();
  let end = at + 1;
  while (end < lines.length && !closes(lines[end])) end += 1;
  return { made: { type: "code", text: lines.slice(at + 1, end).join("\n") }, end: Math.min(end + 1, lines.length) };
}

function readHeading(lines, at) {
  const heading = HEADING.exec(lines[at]);
  return heading && { made: { type: "heading", text: heading[1] }, end: at + 1 };
}

function readList(lines, at) {
  if (!ITEM.test(lines[at])) return null;
  const items = [];
  let end = at;
  for (; end < lines.length; end += 1) {
    const item = ITEM.exec(lines[end]);
    if (item) items.push(itemOf(item));
    else if (/^\s+\S/.test(lines[end])) items.at(-1).text += `\n${lines[end].trim()}`;
    else if (lines[end].trim() || !ITEM.test(lines[end + 1] ?? "")) break; // one empty line may part two items
  }
  return { made: { type: "list", items }, end };
}

function itemOf([, indent, mark, text]) {
  const ordered = /\d/.test(mark);
  return { depth: Math.floor(indent.replace(/\t/g, "  ").length / 2), ordered, start: ordered ? Number.parseInt(mark, 10) : 1, text };
}

function readParagraph(lines, at) {
  let end = at;
  while (end < lines.length && lines[end].trim() && (end === at || !startsOther(lines[end]))) end += 1;
  const text = lines.slice(at, end).join("\n").trim();
  const type = TABLE.test(text) ? "code" : "paragraph"; // a table keeps its columns, which is enough to read it
  return { made: text ? { type, text } : null, end: Math.max(end, at + 1) };
}

function startsOther(line) {
  return FENCE.test(line) || HEADING.test(line) || ITEM.test(line);
}
