/* 職員とロール: who holds which roles, and what is proposed for whom. */

import { action, reason } from "./action.js";
import { all, ask } from "./api.js";
import { both, h, select, table, time } from "./dom.js";
import { empty } from "./notices.js";
import { badge, facts, head } from "./parts.js";
import {
  APPROVE_STAFF_PROPOSAL, HIRE, PROPOSE_REINSTATEMENT, PROPOSE_ROLE, REJECT_STAFF_PROPOSAL, REVOKE_ROLE,
  STAFF, STAFF_PROPOSALS, SUSPEND, TRANSFER, WITHDRAW_STAFF_PROPOSAL,
} from "./queries.js";
import { mayWrite, viewer } from "./session.js";
import { PROPOSAL_STATES, STAFF_STATES, word } from "./words.js";

const everybody = (purpose) =>
  all(async (after) => (await ask(STAFF, { purpose, variables: { after } })).staffMembers);

const change = (purpose, document) => (input) => ask(document, { purpose, variables: { input } });

export async function staffView(context) {
  const { words, purpose } = context;
  const may = await mayWrite(purpose, "StaffMember");
  const staff = await everybody(purpose);
  const { staffProposals } = await ask(STAFF_PROPOSALS, { purpose });
  const waiting = staffProposals.nodes.filter(({ state }) => state === "PROPOSED");
  const decided = staffProposals.nodes.filter(({ state }) => state !== "PROPOSED");
  return [
    head("職員とロール", "Staff and roles", context),
    h("h2", {}, both("承認を待つ提案", "Waiting proposals")),
    waiting.length ? waiting.map((one) => proposal(words, purpose, may, one)) : empty("提案はありません。", "No proposal."),
    h("h2", {}, both("職員", "Staff")),
    may ? h("div", { class: "actions" }, hire(purpose)) : null,
    table("職員の一覧 Staff", ["職員番号", "氏名", "所属", "状態", "ロール（期間）"], staff.map((one) => h("tr", {},
      h("th", { scope: "row" }, h("a", { href: `#/member/${encodeURIComponent(one.staffId)}` }, one.staffId)),
      h("td", {}, one.name),
      h("td", { class: "code" }, one.section ?? "–"),
      h("td", {}, badge(one.state, word(STAFF_STATES, one.state))),
      h("td", {}, h("ul", {}, one.roles.nodes.map((grant) => h("li", {}, words.roleName(grant.role), days(grant)))))))),
    decided.length ? [h("h2", {}, both("決まった提案", "Decided proposals")), history(words, decided)] : null,
  ].flat();
}

export async function memberView(context) {
  const { words, purpose, argument } = context;
  const one = (await everybody(purpose)).find(({ staffId }) => staffId === argument);
  if (!one) return h("p", { class: "box note" }, both("この職員はいません。", "There is no such staff member."));
  const may = await mayWrite(purpose, "StaffMember");
  const roles = one.roles.nodes.map(({ role }) => role);
  return [
    head(one.name, "Staff member", context, h("p", {}, badge(one.state, word(STAFF_STATES, one.state)))),
    facts([["職員番号", one.staffId], ["所属", one.section]]),
    h("h2", {}, both("ロール", "Roles")),
    roles.length ? h("ul", { class: "grants" }, one.roles.nodes.map((grant) => h("li", {},
      h("p", {}, words.roleName(grant.role), " ", h("span", { class: "code" }, grant.role), days(grant)),
      may ? h("div", { class: "actions" }, revoke(purpose, one, grant)) : null)))
      : empty("ロールはありません。", "No role."),
    roles.length ? h("p", {}, h("a", { href: `#/union/${roles.join(",")}` }, both("この職員に見える範囲の合計", "What they can see over all purposes"))) : null,
    may ? h("div", { class: "actions" }, proposeRole(words, purpose, one), transfer(purpose, one),
      one.state === "ACTIVE" ? suspend(purpose, one) : reinstate(purpose, one)) : null,
  ];
}

const days = ({ validFrom, validUntil }) =>
  validFrom || validUntil ? h("span", { class: "code" }, ` ${validFrom ?? ""}〜${validUntil ?? ""}`) : null;

const what = (words, one) =>
  one.kind === "ROLE" ? [words.roleName(one.role), days(one)] : both("復職", "reinstatement");

function proposal(words, purpose, may, one) {
  const decide = (document) => (given) => change(purpose, document)({ proposal: one.id, reason: given.reason.value });
  const mine = one.proposedBy === viewer().id;
  return h("article", { class: "change" },
    h("p", { class: "sentence" }, h("b", {}, one.staffId), " に ", h("b", {}, what(words, one)), " を与える提案"),
    h("p", {}, one.proposedBy, " ", time(one.proposedAt), " ・ ", one.reason),
    h("div", { class: "actions" },
      mine ? action({
        words: ["提案を取り下げる", "Withdraw"], send: () => change(purpose, WITHDRAW_STAFF_PROPOSAL)({ proposal: one.id }),
        done: () => ["提案を取り下げました。", "Withdrawn."],
      }) : null,
      mine || may ? null : [
        action({
          words: ["承認する", "Approve"], fields: [reason("承認する理由", "Reason")], send: decide(APPROVE_STAFF_PROPOSAL),
          done: () => [`承認しました。${one.validFrom ? `${one.validFrom} ` : "次の操作"}から有効です。`, "Approved."],
        }),
        action({
          words: ["却下する", "Reject"], fields: [reason("却下する理由", "Reason")], danger: true,
          send: decide(REJECT_STAFF_PROPOSAL), done: () => ["却下しました。", "Rejected."],
        }),
      ]));
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

const hire = (purpose) => action({
  words: ["職員を加える", "Hire"],
  fields: [["staffId", both("職員番号", "Staff ID"), h("input", { required: true, maxlength: "64", spellcheck: "false" })],
    ["name", both("氏名", "Name"), h("input", { required: true })],
    ["section", both("所属課コード", "Section"), h("input", { spellcheck: "false" }), "課のない職員は空欄"]],
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

const transfer = (purpose, { staffId }) => action({
  words: ["異動させる", "Transfer"],
  fields: [["section", both("新しい所属課コード", "New section"), h("input", { required: true, spellcheck: "false" }),
    "いまのロールは、すぐに終わります。"], reason("理由", "Reason")],
  send: ({ section, reason: why }) => change(purpose, TRANSFER)({ staffId, section: section.value, reason: why.value }),
  done: () => ["異動させました。前の課のロールは終わりました。", "Transferred; the roles of the old section have ended."],
});
