/* Something that can be done: a disclosure with a form, its refusal, and the view shown anew.
   What is about to act for others says first what it does, and waits for a yes. */

import { both, button, field, h } from "./dom.js";
import { refused } from "./notices.js";
import { again, facts } from "./parts.js";

/**
 * A disclosure with a form of its own.
 * @param {{words: [string, string], fields?: any[], danger?: boolean,
 *   confirm?: ((controls: Record<string, any>) => Promise<any[]> | any[]) | null,
 *   send: (controls: Record<string, any>) => Promise<any>, done: (answer: any) => [string, string]}} one
 *   `fields`: `[name, label, control, hint]`; `confirm`: what it is about to do, as terms and words;
 *   `send` does it, then the view is shown anew
 */
export function action({ words, fields = [], danger = false, confirm = null, send, done }) {
  const controls = Object.fromEntries(fields.map(([name, , control]) => [name, control]));
  const result = h("div");
  const submit = h("button", { class: danger ? "danger" : "main" }, both(...words));
  const form = h("form", {}, fields.map(([, label, control, hint]) => field(label, control, hint)),
    h("p", {}, submit), result);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    try {
      if (confirm && !await confirmed(result, words, await confirm(controls))) {
        submit.disabled = false;
        submit.focus();
        return;
      }
      again(done(await send(controls)));
    } catch (error) {
      result.replaceChildren(refused(error));
    } finally {
      submit.disabled = false;
    }
  });
  return h("details", {}, h("summary", {}, both(...words)), form);
}

/**
 * Say what is about to be done, and wait for a yes or a no.
 * @returns {Promise<boolean>}
 */
export function confirmed(place, [ja, en], lines) {
  return new Promise((resolve) => {
    const end = (answer) => { place.replaceChildren(); resolve(answer); };
    const box = h("div", { class: "box note confirm", role: "group", "aria-label": "確認 Confirm", tabindex: "-1" },
      h("p", {}, h("strong", {}, both("この内容でよいですか。", "Is this right?"))),
      facts(lines),
      h("p", { class: "row" },
        button(both(`この内容で${ja}`, `${en} this`), () => end(true), { class: "main" }),
        button(both("やめる", "Cancel"), () => end(false))));
    place.replaceChildren(box);
    box.focus();
  });
}

export const reason = (ja, en) => ["reason", both(ja, en), h("textarea", { required: true, maxlength: "2000" })];

/** A day and time in Japan; empty is at once. */
export const effectiveFrom = (hint) => ["effectiveFrom", both("発効日時（日本時間）", "Effective from"),
  h("input", { type: "datetime-local" }), hint];

export const AT_ONCE = "空欄なら、すぐに有効になります。4月1日の異動などは、ここに日時を入れます。";

export const instant = ({ value }) => (value ? new Date(`${value}+09:00`).toISOString().replace(/\.\d+/, "") : null);
