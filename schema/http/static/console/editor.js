/* Editing one cell of a draft: for each action nothing, allow or deny, and why. */

import { both, field, h, newId } from "./dom.js";
import { refused } from "./notices.js";
import { ACTIONS } from "./words.js";

/**
 * @param {any[]} lines of the draft
 * @param {any} row
 * @param {any} column
 * @param {(edit: {remove: any[], set: any[]}) => Promise<void>} apply
 * @param {any} close the button that leaves the cell
 */
export function editor(lines, row, column, apply, close) {
  const exact = (action) => lines.filter((line) => line.what === row.what && line.action === action &&
    line.role === `role:${column.role}` && line.purpose === `purpose:${column.purpose}`);
  const before = Object.fromEntries(Object.keys(ACTIONS).map((action) => [action, exact(action)[0]?.effect ?? "none"]));
  const now = { ...before };
  const note = h("input", { maxlength: "500", value: "" });
  const result = h("div");
  const save = h("button", { class: "main" }, both("草案に入れる", "Put into the draft"));
  const form = h("form", { class: "editor" },
    Object.entries(ACTIONS).map(([action, [letter, ja, en]]) => choices(action, letter, ja, en)),
    field(both("注記（なぜ）", "Note: why"), note, "新しい行に付きます。"),
    h("p", { class: "row" }, save, close),
    result);

  function choices(action, letter, ja, en) {
    const id = newId("action");
    return h("div", { class: "choices", role: "radiogroup", "aria-labelledby": id },
      h("span", { id, class: "what" }, h("span", { class: "letter shown", "aria-hidden": "true" }, letter), " ", both(ja, en)),
      EFFECTS.map(([value, label]) => h("label", {},
        h("input", {
          type: "radio", name: id, value, checked: before[action] === value,
          onchange: () => { now[action] = value; },
        }), " ", label)));
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const remove = [];
    const set = [];
    for (const [action, effect] of Object.entries(now)) {
      if (effect === before[action]) continue;
      const line = { role: `role:${column.role}`, purpose: `purpose:${column.purpose}`, what: row.what, action };
      if (effect === "none") remove.push(line);
      else set.push({ ...line, effect, note: note.value });
    }
    if (!remove.length && !set.length) {
      result.replaceChildren(h("p", { class: "empty" }, both("何も変わっていません。", "Nothing was changed.")));
      return;
    }
    save.disabled = true;
    try {
      await apply({ remove, set });
    } catch (error) {
      result.replaceChildren(refused(error));
    } finally {
      save.disabled = false;
    }
  });
  return form;
}

const EFFECTS = [["none", "なし"], ["allow", "許可"], ["deny", "拒否"]];
