/* Replay: which of the recorded requests would see more, or less. No data is read. */

import { ask } from "./api.js";
import { both, button, field, h, select } from "./dom.js";
import { empty, fill } from "./notices.js";
import { REPLAY } from "./queries.js";
import { ACTIONS, word } from "./words.js";

const DAYS = [["7", "7日"], ["30", "30日"], ["90", "90日"], ["366", "1年"]];

export function replayBox(words, purpose, draft) {
  const days = select(DAYS, "30");
  const result = h("div", { "aria-live": "polite" });
  const run = button(both("調べる", "Replay"), () => fill(result,
    ask(REPLAY, { purpose, variables: { draft, days: Number(days.value) } })
      .then(({ policyReplay }) => shown(words, policyReplay))));
  return h("section", { class: "replay" },
    h("h2", {}, both("記録された操作での確認", "Replay")),
    h("p", { class: "hint" }, "これまでの問い合わせ（形だけ。値も人も読みません）が、この草案ではどう判定されるか。"),
    h("div", { class: "row" }, field(both("期間", "Days"), days), run), result);
}

function shown(words, { days, shapes, differences }) {
  return [
    h("p", {}, `${days}日間の ${shapes} 種類のうち `, h("strong", {}, differences.length), " 種類の判定が変わります。"),
    differences.length ? differences.map((one) => difference(words, one))
      : empty("これまでの問い合わせは、どれも同じに答えられます。", "Every recorded request is answered alike."),
  ];
}

function difference(words, { roles, purpose, operation, more, less }) {
  return h("article", { class: "change" },
    h("p", { class: "sentence" }, h("b", {}, roles.map(words.roleName).join(" ＋ ")), " ・ ", words.purposeName(purpose)),
    fields("gain", "＋ 開く", more), fields("loss", "－ 閉じる", less),
    h("details", {}, h("summary", {}, both("問い合わせ", "request")),
      h("pre", { tabindex: "0", "aria-label": "問い合わせ Request" }, operation)));

  function fields(kind, title, found) {
    if (!found.length) return null;
    return h("p", { class: kind }, h("span", { class: "sign" }, title), " ",
      found.map((one) => `${words.coordinate.get(one.coordinate)?.nameJa ?? ""}（${one.coordinate}、${word(ACTIONS, one.action)[1]}）`).join("、"));
  }
}
