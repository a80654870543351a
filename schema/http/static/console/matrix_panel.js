/* The matrix with what stands around it: how to look, the legend, and a place beside it. */

import { both, button, field, h, say } from "./dom.js";
import { legend, matrix } from "./matrix.js";
import { columnsOf, rowsOf } from "./matrix_data.js";
import { fill } from "./notices.js";
import { choice, radios } from "./parts.js";

/**
 * @param {{words: any, load: (chosen: {roles?: string[], purposes?: string[]}) =>
 *   Promise<{now: any, before: any}>, detail: (row: any, column: any, leave: () => void) => any,
 *   withChanges: boolean, looking?: any}} view
 *   `load` gives matrix rows and lines; `detail` what is shown beside for a chosen cell, and `leave` goes back to it;
 *   `looking` keeps what is chosen across visits
 */
export function matrixPanel(view) {
  const { words, withChanges } = view;
  const looking = view.looking ?? newLooking();
  const grid = h("div", { class: "grid-place" });
  const beside = h("section", { class: "detail", "aria-label": "選んだ欄 Chosen cell", tabindex: "-1" }, hint());
  const chooser = h("div", { class: "chooser" });
  /** @type {any} */
  let loaded = null;

  function choose() {
    const options = looking.by === "purpose" ? words.purposes : words.roles;
    const label = looking.by === "purpose" ? both("利用目的", "Purpose") : both("ロール", "Role");
    const control = choice(options, looking[looking.by], {
      onchange: () => { looking[looking.by] = control.value; refresh(); },
    });
    chooser.replaceChildren(field(label, control));
  }

  /** Load and draw again; the focus stays on the cell where it was. */
  async function refresh() {
    const focused = document.activeElement?.getAttribute("data-key");
    const chosen = looking[looking.by];
    await fill(grid, view.load(looking.by === "purpose" ? { purposes: [chosen] } : { roles: [chosen] }),
      (found) => { loaded = found; return draw(); });
    if (focused) cellAt(focused)?.focus();
  }

  function draw() {
    const columns = columnsOf(words, looking.by, looking[looking.by], withChanges);
    const name = looking.by === "purpose" ? words.purposeName(looking.purpose) : words.roleName(looking.role);
    const rows = rowsOf(words, columns, loaded.now, loaded.before);
    const table = matrix({
      caption: `${name}の権限`, columns, rows, open: looking.open, hideEmpty: looking.hideEmpty,
      choose: (row, column, cell) => detail(row, column, cell),
    });
    return table;
  }

  const cellAt = (key) => [...grid.querySelectorAll("[data-key]")].find((one) => one.dataset.key === key);

  function detail(row, column, cell) {
    for (const other of grid.querySelectorAll(".chosen")) other.classList.remove("chosen");
    cell.classList.add("chosen");
    beside.replaceChildren(
      h("h2", {}, row.ja, " ", h("span", { class: "code" }, row.code)),
      h("p", {}, column.ja, " ", h("span", { class: "code" }, column.code)),
      ...[view.detail(row, column, leave)].flat(Infinity).filter(Boolean),
    );
    beside.onkeydown = (event) => { if (event.key === "Escape") leave(); };
    beside.focus();
    function leave() {
      beside.replaceChildren(hint());
      const back = cellAt(cell.dataset.key) ?? cell;
      back.classList.remove("chosen");
      back.focus();
    }
  }

  const hide = h("input", {
    type: "checkbox", checked: looking.hideEmpty,
    onchange: () => {
      looking.hideEmpty = hide.checked;
      grid.replaceChildren(draw());
      say(hide.checked ? "空の行を隠しました。" : "すべての行を表示しました。");
    },
  });
  const tools = h("div", { class: "tools" },
    radios(both("見方", "By"), "by", [["purpose", both("利用目的ごと", "purpose")], ["role", both("ロールごと", "role")]],
      looking.by, (by) => { looking.by = by; choose(); refresh(); }),
    chooser,
    h("label", { class: "check" }, hide, " ", both("空の行を隠す", "hide empty rows")));
  choose();
  refresh();
  return { element: [tools, h("details", { class: "legend-box", open: !withChanges }, h("summary", {}, both("文字の意味", "Legend")), legend(withChanges)), grid],
    beside, refresh };
}

/** Goes back to the cell. */
export const closeButton = (leave) => button(both("閉じる", "Close"), leave);

export const newLooking = () => ({
  by: "purpose", purpose: "consultation", role: "collection-clerk", open: new Set(), hideEmpty: true,
});

const hint = () => h("p", { class: "empty" },
  "表の欄を選ぶと、ここに出ます。矢印キーで動き、Enter で選びます。",
  h("span", { lang: "en" }, " Choose a cell: arrow keys move, Enter opens it."));
