/* The matrix as a table: classes and their fields down, roles or purposes across, letters inside. */

import { change, isEmpty, spoken } from "./cells.js";
import { both, h } from "./dom.js";
import { navigate } from "./grid.js";
import { ACTIONS } from "./words.js";

/**
 * @typedef {{states: Record<string, string>, before: Record<string, string> | null, flawed?: boolean}} Cell
 * @typedef {{key: string, ja: string, code: string}} Column
 * @typedef {{what: string, ja: string, code: string, marks: string[], cells: Cell[], fields: Row[]}} Row
 */

/**
 * The table.
 * @param {{caption: string, columns: Column[], rows: Row[], open: Set<string>, hideEmpty: boolean,
 *   choose: (row: Row, column: Column, cell: HTMLElement) => void}} view
 *   `open`: the classes that show their fields; it is kept up to date
 */
export function matrix(view) {
  const body = h("tbody");
  const grid = h(
    "table",
    { class: "matrix", role: "grid", "aria-label": view.caption },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, both("区分・項目", "Class, field")),
      view.columns.map((column) =>
        h("th", { scope: "col" }, h("span", { class: "name" }, column.ja),
          h("span", { class: "code" }, column.code))))),
    body,
  );
  for (const row of view.rows) {
    if (view.hideEmpty && row.cells.every(({ states, before }) => isEmpty(states) && (!before || isEmpty(before)))) continue;
    group(body, row, view);
  }
  if (!body.childElementCount) {
    body.append(h("tr", {}, h("td", { colspan: view.columns.length + 1, class: "empty" }, "許可のある区分はありません。")));
  }
  navigate(grid);
  return h("div", { class: "scroll" }, grid);
}

/** A class and, beneath it, its fields, shown when it is opened. */
function group(body, row, view) {
  // Made when they are first shown: there are some hundred of them.
  /** @type {any[] | null} */
  let fields = null;
  const toggle = h("button", {
    type: "button", class: "toggle", "data-cell": "", "aria-expanded": "false",
    disabled: row.fields.length === 0,
    onclick: () => expand(toggle.getAttribute("aria-expanded") === "false"),
  }, row.fields.length ? h("span", { class: "count" }, `${row.fields.length}項目`) : null,
    h("span", { class: "name" }, row.ja), " ", h("span", { class: "code" }, row.code),
    row.marks.map((mark) => h("span", { class: "mark" }, mark)));
  const expand = (on) => {
    toggle.setAttribute("aria-expanded", String(on));
    if (on && !fields) {
      const made = row.fields.map((inner) => line(inner, view, fieldHead(inner), "field-row"));
      head.after(...made);
      fields = made;
    }
    for (const field of fields ?? []) field.hidden = !on;
    view.open[on ? "add" : "delete"](row.what);
  };
  const head = line(row, view, h("th", { scope: "row" }, toggle), "class-row");
  body.append(head);
  expand(view.open.has(row.what));
}

const fieldHead = (row) =>
  h("th", { scope: "row" }, h("span", { class: "name" }, row.ja), " ", h("span", { class: "code" }, row.code));

function line(row, view, head, kind) {
  return h("tr", { class: kind }, head,
    row.cells.map((cell, at) => h("td", {}, cellButton(row, view.columns[at], cell, view.choose))));
}

function cellButton(row, column, cell, choose) {
  const made = h("button", {
    type: "button", class: "cell", "data-cell": "", "data-key": `${row.what} ${column.key}`,
    "aria-label": `${column.ja}、${row.ja}: ${spoken(cell.states, cell.before)}${cell.flawed ? "、検証の指摘あり" : ""}`,
    onclick: () => choose(row, column, made),
  }, letters(cell), cell.flawed ? h("span", { class: "flaw", "aria-hidden": "true" }, "！") : null);
  return made;
}

/** Seven letters in their fixed places, so that the eye finds each action in the same column. */
function letters({ states, before }) {
  return Object.entries(ACTIONS).map(([action, [letter]]) => {
    const way = before ? change(before[action], states[action]) : null;
    const state = states[action] === "none" && way === "loss" ? before[action] : states[action];
    const sign = { gain: "+", loss: "−" }[way] ?? "";
    return h("span", { class: `letter ${state} ${way ?? ""}`, "aria-hidden": "true" },
      state === "none" ? "・" : letter, sign ? h("i", {}, sign) : null);
  });
}

/** What the letters mean. */
export function legend(withChanges) {
  const sample = (state, way, letter = "参") =>
    h("span", { class: `letter ${state} ${way}`, "aria-hidden": "true" }, letter,
      way ? h("i", {}, way === "gain" ? "+" : "−") : null);
  return h("div", { class: "legend" },
    h("ul", { "aria-label": "操作の文字 Letters" }, Object.values(ACTIONS).map(([letter, ja, en]) =>
      h("li", {}, h("span", { class: "letter shown", "aria-hidden": "true" }, letter), " ", both(ja, en)))),
    h("ul", { "aria-label": "文字の書き方 How they are drawn" },
      h("li", {}, sample("shown", ""), " ", both("許可", "allowed")),
      h("li", {}, sample("partly", ""), " ", both("一部の項目だけ", "for some fields")),
      h("li", {}, sample("closed", ""), " ", both("行は許すが閉じている", "a line allows it, a rule closes it")),
      h("li", {}, sample("denied", ""), " ", both("拒否", "denied")),
      h("li", {}, h("span", { class: "mark" }, "秘匿"), " ", both("支援措置などの対象者では伏せる区分", "withheld where care is due")),
      withChanges ? [
        h("li", {}, sample("shown", "gain"), " ", both("草案で開く", "opened by the draft")),
        h("li", {}, sample("shown", "loss"), " ", both("草案で閉じる", "closed by the draft")),
      ] : null));
}
