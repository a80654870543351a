/* 理由を調べる: why a field is shown or hidden, line by line. */

import { ask } from "./api.js";
import { told } from "./comparison.js";
import { both, field, h, select } from "./dom.js";
import { fill } from "./notices.js";
import { choice, head } from "./parts.js";
import { EXPLANATION } from "./queries.js";
import { populationsText } from "./vocabulary.js";
import { ACTIONS, REASONS, VERDICTS, word } from "./words.js";

const ASKED = ["read", "list", "match", "search", "write"];

const SAYS = {
  ALLOW: ["許可", "allow"],
  DENY: ["拒否", "deny"],
  NOTHING: ["行なし", "nothing"],
  CLOSED: ["不変条件で閉じる", "closed by a rule"],
  OPEN: ["開く", "open"],
  WITHHELD: ["保護されている人は秘匿", "withheld of protected persons"],
};

/** What a screen says of a field: `Residence.address LIST`, or an entry of `extensions.privacy.hidden`. */
function pasted(text) {
  const [coordinate] = text.match(/\b[A-Z]\w*\.\w+/) ?? [];
  const reason = Object.keys(REASONS).find((one) => new RegExp(`\\b${one}\\b`).test(text));
  return { coordinate, reason: reason ?? "" };
}

export async function explainView(context) {
  const { words, purpose, argument } = context;
  const staffFirst = argument.startsWith("staff:") ? argument.slice("staff:".length) : "";
  const [role, stated, coordinate, action, draft] = argument && !staffFirst ? argument.split("/") : [];
  const staffId = h("input", { value: staffFirst, spellcheck: "false", autocomplete: "off" });
  const roles = h("fieldset", { class: "checks" }, h("legend", {}, both("ロール（一人が併せ持つもの）", "Roles of one person")),
    words.roles.map(({ code, nameJa }) => h("label", {},
      h("input", { type: "checkbox", name: "role", value: code, checked: code === (role ?? "collection-clerk") }), " ", nameJa)));
  const choose = () => { roles.disabled = staffId.value.trim() !== ""; };
  staffId.addEventListener("input", choose);
  choose();
  const about = choice(words.purposes, stated ?? "consultation");
  const what = h("input", { list: "coordinates", required: true, value: coordinate ?? "Residence.address", spellcheck: "false" });
  const options = h("datalist", { id: "coordinates" },
    words.coordinates.map((one) => h("option", { value: one.coordinate }, one.nameJa ?? "")));
  const how = select(ASKED.map((one) => [one, ACTIONS[one].slice(1).join(" ")]), action ?? "read");
  const seen = select([["", "わからない・出ていない"], ...Object.entries(REASONS).map(([code, [ja]]) => [code, `${code} ${ja}`])], "");
  const paste = h("textarea", { rows: "2", spellcheck: "false", oninput: () => {
    const found = pasted(paste.value);
    if (found.coordinate) what.value = found.coordinate;
    seen.value = found.reason;
    // A reason that speaks of lists was seen in one.
    if (found.reason === "LIST") how.value = "list";
  } });
  const caseReference = h("input", { type: "checkbox" });
  const result = h("div", { class: "explanation", "aria-live": "polite" });
  const form = h("form", { class: "explain" },
    field(both("職員番号", "Staff ID"), staffId, "入れると、その職員がきょう持つロールで調べます。空欄なら、下のロールで調べます。"), roles,
    field(both("利用目的", "Purpose"), about),
    field(both("画面に出たもの", "What the screen said"), paste, "項目と理由を貼り付けると、下の欄に入ります。例: Residence.address LIST"),
    field(both("項目", "Field"), what, "名前の一部を打つと候補が出ます。"), options,
    field(both("画面に出た理由", "Reason that was shown"), seen),
    field(both("操作", "Action"), how),
    h("label", { class: "check" }, caseReference, " ", both("受付番号を付けて", "with a case reference")),
    h("p", {}, h("button", { class: "main" }, both("調べる", "Explain"))));
  const run = () => fill(result, ask(EXPLANATION, {
    purpose,
    variables: {
      ...(staffId.value.trim() ? { staffId: staffId.value.trim() }
        : { roles: [...form.querySelectorAll("[name=role]:checked")].map((one) => one.value) }),
      purpose: about.value, coordinate: what.value, action: how.value,
      caseReference: caseReference.checked, reason: seen.value || null, draft: draft || null,
    },
  }).then(({ policyExplanation }) => shown(words, policyExplanation)));
  form.addEventListener("submit", (event) => { event.preventDefault(); run(); });
  if (argument && !staffFirst) run();
  return [
    head("なぜ見える、なぜ見えない", "Explain", context,
      draft ? h("p", { class: "box note" }, "草案での判定です。", h("a", { href: `#/draft/${encodeURIComponent(draft)}` }, "草案へ戻る")) : null),
    h("div", { class: "beside even" }, form, result),
  ];
}

/** The answer to whoever asks why a place on the screen is empty. */
function answered(words, { verdict, fits, reason, withheld, elsewhere }) {
  const open = verdict !== "HIDDEN";
  return h("div", { class: "box note answer" },
    fits === true ? h("p", {}, both("画面に出た理由は、いまの設定と合っています。", "The reason is that of today's policy.")) : null,
    fits === false ? h("p", {}, both(
      `画面に出た理由は、いまの設定と合いません（いまは ${reason ?? "理由なし"}）。そのあと設定やロールが変わったか、利用目的・操作が違います。`,
      "It is not that of today's policy: that has changed since, or it was another purpose or action.")) : null,
    open && fits === null ? h("p", {}, both(
      withheld
        ? "開いている項目です。それでも空欄なら、値がない、対象者の範囲の外、または保護されている人で秘匿されているか、です。どれなのかは、誰にも分からないようにしてあります。"
        : "開いている項目です。それでも空欄なら、値がないか、対象者の範囲の外です。",
      withheld ? "It is open. If it is empty, there is no value, the person is outside of the population, or protected: which, is told to nobody."
        : "It is open. If it is empty, there is no value, or the person is outside of the population.")) : null,
    h("p", {}, "ほかの利用目的では: ", elsewhere.length
      ? elsewhere.map((one) => `${words.purposeName(one.purpose)}（${word(VERDICTS, one.verdict)[0]}）`).join("、") : "開くものはありません",
    " ", h("span", { lang: "en" }, "for other purposes")));
}

function shown(words, explanation) {
  const { roles, verdict, reason, withheld, classes, populations, steps } = explanation;
  const open = verdict !== "HIDDEN";
  return [
    h("p", { class: `verdict ${open ? "open" : "shut"}` },
      h("span", { class: "sign", "aria-hidden": "true" }, open ? "○" : "×"), " ", both(...word(VERDICTS, verdict)),
      withheld ? [" ", both("（保護されている人のものは秘匿）", "(withheld of protected persons)")] : null),
    answered(words, explanation),
    h("p", {}, "ロール ", roles.map(words.roleName).join("、")),
    reason ? h("p", {}, both(...word(REASONS, reason)), " ", h("span", { class: "code" }, reason)) : null,
    h("p", {}, "区分 ", classes.map(words.className).join("・"), open ? ` ・ 対象者 ${populationsText(populations)}${withheld ? "（保護されている人を除く）" : ""}` : ""),
    h("h2", {}, both("決めた行、順に", "Deciding lines, in order")),
    h("ol", { class: "steps" }, steps.map((step) => h("li", { class: step.says.toLowerCase() },
      h("p", {}, h("strong", {}, both(...word(SAYS, step.says))), step.role ? ` ・ ${words.roleName(step.role)}` : "",
        step.line ? h("span", { class: "code" }, ` 行 ${step.line}`) : null),
      step.line ? h("p", { class: "code" }, step.text) : told(words, step.text)))),
  ];
}
