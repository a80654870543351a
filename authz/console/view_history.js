/* 版の履歴: every version, who made it and why; and what each one changed. */

import { all, ask } from "./api.js";
import { both, h, table, time } from "./dom.js";
import { summary, whatIf } from "./comparison.js";
import { fill } from "./notices.js";
import { facts, head } from "./parts.js";
import { COMPARISON, EXPORT, VERSIONS } from "./queries.js";
import { rollBackBox } from "./draft_actions.js";
import { mayWrite } from "./session.js";

async function versions(purpose) {
  /** @type {any} */
  let status = null;
  const found = await all(async (after) => {
    const answer = await ask(VERSIONS, { purpose, variables: { after } });
    status = answer.policyStatus;
    return answer.policyVersions;
  });
  // In the order of their keys they come; the newest is looked for most.
  return { status, found: found.sort((one, other) => other.number - one.number) };
}

export async function historyView(context) {
  const { status, found } = await versions(context.purpose);
  return [
    head("版の履歴", "History", context),
    table("版の一覧 Versions", ["版", "状態", "作成", "有効", "提案者", "承認者", "理由"],
      found.map((one) => h("tr", {},
        h("th", { scope: "row" }, h("a", { href: `#/version/${one.number}` }, `第${one.number}版`)),
        h("td", {}, state(one, status)),
        h("td", {}, time(one.publishedAt)),
        h("td", {}, one.effectiveFrom ? time(one.effectiveFrom) : "作成と同時"),
        h("td", {}, one.proposedBy ?? "–"),
        h("td", {}, one.approvedBy ?? "–"),
        h("td", { class: "long" }, one.reason)))),
  ];
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
  const { status, found } = await versions(purpose);
  const one = found.find(({ number }) => String(number) === argument);
  if (!one) return h("p", { class: "box note" }, both("この版はありません。", "There is no such version."));
  const others = found.filter(({ number }) => number !== one.number);
  const rolls = one.number !== status.version && await mayWrite(purpose, "PolicyDraft");
  // Beside the way back stands what going back would change.
  const beside = rolls ? status.version : one.basedOn ?? 0;
  const differences = h("div");
  const base = h("select", { id: "base", onchange: () => compare() },
    others.map(({ number }) => h("option", { value: number, selected: number === beside }, `第${number}版`)));

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
