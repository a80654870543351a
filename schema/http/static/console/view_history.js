/* 版の履歴: every version, who made it and why; and what each one changed. */

import { ask } from "./api.js";
import { both, h, table, time } from "./dom.js";
import { summary, whatIf } from "./comparison.js";
import { fill } from "./notices.js";
import { paged } from "./paged.js";
import { facts, head } from "./parts.js";
import { COMPARISON, EXPORT, VERSION, VERSIONS } from "./queries.js";
import { rollBackBox } from "./draft_actions.js";
import { mayWrite } from "./session.js";

const SIZE = 50;

export async function historyView(context) {
  /** @type {any} */
  let status = null;
  const list = paged({
    size: SIZE,
    load: async (after) => {
      const answer = await ask(VERSIONS, { purpose: context.purpose, variables: { first: SIZE, after } });
      status = answer.policyStatus;
      return answer.policyVersions;
    },
    draw: (found) => table("版の一覧 Versions", ["版", "状態", "作成", "有効", "提案者", "承認者", "理由"],
      found.map((one) => h("tr", {},
        h("th", { scope: "row" }, h("a", { href: `#/version/${one.number}` }, `第${one.number}版`)),
        h("td", {}, state(one, status)),
        h("td", {}, time(one.publishedAt)),
        h("td", {}, one.effectiveFrom ? time(one.effectiveFrom) : "作成と同時"),
        h("td", {}, one.proposedBy ?? "–"),
        h("td", {}, one.approvedBy ?? "–"),
        h("td", { class: "long" }, one.reason)))),
  });
  list.begin();
  return [head("版の履歴", "History", context), list.element];
}

function state(one, status) {
  if (one.number === status.version) return h("span", { class: "badge enacted" }, both("有効", "in force"));
  if (status.waiting.some(({ version }) => version === one.number)) {
    return h("span", { class: "badge proposed" }, both("発効待ち", "waiting"));
  }
  return h("span", { class: "badge" }, both("過去", "past"));
}

export async function versionView(context) {
  const { words, purpose, argument } = context;
  const number = /^\d{1,9}$/.test(argument) ? Number(argument) : 0;
  const { policyStatus: status, policyVersions: { nodes: [one] }, newest } =
    await ask(VERSION, { purpose, variables: { number } });
  if (!one) return h("p", { class: "box note" }, both("この版はありません。", "There is no such version."));
  // No version is ever missing: `check` holds them to that.
  const others = Array.from({ length: newest.nodes[0].number }, (_, at) => at + 1).reverse()
    .filter((other) => other !== one.number);
  const rolls = one.number !== status.version && await mayWrite(purpose, "PolicyDraft");
  // Beside the way back stands what going back would change.
  const beside = rolls ? status.version : one.basedOn ?? 0;
  const differences = h("div");
  const base = h("select", { id: "base", onchange: () => compare() },
    others.map((other) => h("option", { value: other, selected: other === beside }, `第${other}版`)));

  function compare() {
    const variables = { version: one.number, base: Number(base.value) };
    return fill(differences, ask(COMPARISON, { purpose, variables })
      .then(({ policyComparison }) => [summary(policyComparison), ...whatIf(words, policyComparison)]));
  }
  if (others.length) compare();
  return [
    head(`第${one.number}版`, `Version ${one.number}`, context, h("p", {}, state(one, status))),
    facts([
      ["作成", time(one.publishedAt)],
      ["有効", one.effectiveFrom ? time(one.effectiveFrom) : "作成と同時"],
      ["もとの版", one.basedOn && h("a", { href: `#/version/${one.basedOn}` }, `第${one.basedOn}版`)],
      ["提案者", one.proposedBy],
      ["理由", one.reason],
      ["承認者", one.approvedBy],
      ["承認理由", one.approvalReason],
    ]),
    rolls ? rollBackBox(purpose, one) : null,
    h("section", { class: "what-if" },
      h("h2", {}, both("ほかの版との差", "Differences")),
      others.length ? [h("div", { class: "field" }, h("label", { for: "base" }, both("比べる版", "Compare with")), base), differences]
        : h("p", { class: "empty" }, both("ほかの版はまだありません。", "There is no other version yet."))),
    exportBox(purpose, { version: one.number }),
  ];
}

function exportBox(purpose, variables) {
  const place = h("div", { "aria-live": "polite" });
  return h("section", {}, h("h2", {}, both("書き出し", "Export")),
    h("p", {}, h("button", {
      type: "button",
      onclick: () => fill(place, ask(EXPORT, { purpose, variables }).then(({ policyExport }) =>
        h("pre", { class: "csv", tabindex: "0", "aria-label": "Casbin CSV" }, policyExport.csv))),
    }, both("Casbin CSV を見る", "Show as Casbin CSV"))), place);
}
