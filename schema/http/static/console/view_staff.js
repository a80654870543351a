/* 職員とロール: who holds which roles, and what is proposed for whom. */

import { action, reason } from "./action.js";
import { approvals, days, proposals, what } from "./approvals.js";
import { ask } from "./api.js";
import { both, field, h, select, table, time } from "./dom.js";
import { filters, paged } from "./paged.js";
import { badge, facts, head } from "./parts.js";
import {
  HIRE, PROPOSE_REINSTATEMENT, PROPOSE_ROLE, REVOKE_ROLE, STAFF, SUSPEND, TRANSFER, WITHDRAW_STAFF_PROPOSAL,
} from "./queries.js";
import { mayWrite, viewer } from "./session.js";
import { holdersOf } from "./view_waiting.js";
import { PROPOSAL_STATES, STAFF_STATES, word } from "./words.js";
import { empty } from "./notices.js";

const SIZE = 50;

const change = (purpose, document) => (input) => ask(document, { purpose, variables: { input } });

const members = async (purpose, filter, after) =>
  (await ask(STAFF, { purpose, variables: { first: SIZE, after, filter } })).staffMembers;

export async function staffView(context) {
  const { words, purpose } = context;
  const may = await mayWrite(purpose, "StaffMember");
  const waiting = { state: { eq: "PROPOSED" } };
  const state = select([["", "すべて"], ...Object.entries(PROPOSAL_STATES).map(([code, [ja]]) => [code, ja])], "");
  const decided = proposals({
    purpose, oldestFirst: false, draw: (nodes) => history(words, nodes),
    filter: () => (state.value ? { state: { eq: state.value } } : { not: waiting }),
  });
  decided.begin();
  return [
    head("職員とロール", "Staff and roles", context),
    h("h2", {}, both("職員", "Staff")),
    may ? h("div", { class: "actions" }, hire(words, purpose)) : null,
    ...directory(words, purpose),
    h("h2", {}, both("承認を待つ提案", "Waiting proposals")),
    may ? own(words, purpose) : approvals({ words, purpose, filter: () => waiting }),
    h("h2", {}, both("決まった提案", "Decided proposals")),
    filters([field(both("結果", "Outcome"), state)], decided), decided.element,
  ].flat();
}

/** Everybody, by name or number, section, role and state. */
function directory(words, purpose) {
  const text = h("input", { type: "search", spellcheck: "false", autocomplete: "off" });
  const section = select([["", "すべて"], ...words.sections.map(({ code, nameJa }) => [code, nameJa])], "");
  const role = select([["", "すべて"], ...words.roles.map(({ code, nameJa }) => [code, nameJa])], "");
  const state = select([["", "すべて"], ...Object.entries(STAFF_STATES).map(([code, [ja]]) => [code, ja])], "");
  /** @type {any} */
  let wanted = null;
  const chosen = async () => {
    const begin = text.value.trim();
    const and = [];
    if (begin) and.push({ or: [{ staffId: { prefix: begin } }, { name: { prefix: begin } }] });
    if (section.value) and.push({ section: { eq: section.value } });
    if (state.value) and.push({ state: { eq: state.value } });
    if (role.value) and.push({ staffId: { in: await holdersOf(purpose, role.value) } });
    return and.length ? { and } : null;
  };
  const list = paged({
    size: SIZE,
    load: async (after) => {
      // A cursor belongs to its filter, whatever was given to somebody meanwhile.
      if (after === null) wanted = await chosen();
      return members(purpose, wanted, after);
    },
    draw: (staff) => table("職員の一覧 Staff", ["職員番号", "氏名", "所属", "状態", "ロール（期間）"], staff.map((one) => h("tr", {},
      h("th", { scope: "row" }, h("a", { href: `#/member/${encodeURIComponent(one.staffId)}` }, one.staffId)),
      h("td", {}, one.name),
      h("td", {}, words.sectionName(one.section)),
      h("td", {}, badge(one.state, word(STAFF_STATES, one.state))),
      h("td", {}, h("ul", {}, one.roles.nodes.map((grant) => h("li", {}, words.roleName(grant.role), days(grant)))))))),
  });
  list.begin();
  return [
    filters([field(both("氏名・職員番号の先頭", "Name or staff ID begins with"), text), field(both("所属課", "Section"), section),
      field(both("持っているロール", "Holds role"), role), field(both("状態", "State"), state)], list),
    list.element,
  ];
}

/** What waits for somebody else; one's own can be taken back. */
function own(words, purpose) {
  const list = proposals({
    purpose, filter: () => ({ state: { eq: "PROPOSED" } }),
    draw: (nodes) => table("承認を待つ提案 Waiting proposals", ["職員", "内容", "提案", "理由", "取下げ"], nodes.map((one) => h("tr", {},
      h("th", { scope: "row" }, h("a", { href: `#/member/${encodeURIComponent(one.staffId)}` }, one.staffId), " ", one.staffMember?.name ?? ""),
      h("td", {}, what(words, one)),
      h("td", {}, one.proposedBy, " ", time(one.proposedAt)),
      h("td", { class: "long" }, one.reason),
      h("td", {}, one.proposedBy === viewer().id ? action({
        words: ["提案を取り下げる", "Withdraw"], send: () => change(purpose, WITHDRAW_STAFF_PROPOSAL)({ proposal: one.id }),
        done: () => ["提案を取り下げました。", "Withdrawn."],
      }) : null)))),
  });
  list.begin();
  return list.element;
}

export async function memberView(context) {
  const { words, purpose, argument } = context;
  const { nodes: [one] } = await members(purpose, { staffId: { eq: argument } }, null);
  if (!one) return h("p", { class: "box note" }, both("この職員はいません。", "There is no such staff member."));
  const may = await mayWrite(purpose, "StaffMember");
  const roles = one.roles.nodes.map(({ role }) => role);
  const open = proposals({ purpose, filter: () => ({ and: [{ staffId: { eq: one.staffId } }, { state: { eq: "PROPOSED" } }] }),
    draw: (nodes) => table("承認を待つ提案 Waiting proposals", ["内容", "提案", "理由"], nodes.map((each) => h("tr", {},
      h("th", { scope: "row" }, what(words, each)), h("td", {}, each.proposedBy, " ", time(each.proposedAt)),
      h("td", { class: "long" }, each.reason)))) });
  open.begin();
  return [
    head(one.name, "Staff member", context, h("p", {}, badge(one.state, word(STAFF_STATES, one.state)))),
    facts([["職員番号", one.staffId], ["所属", words.sectionName(one.section)]]),
    h("h2", {}, both("ロール", "Roles")),
    roles.length ? h("ul", { class: "grants" }, one.roles.nodes.map((grant) => h("li", {},
      h("p", {}, words.roleName(grant.role), " ", h("span", { class: "code" }, grant.role), days(grant)),
      may ? h("div", { class: "actions" }, revoke(purpose, one, grant)) : null)))
      : empty("ロールはありません。", "No role."),
    roles.length ? h("p", { class: "row" },
      h("a", { href: `#/union/${roles.join(",")}` }, both("この職員に見える範囲の合計", "What they can see over all purposes")),
      h("a", { href: `#/explain/staff:${encodeURIComponent(one.staffId)}` }, both("この職員に、なぜ見えない", "Why they do not see something"))) : null,
    h("h2", {}, both("承認を待つ提案", "Waiting proposals")), open.element,
    may ? h("div", { class: "actions" }, proposeRole(words, purpose, one), transfer(words, purpose, one),
      one.state === "ACTIVE" ? suspend(purpose, one) : reinstate(purpose, one)) : null,
  ];
}

function history(words, found) {
  return table("決まった提案 Decided proposals", ["職員", "内容", "結果", "提案", "決定"], found.map((one) => h("tr", {},
    h("th", { scope: "row" }, one.staffId),
    h("td", {}, what(words, one)),
    h("td", {}, badge(one.state, word(PROPOSAL_STATES, one.state))),
    h("td", { class: "long" }, one.proposedBy, " ", time(one.proposedAt), " ", one.reason),
    h("td", { class: "long" }, one.decidedBy ?? "", " ", one.decidedAt ? time(one.decidedAt) : "", " ", one.decisionReason ?? ""))));
}

// -- what can be done ------------------------------------------------------------------------------

const day = (name, ja, en) => [name, both(ja, en), h("input", { type: "date" })];

/** The sections, the last choice none at all. */
const sections = (words, none) => select([...(none ? [["", "なし"]] : []), ...words.sections.map(({ code, nameJa }) => [code, nameJa])], "");

const hire = (words, purpose) => action({
  words: ["職員を加える", "Hire"],
  fields: [["staffId", both("職員番号", "Staff ID"), h("input", { required: true, maxlength: "64", spellcheck: "false" })],
    ["name", both("氏名", "Name"), h("input", { required: true })],
    ["section", both("所属課", "Section"), sections(words, true)]],
  send: ({ staffId, name, section }) =>
    change(purpose, HIRE)({ staffId: staffId.value, name: name.value, section: section.value || null }),
  done: () => ["職員を加えました。ロールは提案と承認のあとで付きます。", "Hired, without roles."],
});

const proposeRole = (words, purpose, { staffId }) => action({
  words: ["ロールを提案する", "Propose a role"],
  fields: [["role", both("ロール", "Role"), select(words.roles.map(({ code, nameJa }) => [code, nameJa]), "")],
    day("validFrom", "最初の日", "First day"), day("validUntil", "最後の日", "Last day"), reason("理由", "Reason")],
  send: ({ role, validFrom, validUntil, reason: why }) => change(purpose, PROPOSE_ROLE)({
    staffId, role: role.value, validFrom: validFrom.value || null, validUntil: validUntil.value || null, reason: why.value,
  }),
  done: () => ["提案しました。別の人の承認を待ちます。", "Proposed; it waits for a second person."],
});

const revoke = (purpose, { staffId }, { role }) => action({
  words: ["取り消す", "Revoke"], fields: [reason("理由", "Reason")], danger: true,
  send: ({ reason: why }) => change(purpose, REVOKE_ROLE)({ staffId, role, reason: why.value }),
  done: () => ["ロールを取り消しました。次の操作から効きます。", "Revoked, at once."],
});

const suspend = (purpose, { staffId }) => action({
  words: ["停止する", "Suspend"], fields: [reason("理由", "Reason")], danger: true,
  send: ({ reason: why }) => change(purpose, SUSPEND)({ staffId, reason: why.value }),
  done: () => ["停止しました。次の操作から効きます。", "Suspended, at once."],
});

const reinstate = (purpose, { staffId }) => action({
  words: ["復職を提案する", "Propose reinstatement"], fields: [reason("理由", "Reason")],
  send: ({ reason: why }) => change(purpose, PROPOSE_REINSTATEMENT)({ staffId, reason: why.value }),
  done: () => ["提案しました。別の人の承認を待ちます。", "Proposed; it waits for a second person."],
});

const transfer = (words, purpose, { staffId }) => action({
  words: ["異動させる", "Transfer"],
  fields: [["section", both("新しい所属課", "New section"), sections(words, false),
    "いまのロールは、すぐに終わります。"], reason("理由", "Reason")],
  send: ({ section, reason: why }) => change(purpose, TRANSFER)({ staffId, section: section.value, reason: why.value }),
  done: () => ["異動させました。前の課のロールは終わりました。", "Transferred; the roles of the old section have ended."],
});
