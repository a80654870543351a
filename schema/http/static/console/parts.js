/* Parts that several views share. */

import { both, h, say, select } from "./dom.js";
import { done } from "./notices.js";

/** @type {[string, string] | null} */
let told = null;

/** Show the view anew, with a word on what was done. */
export function again(done) {
  told = done;
  window.dispatchEvent(new Event("hashchange"));
}

/** The head of a view: its title and the purpose for which it asks. */
export function head(ja, en, { words, purpose }, ...more) {
  const notice = told && done(...told);
  if (told) say(told[0]);
  told = null;
  return h("header", { class: "head" }, notice,
    h("h1", {}, both(ja, en)),
    h("p", { class: "purpose" }, "利用目的 ", h("strong", {}, words.purposeName(purpose)), " ",
      h("span", { class: "code" }, purpose)),
    ...more);
}

/** A group of radio buttons: `[value, label]`; `onchange(value)`. */
export function radios(legend, name, options, chosen, onchange) {
  return h("fieldset", { class: "radios" }, h("legend", {}, legend),
    options.map(([value, label]) => h("label", {},
      h("input", {
        type: "radio", name, value, checked: value === chosen, onchange: () => onchange(value),
      }), " ", label)));
}

/** A choice of a role, a purpose, … by `[{code, nameJa}]`. */
export const choice = (from, chosen, attributes = {}) =>
  select(from.map(({ code, nameJa }) => [code, `${nameJa}（${code}）`]), chosen, attributes);

/** Pairs of a term and what it is; pairs without a value are left out. */
export function facts(pairs) {
  return h("dl", { class: "facts" }, pairs.filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([term, value]) => h("div", {}, h("dt", {}, term), h("dd", {}, value))));
}

/** Words for a state, with its colour. */
export const badge = (kind, [ja, en]) => h("span", { class: `badge ${kind.toLowerCase()}` }, both(ja, en));
