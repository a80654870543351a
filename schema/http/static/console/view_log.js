/* アクセスログ: who asked what, for which purpose, and how it ended. For the auditor. */

import { ask } from "./api.js";
import { both, button, field, h, say, select, table, time } from "./dom.js";
import { fill } from "./notices.js";
import { facts, head } from "./parts.js";
import { LOG } from "./queries.js";
import { maySearchLog } from "./session.js";
import { ACTIONS, VERDICTS, word } from "./words.js";

const PAGE = 50;
const NEWEST = { orderBy: [{ field: "AT", direction: "DESC" }] };

export async function logView(context) {
  const { words, purpose } = context;
  const searches = await maySearchLog(purpose);
  const actor = h("input", { spellcheck: "false", autocomplete: "off" });
  const about = select([["", "すべて"], ...words.purposes.map(({ code, nameJa }) => [code, nameJa])], "");
  const outcome = select([["", "すべて"], ["OK", "答えたもの"], ["REFUSED", "断ったもの"]], "");
  const from = h("input", { type: "date" });
  const until = h("input", { type: "date" });
  const place = h("div");
  const pages = h("p", { class: "row" });
  const counted = h("p", { class: "count" });
  let after = null;

  const filter = () => {
    const and = [];
    if (actor.value) and.push({ actor: { eq: actor.value } });
    if (about.value) and.push({ purpose: { eq: about.value } });
    if (outcome.value === "OK") and.push({ outcome: { eq: "OK" } });
    if (outcome.value === "REFUSED") and.push({ not: { outcome: { eq: "OK" } } });
    if (from.value) and.push({ at: { gte: `${from.value}T00:00:00+09:00` } });
    if (until.value) and.push({ at: { lt: dayAfter(until.value) } });
    return and.length ? { and } : undefined;
  };

  async function show(next) {
    after = next;
    await fill(place, ask(LOG, { purpose, variables: { first: PAGE, after, filter: filter(), ...(searches ? NEWEST : {}) } }),
      ({ accessRecords: { nodes, pageInfo, totalCount } }) => {
        pages.replaceChildren(
          ...(after ? [button(both("最初へ", "First"), () => show(null))] : []),
          ...(pageInfo.hasNextPage ? [button(both("次の50件", "Next"), () => show(pageInfo.endCursor))] : []));
        counted.replaceChildren(...both(`全 ${totalCount} 件のうち ${nodes.length} 件`, `${nodes.length} of ${totalCount}`));
        say(`全 ${totalCount} 件のうち ${nodes.length} 件の記録`);
        return nodes.length ? records(words, nodes) : h("p", { class: "empty" }, both("当てはまる記録はありません。", "No record."));
      });
  }

  const form = h("form", { class: "row filters" },
    field(both("職員番号", "Staff ID"), actor), field(both("利用目的", "Purpose"), about),
    field(both("結果", "Outcome"), outcome), field(both("この日から", "From"), from), field(both("この日まで", "Until"), until),
    h("button", { class: "main" }, both("絞り込む", "Filter")));
  form.addEventListener("submit", (event) => { event.preventDefault(); show(null); });
  show(null);
  return [
    head("アクセスログ", "Access log", context),
    searches ? form : h("p", { class: "box note" }, both("あなたのロールでは、絞り込みと並べ替えはできません。古い順に出ます。",
      "Your roles may not filter or order the log; it comes oldest first.")),
    counted, place, pages,
  ];
}

function dayAfter(day) {
  const date = new Date(`${day}T00:00:00+09:00`);
  date.setUTCDate(date.getUTCDate() + 1);
  return date.toISOString();
}

function records(words, nodes) {
  return table("アクセス記録 Access records", ["日時", "職員", "種別", "利用目的", "対象者", "結果", "操作"],
    nodes.map((one) => h("tr", {},
      h("td", {}, time(one.at, true)),
      h("td", {}, one.actor ?? "–"),
      h("td", { class: "code" }, one.kind),
      h("td", {}, one.purpose ? words.purposeName(one.purpose) : "–"),
      h("td", { class: "number" }, one.personCount),
      h("td", {}, h("span", { class: `badge ${one.outcome === "OK" ? "enacted" : "rejected"}` }, one.outcome)),
      h("td", { class: "long" }, detail(words, one)))));
}

function detail(words, one) {
  const persons = one.persons ?? [];
  return h("details", {}, h("summary", {}, both("くわしく", "details")),
    facts([["ロール", one.roles.split(" ").map(words.roleName).join("、")], ["権限設定", one.policyVersion && `第${one.policyVersion}版`],
      ["対象者", persons.join("、")], ["ほかの対象者の区分", one.personsThrough]]),
    one.operation ? [
      h("pre", { tabindex: "0", "aria-label": "操作 Operation" }, one.operation.normalForm),
      h("ul", { class: "coordinates" }, (one.operation.coordinates ?? []).map((text) => {
        const [coordinate, action, verdict] = text.split(" ");
        return h("li", {}, h("span", { class: "code" }, coordinate), ` ${word(ACTIONS, action)[1]} `,
          word(VERDICTS, (verdict ?? "").toUpperCase())[0]);
      })),
    ] : null);
}
