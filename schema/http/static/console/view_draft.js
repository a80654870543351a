/* One draft: its matrix to edit, and beside it what it would open and close. */

import { ask } from "./api.js";
import { both, h, say, time } from "./dom.js";
import { cellLines } from "./cell_lines.js";
import { findingsList, summary, summed, whatIf } from "./comparison.js";
import { draftActions } from "./draft_actions.js";
import { editor } from "./editor.js";
import { linesOf } from "./lines.js";
import { cellKey } from "./matrix_data.js";
import { closeButton, matrixPanel, newLooking } from "./matrix_panel.js";
import { fill, refused } from "./notices.js";
import { badge, facts, head } from "./parts.js";
import { COMPARISON, DRAFT, EDIT_DRAFT, MATRIX, STATUS } from "./queries.js";
import { replayBox } from "./replay.js";
import { mayWrite, viewer } from "./session.js";
import { DRAFT_STATES, word } from "./words.js";

const looking = { ...newLooking(), hideEmpty: false };

export async function draftView(context) {
  const { words, purpose, argument: id } = context;
  const { policyDraft: draft } = await ask(DRAFT, { purpose, variables: { id } });
  if (!draft) return h("p", { class: "box note" }, both("この草案はありません。", "There is no such draft."));
  let flaws = new Map();
  const [may, { policyStatus: current }, base] = await Promise.all([
    mayWrite(purpose, "PolicyDraft"), ask(STATUS, { purpose }), linesOf(purpose, { version: draft.basedOn }),
  ]);
  let lines = await linesOf(purpose, { draft: id });
  const editable = draft.state === "OPEN" && may && draft.createdBy === viewer().id;

  const panel = matrixPanel({
    words,
    looking,
    withChanges: true,
    load: async (chosen) => {
      const [now, before] = await Promise.all([
        ask(MATRIX, { purpose, variables: { ...chosen, draft: id } }),
        ask(MATRIX, { purpose, variables: { ...chosen, version: draft.basedOn } }),
      ]);
      return {
        now: { rows: now.policyMatrix.rows, lines, flaws },
        before: { rows: before.policyMatrix.rows, lines: base },
      };
    },
    detail: (row, column, leave) => [
      ...cellLines(lines, row, column, id),
      findingsList(words, flaws.get(cellKey(row.what, column.role, column.purpose)) ?? []),
      editable ? editor(lines, row, column, (edit) => apply(edit).then(leave), closeButton(leave))
        : h("p", {}, closeButton(leave)),
    ],
  });

  const consequences = h("div");
  const totals = h("section", { class: "totals", "aria-label": "変わる件数 Totals" });
  /** Compare, then draw the matrix: the cells show what validation says of their lines. */
  async function refresh(aloud) {
    // What it says of line 7 is said of this line 7, whatever is taken out before the next answer.
    const compared = lines;
    const remove = (number) => takeOut(compared[number - 1]);
    // Without a base the server compares with what is in force, and with what waits, too.
    const base = draft.basedOn === current.version ? null : draft.basedOn;
    await fill(consequences, ask(COMPARISON, { purpose, variables: { draft: id, base } }),
      ({ policyComparison }) => {
        flaws = flawsOf(policyComparison.findings, compared);
        if (aloud) say(`草案に入れました。${summed(policyComparison)}`);
        totals.replaceChildren(summary(policyComparison));
        return whatIf(words, policyComparison, editable ? remove : null);
      });
    await panel.refresh();
  }

  /** Take out a line that validation finds; also one that stands in no cell. */
  async function takeOut({ role, purpose: about, what, action }) {
    try {
      await apply({ remove: [{ role, purpose: about, what, action }] });
    } catch (error) {
      consequences.prepend(refused(error));
    }
  }

  async function apply(edit) {
    await ask(EDIT_DRAFT, { purpose, variables: { input: { draft: id, ...edit } } });
    lines = await linesOf(purpose, { draft: id });
    await refresh(true);
  }

  refresh(false);
  return [
    h("div", { class: "beside draft" },
      h("div", { class: "about" }, head(draft.title, "Draft", context, status(draft), stale(draft, current), waits(draft, current)),
        draftActions({ purpose, draft, may, stale: draft.basedOn !== current.version })),
      h("section", { class: "table", "aria-label": "権限の表 Matrix" }, panel.element),
      h("div", { class: "side" },
        totals,
        panel.beside,
        h("section", { class: "what-if", "aria-labelledby": "what-if-title" },
          h("h2", { id: "what-if-title" }, both("この草案で変わること", "What if")), consequences),
        replayBox(words, purpose, id))),
  ];
}

/** A draft of an earlier version cannot be proposed; its change can be made to the present one. */
const stale = (draft, { version: current }) =>
  ["OPEN", "PROPOSED"].includes(draft.state) && draft.basedOn !== current
    ? h("p", { class: "box note" }, both(`この草案を作った後に、第${current}版が有効になりました。`,
      "Another version is in force since this draft was made."))
    : null;

/** A change is made to the versions that wait, too, and may open something only together with them. */
const waits = (draft, { version: current, waiting }) =>
  ["OPEN", "PROPOSED"].includes(draft.state) && draft.basedOn === current && waiting.length
    ? h("p", { class: "box note" }, both(
      `発効を待つ版（${waiting.map(({ version }) => `第${version}版`).join("、")}）があり、この草案の変更はその版にも加わります。` +
      "「この草案で変わること」には、待つ版と合わさって変わるものも含まれます。",
      "Versions wait; the change is made to them, too. What they open together is shown here."))
    : null;

function status(draft) {
  return [
    h("p", {}, badge(draft.state, word(DRAFT_STATES, draft.state)), " ", `第${draft.basedOn}版をもとに `,
      draft.createdBy, " が作成 ", time(draft.createdAt)),
    facts([
      ["提案", draft.proposedBy && [draft.proposedBy, " ", time(draft.proposedAt)]],
      ["提案理由", draft.reason],
      ["決定", draft.decidedBy && [draft.decidedBy, " ", time(draft.decidedAt)]],
      ["決定理由", draft.decisionReason],
      ["成立した版", draft.version && h("a", { href: `#/version/${draft.version}` }, `第${draft.version}版`)],
    ]),
  ];
}

/** What validation finds, by the cell that its line stands in. */
function flawsOf(findings, lines) {
  const found = new Map();
  for (const finding of findings) {
    const line = finding.line ? lines[finding.line - 1] : null;
    if (!line) continue;
    const key = cellKey(line.what, line.role.replace(/^role:/, ""), line.purpose.replace(/^purpose:/, ""));
    found.set(key, [...(found.get(key) ?? []), finding]);
  }
  return found;
}
