/* 現行: the matrix of the version in force, and why each cell is as it is. */

import { ask } from "./api.js";
import { h, table, time } from "./dom.js";
import { cellLines } from "./cell_lines.js";
import { linesOf } from "./lines.js";
import { closeButton, matrixPanel, newLooking } from "./matrix_panel.js";
import { head } from "./parts.js";
import { MATRIX, STATUS } from "./queries.js";
import { populationName } from "./vocabulary.js";

const looking = newLooking();

export async function matrixView(context) {
  const { words, purpose } = context;
  const { policyStatus: status } = await ask(STATUS, { purpose });
  const lines = await linesOf(purpose, { version: status.version });
  const panel = matrixPanel({
    words,
    looking,
    withChanges: false,
    load: async (chosen) => {
      const { policyMatrix } = await ask(MATRIX, { purpose, variables: chosen });
      return { now: { rows: policyMatrix.rows, lines }, before: null };
    },
    detail: (row, column, leave) => [...cellLines(lines, row, column, ""), h("p", {}, closeButton(leave))],
  });
  return [
    head("現行の権限", "In force", context,
      h("p", {}, "第", h("strong", { class: "number" }, status.version), "版が有効です。",
        h("span", { lang: "en" }, ` Version ${status.version} decides.`)),
      status.waiting.map((one) => h("p", { class: "box note" }, `第${one.version}版が `,
        time(one.effectiveFrom), " から有効になります。"))),
    h("div", { class: "beside" },
      h("section", { "aria-label": "権限の表 Matrix" }, panel.element),
      h("div", { class: "side" }, panel.beside)),
    people(words),
  ];
}

/** Whom a purpose may touch, and how many persons an hour: each with its reason. */
function people(words) {
  const named = (name, code) => (code === "any" ? "すべて" : name(code));
  return h("details", {},
    h("summary", {}, "対象者の範囲と照会件数の上限", h("span", { lang: "en" }, " People and budgets")),
    table("対象者の範囲 Populations", ["利用目的", "対象者", "理由"],
      words.purposes.filter((one) => one.population || one.populationReason).map((one) =>
        h("tr", {}, h("th", { scope: "row" }, one.nameJa),
          h("td", {}, one.population ? populationName(one.population) : "全員"),
          h("td", {}, one.populationReason ?? "")))),
    table("照会件数の上限 Budgets", ["ロール", "利用目的", "区分", "1時間の人数", "理由"],
      words.budgets.map((one) =>
        h("tr", {}, h("th", { scope: "row" }, named(words.roleName, one.role)),
          h("td", {}, named(words.purposeName, one.purpose)),
          h("td", {}, named(words.className, one.class)),
          h("td", { class: "number" }, one.persons), h("td", {}, one.reason)))));
}
