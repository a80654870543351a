/* The what-if: what a change opens and closes, as sentences. Never by colour alone. */

import { both, button, h } from "./dom.js";
import { inJapanese } from "./sentences.js";
import { populationsText } from "./vocabulary.js";
import { ACTIONS, PROBLEMS, REACHES, VERDICTS, word } from "./words.js";

const FIRST = 12;

const WAYS = {
  gain: { sign: "＋", words: ["開くもの", "Opened"], end: "できるようになる", en: "gain" },
  loss: { sign: "－", words: ["閉じるもの", "Closed"], end: "できなくなる", en: "loss" },
};

/**
 * The comparison as a whole.
 * @param {any} words
 * @param {any} comparison
 * @param {((line: number) => any) | null} remove takes a line out of a draft that can be edited
 */
export function whatIf(words, comparison, remove = null) {
  const { findings, usable, gains, losses, added, removed } = comparison;
  if (!usable) {
    return [
      h("p", {}, both("次の誤りを直すと、変わることが出ます。", "Mend these errors first.")),
      findingsList(words, findings.filter(({ severity }) => severity === "ERROR"), remove),
    ];
  }
  return [
    gains.length || losses.length ? null
      : h("p", { class: "empty" }, both("見えるものは何も変わりません。", "Nothing that can be seen changes.")),
    way("gain", words, gains),
    way("loss", words, losses),
    lineDifferences(added, removed),
    findings.length ? h("details", {}, h("summary", {}, `検証の注意 ${findings.length} 件 `, h("span", { lang: "en" }, "warnings")),
      findingsList(words, findings, remove)) : null,
  ];
}

/** One line that says it all; also what is read out after each edit. */
export function summed({ usable, gains, losses }) {
  if (!usable) return "このままでは版にできません。";
  if (!gains.length && !losses.length) return "見えるものは何も変わりません。";
  return `開くもの ${gains.length} 件、閉じるもの ${losses.length} 件。`;
}

/** The same for the eye. */
export function summary({ usable, gains, losses }) {
  if (!usable) return h("p", { class: "box error" }, both("このままでは版にできません。", "Not usable yet."));
  return h("ul", { class: "summed" },
    h("li", { class: "gain" }, h("span", { class: "sign", "aria-hidden": "true" }, "＋"),
      " 開く ", h("strong", {}, gains.length), " 件"),
    h("li", { class: "loss" }, h("span", { class: "sign", "aria-hidden": "true" }, "－"),
      " 閉じる ", h("strong", {}, losses.length), " 件"));
}

function way(kind, words, changes) {
  if (!changes.length) return null;
  const { words: title } = WAYS[kind];
  const sentences = changes.map((change) => sentence(kind, words, change));
  const rest = sentences.slice(FIRST);
  return h("section", { class: "way" },
    h("h3", {}, both(...title), h("span", { class: "count" }, `${changes.length}件`)),
    sentences.slice(0, FIRST),
    rest.length ? h("details", {}, h("summary", {}, `ほか ${rest.length} 件 `, h("span", { lang: "en" }, "more")), rest) : null);
}

function sentence(kind, words, change) {
  const { sign, end } = WAYS[kind];
  const [, action] = word(ACTIONS, change.action);
  return h("article", { class: `change ${kind}` },
    h("p", { class: "sentence" }, h("span", { class: "sign", "aria-hidden": "true" }, sign), " ",
      h("b", {}, change.roles.map(words.roleName).join(" ＋ ")), " が ",
      h("b", {}, words.purposeName(change.purpose)), " で ",
      h("b", {}, change.classes.map(words.className).join("・")),
      change.reach === "PROTECTED_PERSON" ? h("b", { class: "grave" }, "（支援措置などで保護されている人のものも）") : null, " を ",
      h("b", {}, action), " ", end, "。"),
    h("ul", { class: "facts-line" },
      change.reach in REACHES ? h("li", { class: "grave" }, both(...word(REACHES, change.reach))) : null,
      h("li", {}, "職員 ", h("strong", {}, number(change.staff)), " 人"),
      change.people === null ? null
        : h("li", {}, "対象 ", populationsText(change.populations), "（市全体 約", h("strong", {}, number(change.people)), " 人）"),
      change.anew ? h("li", { class: "anew" }, kind === "gain" ? "どの利用目的でも初めて" : "どの利用目的でも見えなくなる") : null,
      change.needsCaseReference ? h("li", {}, "受付番号が必要") : null),
    h("details", {}, h("summary", {}, `項目 ${change.coordinates.length} `, h("span", { lang: "en" }, "fields"),
      ` ・ ${word(VERDICTS, change.before)[0]} → ${word(VERDICTS, change.after)[0]}`),
      h("ul", { class: "coordinates" }, change.coordinates.map((one) => h("li", {},
        words.coordinate.get(one)?.nameJa ?? "", " ", h("span", { class: "code" }, one)))),
      witness(change.witness)));
}

/** A request that shows it, to try as somebody who has these roles. */
function witness(asked) {
  if (!asked) return null;
  return [
    h("p", { class: "witness-title" }, both("確かめる問い合わせ", "Witness request"),
      asked.reachable ? null : h("span", { class: "hint" }, " 途中の項目が開いていないので、まだ届きません。")),
    h("pre", { tabindex: "0", "aria-label": "確かめる問い合わせ Witness request" }, [...asked.headers, "", asked.document].join("\n")),
  ];
}

/**
 * What validation finds, each with its line.
 * @param {any} words
 * @param {any[]} findings
 * @param {((line: number) => any) | null} remove
 */
export function findingsList(words, findings, remove = null) {
  if (!findings.length) return null;
  return h("section", { class: "findings" }, h("h3", {}, both("検証", "Validation")),
    h("ul", {}, findings.map((one) => h("li", { class: one.severity === "ERROR" ? "error" : "warning" },
      h("p", {}, h("strong", {}, one.severity === "ERROR" ? "誤り" : "注意"), "：", both(...word(PROBLEMS, one.problem))),
      one.text ? h("p", { class: "code" }, `行 ${one.line}: ${one.text}`) : null,
      told(words, one.reason),
      one.line && remove ? h("p", {}, button(both("この行を消す", "Remove the line"), () => remove(one.line))) : null))));
}

/** A sentence of the server: in Japanese where it is known, as it came beneath. */
export function told(words, sentence) {
  const ja = inJapanese(words, sentence);
  return [ja ? h("p", {}, ja) : null, h("p", { lang: "en" }, sentence)];
}

function lineDifferences(added, removed) {
  if (!added.length && !removed.length) return null;
  return h("details", { class: "differences" },
    h("summary", {}, `行の差 ＋${added.length} －${removed.length} `, h("span", { lang: "en" }, "lines")),
    h("ul", { class: "code" },
      removed.map((line) => h("li", { class: "loss" }, h("del", {}, `－ ${line.text}`))),
      added.map((line) => h("li", { class: "gain" }, h("ins", {}, `＋ ${line.text}`)))));
}

const NUMBER = new Intl.NumberFormat("ja-JP");
const number = (value) => NUMBER.format(value);
