/* What went wrong or well, where it happened. */

import { both, h } from "./dom.js";
import { Refusal } from "./api.js";
import { inJapanese } from "./sentences.js";

/** A refusal as a box: what it means, the server's words, the stable code. */
export function refused(error) {
  if (!(error instanceof Refusal)) throw error;
  return h(
    "div",
    { class: "box error", role: "alert" },
    h("p", {}, h("strong", {}, inJapanese(null, error.said) ?? error.ja)),
    h("p", { lang: "en" }, error.en),
    error.said ? h("p", { lang: "en", class: "said" }, error.said) : null,
    h("p", {}, "コード ", h("code", {}, error.code)),
  );
}

export const done = (ja, en) => h("p", { class: "box good" }, both(ja, en));

export const empty = (ja, en) => h("p", { class: "empty" }, both(ja, en));

/** Fill a place with what a promise gives; meanwhile it says that it is busy. */
export async function fill(place, promise) {
  place.setAttribute("aria-busy", "true");
  try {
    place.replaceChildren(...[await promise].flat(Infinity).filter(Boolean));
  } catch (error) {
    place.replaceChildren(refused(error));
  } finally {
    place.removeAttribute("aria-busy");
  }
}
