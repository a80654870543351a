/* Proposals for the staff that wait: one reason for many, and each is decided and answered on its own. */

import { confirmed } from "./action.js";
import { ask, Refusal } from "./api.js";
import { both, button, field, h, say, table, time } from "./dom.js";
import { paged } from "./paged.js";
import { inJapanese } from "./sentences.js";
import { APPROVE_STAFF_PROPOSAL, REJECT_STAFF_PROPOSAL, STAFF_PROPOSALS } from "./queries.js";
import { viewer } from "./session.js";
import { populationsText } from "./vocabulary.js";

const SIZE = 50;
const NUMBER = new Intl.NumberFormat("ja-JP");

export const days = ({ validFrom, validUntil }) =>
  validFrom || validUntil ? h("span", { class: "code" }, ` ${validFrom ?? ""}〜${validUntil ?? ""}`) : null;

export const what = (words, one) =>
  one.kind === "ROLE" ? [words.roleName(one.role), days(one)] : both("復職", "reinstatement");

/** The list of proposals for a filter, page by page, the oldest first. */
export function proposals({ purpose, filter, draw, oldestFirst = true }) {
  const orderBy = [{ field: "PROPOSED_AT", direction: oldestFirst ? "ASC" : "DESC" }];
  return paged({
    size: SIZE,
    none: ["提案はありません。", "No proposal."],
    load: async (after) => (await ask(STAFF_PROPOSALS, {
      purpose, variables: { first: SIZE, after, filter: filter(), orderBy },
    })).staffProposals,
    draw,
  });
}

/**
 * Those that wait for whoever is signed in, with boxes to choose from and one reason for all.
 * @param {{words: any, purpose: string, filter: () => any}} one
 */
export function approvals({ words, purpose, filter }) {
  /** @type {Map<string, any>} */
  const chosen = new Map();
  const results = h("div", { "aria-live": "polite" });
  const summary = h("p", { class: "count" });
  const why = h("textarea", { required: true, maxlength: "2000" });
  const buttons = [["承認する", "Approve", "main", APPROVE_STAFF_PROPOSAL, "承認しました", "approved"],
    ["却下する", "Reject", "danger", REJECT_STAFF_PROPOSAL, "却下しました", "rejected"]].map(
    ([ja, en, class_, document, done, state]) => h("button", { class: class_, onclick: () => { way = { ja, en, document, done, state }; } }, both(ja, en)));
  let way = /** @type {any} */ (null);

  const told = () => summary.replaceChildren(...both(`選んだ提案 ${chosen.size} 件`, `${chosen.size} chosen`));

  const list = proposals({ purpose, filter, draw: (nodes) => {
    chosen.clear();
    told();
    const boxes = nodes.map((one) => h("input", {
      type: "checkbox", "aria-label": `${one.staffId} への提案を選ぶ Choose`, disabled: !mayDecide(one),
      onchange: (event) => { chosen[event.target.checked ? "set" : "delete"](one.id, one); told(); },
    }));
    const everyone = h("input", { type: "checkbox", onchange: () => {
      for (const box of boxes) {
        if (box.disabled || box.checked === everyone.checked) continue;
        box.checked = everyone.checked;
        box.dispatchEvent(new Event("change"));
      }
    } });
    return [
      h("p", {}, h("label", { class: "check" }, everyone, " ", both("このページの提案をすべて選ぶ", "Choose all on this page"))),
      table("承認を待つ提案 Waiting proposals", ["選ぶ", "職員", "内容", "提案", "理由"], nodes.map((one, at) => h("tr", {},
        h("td", {}, boxes[at]),
        h("th", { scope: "row" }, h("a", { href: `#/member/${encodeURIComponent(one.staffId)}` }, one.staffId),
          " ", one.staffMember?.name ?? ""),
        h("td", {}, what(words, one)),
        h("td", {}, one.proposedBy, " ", time(one.proposedAt)),
        h("td", { class: "long" }, one.reason)))),
    ];
  } });

  const form = h("form", { class: "decide" }, summary, field(both("決める理由（すべてに共通）", "Reason for all of them"), why),
    h("p", { class: "row" }, buttons));
  const asking = h("div");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!chosen.size) {
      asking.replaceChildren(h("p", { class: "box error", role: "alert" }, both("提案を選んでください。", "Choose a proposal first.")));
      return;
    }
    const taken = way ?? { ...APPROVING };
    const all = [...chosen.values()];
    const lines = taken.state === "approved" ? about(words, all) : [["却下する提案", `${all.length} 件`]];
    if (!await confirmed(asking, [taken.ja, taken.en], lines)) return;
    for (const each of buttons) each.disabled = true;
    await decide(all, taken);
    for (const each of buttons) each.disabled = false;
    await list.again();
  });

  const APPROVING = { ja: "承認する", en: "Approve", document: APPROVE_STAFF_PROPOSAL, done: "承認しました", state: "approved" };

  async function decide(all, { document, done, state }) {
    const lines = [];
    let refused = 0;
    for (const [at, one] of all.entries()) {
      try {
        await ask(document, { purpose, variables: { input: { proposal: one.id, reason: why.value } } });
        lines.push(h("li", {}, h("span", { class: `badge ${state}` }, done), " ", one.staffId, " ", what(words, one)));
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        refused += 1;
        lines.push(h("li", {}, h("span", { class: "badge rejected" }, "断られました"), " ", one.staffId, " ", what(words, one), "：",
          inJapanese(words, error.said) ?? error.ja, " ", h("span", { lang: "en" }, error.said), " ", h("code", {}, error.code)));
        if (error.code === "UNAUTHENTICATED") break;
      }
      if (at % 20 === 19) say(`${at + 1} / ${all.length}`);
    }
    const said = `${all.length} 件のうち ${lines.length - refused} 件を${done.replace("しました", "し")}、${refused} 件は断られました。`;
    results.replaceChildren(h("section", { class: "box note" }, h("h3", {}, both("結果", "Results")),
      h("p", {}, said), h("ul", {}, lines), h("p", {}, button(both("閉じる", "Close"), () => results.replaceChildren()))));
    say(said);
  }

  list.begin();
  return h("div", {}, results, list.element, form, asking);
}

const mayDecide = ({ proposedBy, staffId }) => proposedBy !== viewer().id && staffId !== viewer().id;

/** What an approval is about to do: from when, for how many, and of whom they will see anything. */
export function about(words, all) {
  const today = new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Tokyo" }).format(new Date());
  const later = all.filter(({ validFrom }) => validFrom && validFrom > today);
  const dates = [...new Set(later.map(({ validFrom }) => validFrom))].sort();
  const roles = all.map(({ role }) => words.role.get(role)).filter((role) => role?.people != null);
  const reinstated = all.some(({ kind }) => kind !== "ROLE");
  const populations = roles.some((role) => role.populations.some((names) => !names.length)) ? [[]]
    : roles.flatMap((role) => role.populations);
  const people = Math.max(0, ...roles.map((role) => role.people));
  return [
    ["発効", [all.length > later.length ? `すぐに ${all.length - later.length} 件` : null, dates.length ? `${dates.join("、")} から ${later.length} 件` : null].filter(Boolean).join("、")],
    ["職員", `${new Set(all.map(({ staffId }) => staffId)).size} 人（提案 ${all.length} 件）`],
    ["見えるようになる人", roles.length ? `${populationsText(populations)}（市全体 約 ${NUMBER.format(people)} 人）`
      : reinstated ? "前から持っているロールの範囲" : "個人情報は見えません"],
  ];
}
