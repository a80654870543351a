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

/** What each place was last asked to show. */
const latest = new WeakMap();

/**
 * Fill a place with what `draw` makes of what a promise gives; meanwhile it says that it is busy.
 * What comes after something newer was asked for is not drawn: it would stand under other words.
 */
export async function fill(place, promise, draw = (found) => found) {
  const wanted = () => latest.get(place) === promise;
  latest.set(place, promise);
  place.setAttribute("aria-busy", "true");
  try {
    const found = await promise;
    if (wanted()) place.replaceChildren(...[draw(found)].flat(Infinity).filter(Boolean));
  } catch (error) {
    if (wanted()) place.replaceChildren(refused(error));
  } finally {
    if (wanted()) place.removeAttribute("aria-busy");
  }
}
