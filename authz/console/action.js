/* Something that can be done: a disclosure with a form, its refusal, and the view shown anew. */

import { both, field, h } from "./dom.js";
import { refused } from "./notices.js";
import { again } from "./parts.js";

/**
 * A disclosure with a form of its own.
 * @param {{words: [string, string], fields?: any[], danger?: boolean,
 *   send: (controls: Record<string, any>) => Promise<any>, done: (answer: any) => [string, string]}} one
 *   `fields`: `[name, label, control, hint]`; `send` does it, then the view is shown anew
 */
export function action({ words, fields = [], danger = false, send, done }) {
  const controls = Object.fromEntries(fields.map(([name, , control]) => [name, control]));
  const result = h("div");
  const submit = h("button", { class: danger ? "danger" : "main" }, both(...words));
  const form = h("form", {}, fields.map(([, label, control, hint]) => field(label, control, hint)),
    h("p", {}, submit), result);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    try {
      again(done(await send(controls)));
    } catch (error) {
      result.replaceChildren(refused(error));
    } finally {
      submit.disabled = false;
    }
  });
  return h("details", {}, h("summary", {}, both(...words)), form);
}

export const reason = (ja, en) => ["reason", both(ja, en), h("textarea", { required: true, maxlength: "2000" })];

/** A day and time in Japan; empty is at once. */
export const effectiveFrom = (hint) => ["effectiveFrom", both("発効日時（日本時間）", "Effective from"),
  h("input", { type: "datetime-local" }), hint];

export const AT_ONCE = "空欄なら、すぐに有効になります。4月1日の異動などは、ここに日時を入れます。";

export const instant = ({ value }) => (value ? new Date(`${value}+09:00`).toISOString().replace(/\.\d+/, "") : null);
