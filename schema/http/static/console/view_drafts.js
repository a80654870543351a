/* 草案: those that are being made, wait, or are decided. */

import { ask } from "./api.js";
import { both, field, h, select, table, time } from "./dom.js";
import { refused } from "./notices.js";
import { filters, paged } from "./paged.js";
import { badge, head } from "./parts.js";
import { CREATE_DRAFT, DRAFTS } from "./queries.js";
import { mayWrite } from "./session.js";
import { DRAFT_STATES, word } from "./words.js";

export async function draftsView(context) {
  const { purpose } = context;
  const may = await mayWrite(purpose, "PolicyDraft");
  const state = select([["", "すべて"], ...Object.entries(DRAFT_STATES).map(([code, [ja]]) => [code, ja])], "");
  const list = draftList(purpose, () => (state.value ? { state: { eq: state.value } } : null),
    ["草案はありません。", "There is no draft."]);
  list.begin();
  return [head("草案", "Drafts", context), may ? newDraft(purpose) : null, h("h2", {}, both("一覧", "All drafts")),
    filters([field(both("状態", "State"), state)], list), list.element];
}

const SIZE = 50;

/** Drafts page by page, the newest first. */
export const draftList = (purpose, filter, none) => paged({
  size: SIZE, none, draw: draftTable,
  load: async (after) => (await ask(DRAFTS, { purpose, variables: { first: SIZE, after, filter: filter() } })).policyDrafts,
});

function draftTable(drafts) {
  return table("草案の一覧 Drafts", ["件名", "状態", "元の版", "作成", "提案者"],
    drafts.map((draft) => h("tr", {},
      h("th", { scope: "row" }, h("a", { href: `#/draft/${encodeURIComponent(draft.id)}` }, draft.title)),
      h("td", {}, badge(draft.state, word(DRAFT_STATES, draft.state))),
      h("td", { class: "number" }, draft.basedOn),
      h("td", {}, draft.createdBy, " ", time(draft.createdAt)),
      h("td", {}, draft.proposedBy ?? "–"))));
}

function newDraft(purpose) {
  const title = h("input", { required: true, maxlength: "200" });
  const result = h("div");
  const form = h("form", { class: "row" },
    h("div", { class: "wide" }, field(both("新しい草案の件名", "Title of a new draft"), title)),
    h("button", { class: "main" }, both("草案を作る", "Create")), result);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const variables = { input: { title: title.value } };
      const { createPolicyDraft } = await ask(CREATE_DRAFT, { purpose, variables });
      window.location.hash = `#/draft/${encodeURIComponent(createPolicyDraft.draft.id)}`;
    } catch (error) {
      result.replaceChildren(refused(error));
    }
  });
  return form;
}
