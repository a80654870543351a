/* What can be done with a draft: propose, withdraw, approve, reject, give up; and rolling back. */

import { action, AT_ONCE, effectiveFrom, instant, reason } from "./action.js";
import { ask, upload } from "./api.js";
import { both, h, time } from "./dom.js";
import { ABANDON, APPROVE, PROPOSE, REACHED, REBASE, REJECT, ROLL_BACK, WITHDRAW } from "./queries.js";
import { viewer } from "./session.js";
import { REACHES, word } from "./words.js";

/** @returns {[string, string]} */
function settled({ needsApproval, version }) {
  if (needsApproval) return ["提案しました。別の人の承認を待ちます。", "Proposed; it waits for a second person."];
  if (version.effectiveFrom && Date.parse(version.effectiveFrom) > Date.now()) {
    return [`第${version.number}版になりました。発効日時を待ちます。`, "A version that waits for its instant."];
  }
  return [`第${version.number}版になり、有効になりました。`, "A version, in force."];
}

const NUMBER = new Intl.NumberFormat("ja-JP");

/** What approving is about to do: from when, for how many of the staff, of how many people. */
async function reached(purpose, draft, when) {
  const { policyComparison: found } = await ask(REACHED, { purpose, variables: { draft: draft.id } });
  const grave = Object.keys(REACHES).filter((reach) => found.gains.some((gain) => gain.reach === reach));
  return [
    ["発効", when ? time(when) : "すぐに（承認と同時）"],
    ["権限が増える職員", `${NUMBER.format(found.staff)} 人`],
    ["見えるようになる人", found.people === null ? "個人情報は増えません" : `最大 市全体 約 ${NUMBER.format(found.people)} 人`],
    ["特に重いもの", grave.map((reach) => word(REACHES, reach)[0]).join("、")],
    ["変わること", `開く ${found.gains.length} 件、閉じる ${found.losses.length} 件`],
  ];
}

/** `may`: edit and propose; who may not is shown what a second person does. */
export function draftActions({ purpose, draft, may, stale }) {
  const mutate = async (document, more = {}) =>
    Object.values(await ask(document, { purpose, variables: { input: { draft: draft.id, ...more } } }))[0];
  const made = {
    propose: () => action({
      words: ["提案する", "Propose"],
      fields: [reason("提案する理由", "Reason"),
        effectiveFrom("閉じるだけの変更は、承認なしで有効になります。それ以外は、承認する人が発効日時を決めます。")],
      send: ({ reason: why, effectiveFrom: when }) => mutate(PROPOSE, { reason: why.value, effectiveFrom: instant(when) }),
      done: settled,
    }),
    rebase: () => action({
      words: ["現行の版に合わせる", "Rebase"], send: () => mutate(REBASE),
      done: () => ["現行の版に合わせました。", "Rebased."],
    }),
    load: () => action({
      words: ["CSV を取り込む", "Import"],
      fields: [["csv", both("Casbin CSV のファイル", "File"), h("input", { type: "file", required: true, accept: ".csv,text/csv" }),
        "UTF-8 または CP932（Shift_JIS）、2万行まで。いまの行は、すべて置き換わります。"]],
      send: ({ csv }) => upload(draft.id, csv.files[0], purpose),
      done: () => ["取り込みました。", "Imported."],
    }),
    abandon: () => action({
      words: ["取りやめる", "Abandon"], danger: true, send: () => mutate(ABANDON),
      done: () => ["草案を取りやめました。", "Abandoned."],
    }),
    withdraw: () => action({
      words: ["提案を取り下げる", "Withdraw"], send: () => mutate(WITHDRAW),
      done: (answer) => {
        window.history.pushState(null, "", `#/draft/${encodeURIComponent(answer.draft.id)}`);
        return ["提案を取り下げました。同じ内容の新しい草案を編集できます。", "Withdrawn; its lines are in a new draft."];
      },
    }),
    approve: () => action({
      words: ["承認する", "Approve"], fields: [reason("承認する理由", "Reason"), effectiveFrom(AT_ONCE)],
      confirm: ({ effectiveFrom: when }) => reached(purpose, draft, instant(when)),
      send: ({ reason: why, effectiveFrom: when }) => mutate(APPROVE, { reason: why.value, effectiveFrom: instant(when) }),
      done: settled,
    }),
    reject: () => action({
      words: ["却下する", "Reject"], fields: [reason("却下する理由", "Reason")], danger: true,
      send: ({ reason: why }) => mutate(REJECT, { reason: why.value }),
      done: () => ["却下しました。", "Rejected."],
    }),
  };
  const open = {
    OPEN: may ? [...(stale ? ["rebase"] : ["propose"]), ...(draft.createdBy === viewer().id ? ["load"] : []), "abandon"] : [],
    PROPOSED: draft.proposedBy === viewer().id ? ["withdraw"] : may ? [] : ["approve", "reject"],
  }[draft.state] ?? [];
  return open.length ? h("div", { class: "actions" }, open.map((name) => made[name]())) : null;
}

/** A roll back is a new version with the lines of an earlier one. */
export function rollBackBox(purpose, { number }) {
  return h("div", { class: "actions" }, action({
    words: [`第${number}版に戻す`, "Roll back"], fields: [reason("戻す理由", "Reason"), effectiveFrom(AT_ONCE)],
    send: async ({ reason: why, effectiveFrom: when }) => (await ask(ROLL_BACK, {
      purpose, variables: { input: { version: number, reason: why.value, effectiveFrom: instant(when) } },
    })).rollBackPolicy,
    done: settled,
  }));
}
