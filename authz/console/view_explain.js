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
  OPEN: ["このロールで開く", "open"],
};

export async function explainView(context) {
  const { words, purpose, argument } = context;
  const [role, stated, coordinate, action, draft] = argument ? argument.split("/") : [];
  const roles = h("fieldset", { class: "checks" }, h("legend", {}, both("ロール（一人が併せ持つもの）", "Roles of one person")),
    words.roles.map(({ code, nameJa }) => h("label", {},
      h("input", { type: "checkbox", name: "role", value: code, checked: code === (role ?? "collection-clerk") }), " ", nameJa)));
  const about = choice(words.purposes, stated ?? "consultation");
  const what = h("input", { list: "coordinates", required: true, value: coordinate ?? "Residence.address", spellcheck: "false" });
  const options = h("datalist", { id: "coordinates" },
    words.coordinates.map((one) => h("option", { value: one.coordinate }, one.nameJa ?? "")));
  const how = select(ASKED.map((one) => [one, ACTIONS[one].slice(1).join(" ")]), action ?? "read");
  const caseReference = h("input", { type: "checkbox" });
  const result = h("div", { class: "explanation", "aria-live": "polite" });
  const form = h("form", { class: "explain" }, roles,
    field(both("利用目的", "Purpose"), about),
    field(both("項目", "Field"), what, "名前の一部を打つと候補が出ます。"), options,
    field(both("操作", "Action"), how),
    h("label", { class: "check" }, caseReference, " ", both("受付番号を付けて", "with a case reference")),
    h("p", {}, h("button", { class: "main" }, both("調べる", "Explain"))));
  const run = () => fill(result, ask(EXPLANATION, {
    purpose,
    variables: {
      roles: [...form.querySelectorAll("[name=role]:checked")].map((one) => one.value),
      purpose: about.value, coordinate: what.value, action: how.value,
      caseReference: caseReference.checked, draft: draft || null,
    },
  }).then(({ policyExplanation }) => shown(words, policyExplanation)));
  form.addEventListener("submit", (event) => { event.preventDefault(); run(); });
  if (argument) run();
  return [
    head("なぜ見える、なぜ見えない", "Explain", context,
      draft ? h("p", { class: "box note" }, "草案での判定です。", h("a", { href: `#/draft/${encodeURIComponent(draft)}` }, "草案へ戻る")) : null),
    h("div", { class: "beside even" }, form, result),
  ];
}

function shown(words, { verdict, reason, classes, populations, steps }) {
  const open = verdict !== "HIDDEN";
  return [
    h("p", { class: `verdict ${open ? "open" : "shut"}` },
      h("span", { class: "sign", "aria-hidden": "true" }, open ? "○" : "×"), " ", both(...word(VERDICTS, verdict))),
    reason ? h("p", {}, both(...word(REASONS, reason)), " ", h("span", { class: "code" }, reason)) : null,
    h("p", {}, "区分 ", classes.map(words.className).join("・"), open ? ` ・ 対象者 ${populationsText(populations)}` : ""),
    h("h2", {}, both("決めた行、順に", "Deciding lines, in order")),
    h("ol", { class: "steps" }, steps.map((step) => h("li", { class: step.says.toLowerCase() },
      h("p", {}, h("strong", {}, both(...word(SAYS, step.says))), step.role ? ` ・ ${words.roleName(step.role)}` : "",
        step.line ? h("span", { class: "code" }, ` 行 ${step.line}`) : null),
      step.line ? h("p", { class: "code" }, step.text) : told(words, step.text)))),
  ];
}
