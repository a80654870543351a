/* あなたを待つもの: what whoever approves has to decide on, before anything else. */

import { approvals } from "./approvals.js";
import { all, ask } from "./api.js";
import { both, h } from "./dom.js";
import { head } from "./parts.js";
import { ROLE_HOLDERS } from "./queries.js";
import { viewer } from "./session.js";
import { draftList } from "./view_drafts.js";

export async function waitingView(context) {
  const { words, purpose } = context;
  const me = viewer().id;
  const stands = purpose === "audit";
  // What a director is to get is the only thing for the staff that the auditor decides on.
  const directors = stands ? await holdersOf(purpose, "collection-director") : [];
  const drafts = draftList(purpose, () => ({ and: [{ state: { eq: "PROPOSED" } }, { not: { createdBy: { eq: me } } }] }),
    ["承認を待つ草案はありません。", "No draft waits."]);
  drafts.begin();
  return [
    head("あなたを待つもの", "Waiting for you", context,
      stands ? h("p", { class: "box note" }, both("点検担当が決めるのは、収納管理監が決められないものだけです。",
        "The auditor decides only on what the collection director may not.")) : null),
    h("h2", {}, both("権限設定の草案", "Drafts")), drafts.element,
    h("h2", {}, both("職員への提案", "Proposals for the staff")),
    approvals({ words, purpose, filter: () => ({ and: [
      { state: { eq: "PROPOSED" } }, { not: { proposedBy: { eq: me } } }, { not: { staffId: { eq: me } } },
      ...(stands ? [{ staffId: { in: directors } }] : []),
    ] }) }),
  ];
}

/** The staff ids of everybody who has a role, whatever its days. */
export async function holdersOf(purpose, role) {
  const found = await all(async (after) =>
    (await ask(ROLE_HOLDERS, { purpose, variables: { role, after } })).roleGrants);
  return found.map(({ staffId }) => staffId);
}
