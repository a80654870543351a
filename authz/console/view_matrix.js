/* 現行: the matrix of the version in force, and why each cell is as it is. */

import { ask } from "./api.js";
import { h, time } from "./dom.js";
import { cellLines } from "./cell_lines.js";
import { linesOf } from "./lines.js";
import { closeButton, matrixPanel, newLooking } from "./matrix_panel.js";
import { head } from "./parts.js";
import { MATRIX, STATUS } from "./queries.js";

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
  ];
}
