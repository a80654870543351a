/* The lines that speak of one cell, and the way to the full explanation. */

import { both, h } from "./dom.js";
import { ACTIONS, word } from "./words.js";

/** `of`: "" for the version in force, or a draft's id. */
export function cellLines(lines, row, column, of) {
  const found = lines
    .map((line, at) => ({ ...line, number: at + 1 }))
    .filter((line) => line.what === row.what && speaks(line, column));
  return [
    found.length
      ? h("ul", { class: "lines" }, found.map((line) => h("li", {},
          h("p", {}, effect(line), " ", both(...word(ACTIONS, line.action).slice(-2)),
            line.role === "role:any" ? " すべてのロール" : "",
            line.purpose === "purpose:any" ? " すべての利用目的" : "",
            h("span", { class: "code" }, ` 行 ${line.number}`)),
          line.note ? h("p", { class: "note-text", lang: "en" }, line.note) : null)))
      : h("p", { class: "empty" }, both("この欄を直接決める行はありません。", "No line speaks of this cell.")),
    explainLinks(row, column, of),
  ];
}

const speaks = (line, { role, purpose }) =>
  [`role:${role}`, "role:any"].includes(line.role) &&
  [`purpose:${purpose}`, "purpose:any"].includes(line.purpose);

export const effect = ({ effect: found }) =>
  h("span", { class: `effect ${found}` }, ...(found === "allow" ? both("許可", "allow") : both("拒否", "deny")));

function explainLinks(row, { role, purpose }, of) {
  const coordinate = row.fields.length ? row.fields[0].what : row.what;
  if (coordinate.startsWith("class:")) return null;
  const words = [role, purpose, coordinate, "read", of].map(encodeURIComponent).join("/");
  return h("p", {}, h("a", { href: `#/explain/${words}` }, both("理由を調べる", "Explain")));
}
