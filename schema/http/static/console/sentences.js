/* The server's English sentences about lines, in Japanese. One that is not here is shown as it is. */

import { ACTIONS, DRAFT_STATES, word } from "./words.js";

/** A sentence with `…` for each code in backquotes → the Japanese, with {0}, {1}, … for the codes. */
const SENTENCES = {
  "unknown role `…`": "ロール {0} はありません。",
  "unknown purpose `…`": "利用目的 {0} はありません。",
  "unknown class `…`": "区分 {0} はありません。",
  "unknown coordinate `…`": "項目 {0} はありません。",
  "unknown action `…`": "操作 {0} はありません。",
  "unknown effect `…`": "効果 {0} はありません。",
  "allowed by one line and denied by another; the deny decides": "許す行と拒む行が両方あります。拒む行が決めます。",
  "`…` never gets personal data": "「{0}」には個人情報を許せません。",
  "`…` is not marked for protection work":
    "「{0}」は支援措置の業務のロールではないので、秘匿されたものの参照は許せません。",
  "an individual number is never listed nor searched": "個人番号は、一覧にも検索にも使えません。",
  "an individual number has no masked form and no way around an obligation":
    "個人番号には、一部表示も、秘匿を越える参照もありません。",
  "an individual number is for `…` alone": "個人番号は「{0}」だけのものです。",
  "`…` is no business with individual numbers": "「{0}」は個人番号利用事務ではありません。",
  "an individual number needs `…` beside another role": "個人番号には、ほかのロールと併せて「{0}」が要ります。",
  "an individual number needs a case reference": "個人番号には受付番号が要ります。",
  "the obligation is an operand for the protection coordinator alone":
    "取扱注意を条件に使えるのは、支援措置担当だけです。",
  "needs `…` on `…` for `…`, `…`: the gap would tell who is protected":
    "「{2}」の「{3}」に、{1}の{0}も要ります。なければ、空欄から保護されている人が分かってしまいます。",
  "`…` does not see the obligation (`…` on `…`)": "「{0}」には取扱注意が見えません（{2}の{1}がない）。",
  "`…` does not open `…`": "「{0}」は利用目的「{1}」を使えません。",
  "nothing here has a masked form": "ここには一部表示のできる項目がありません。",
  "no obligation withholds this": "ここには秘匿される項目がありません。",
  "no field, edge or row carries this class": "この区分を持つ項目がありません。",
  "denied for `…`, `…`, `…`": "{0}・{1}・{2}への拒否が先に決めます。",
  "every class of it is allowed by this role": "この項目の区分は、すべてこのロールに許されています。",
  "withheld, and nothing says so, where an obligation covers a person of the row":
    "行の中に、支援措置などで保護されている人がいれば秘匿されます。秘匿されたことは、どこにも出ません。",
  "no operand compares it where an obligation covers a person of the row":
    "行の中に、支援措置などで保護されている人がいれば、どの条件にも当たりません。",
  "shown of protected persons too, one at a time": "保護されている人のものも、一人ずつなら見えます。",
  "the kind of document that is issued does not carry it": "この種類の文書には載せません（設定ではなく、文書の表が決めます）。",
  "the token does not name it": "トークンのスコープに入っていません。",
  "an individual number is shown directly beneath one person alone":
    "個人番号が出るのは、一人だけを尋ねて、その人のすぐ下の項目としてだけです。",
  "the staff member holds no role today": "この職員は、きょう有効なロールを持っていません。",
  "the staff member is not in service": "この職員は在職していません（停止中か、退職）。",
  "none of these roles opens this purpose": "これらのロールでは、この利用目的を使えません。",
  "there is no such coordinate": "この項目はありません。",
  "no line on `…` for `…`": "{0}の{1}を許す行がありません。",

  "the policy has changed since the draft was made: rebase it first":
    "草案を作った後に権限設定が変わりました。先に「現行の版に合わせる」をしてください。",
  "the draft changes nothing": "この草案では何も変わりません。",
  "a line that is to be removed is not there": "消そうとした行は、もうありません。ほかの人が先に変えたのかもしれません。",
  "nobody proposes a right for themselves": "自分の権限は、自分では提案できません。",
  "there is no such staff member": "この職員はいません。",
  "somebody has this staff id, or had it": "この職員番号は、使われているか、使われたことがあります。",
  "there is no such section": "この課はありません。",
  "the staff member is in service": "この職員は在職中です。",
  "this is proposed already": "同じ提案が、もう出ています。",
  "the last day is before the first": "最後の日が最初の日より前です。",
  "the staff member does not hold this role": "この職員は、このロールを持っていません。",
  "this version is in force": "この版は、いま有効です。",
  "a version waits at most a year": "発効日時は一年先までです。",
  "this gives a right, so whoever approves it says from when: leave `…` out":
    "開くもののある変更では、承認する人が発効日時を決めます。空欄にしてください。",
  "`…` lies in the past: leave it out for at once": "発効日時が過去です。すぐに有効にするなら、空欄にしてください。",
  "`…` lies in the past: leave it out for from the approval on": "最初の日が過去です。承認の日からなら、空欄にしてください。",
  "the last day lies in the past": "最後の日が過去です。",
  "the last day lies in the past: reject it": "最後の日が過ぎています。却下してください。",
  "nobody else in service holds `…`: give it to somebody else first":
    "在職中で「{0}」を持つ人が、ほかにいません。先にほかの人に与えてください。",
  "nobody could enter a protective measure any more": "支援措置を登録できる人が、いなくなります。",
  "nobody could change the policy any more, or nobody decide on a change":
    "権限設定を変えられる人、または決められる人が、いなくなります。",
  "only its proposer takes a proposal back": "提案を取り下げられるのは、提案した人だけです。",
  "nobody approves what widens what they themselves may see": "自分に見える範囲を広げる変更は、承認できません。",
  "nobody decides on what they made or proposed themselves": "自分で作った、または提案したものは、決められません。",
  "approving is for the collection director, or for the auditor's purpose":
    "承認できるのは収納管理監、または点検・監査の利用目的での点検担当です。",
  "the auditor approves only what the collection director may not":
    "点検担当が承認するのは、収納管理監が承認できない変更だけです。",
};

const STATE = /^the draft is ([A-Z]+)$/;

/** The Japanese of a sentence, or null. `words` may be null: codes stay as they are. */
export function inJapanese(words, sentence) {
  const codes = [...sentence.matchAll(/`([^`]+)`/g)].map(([, code]) => code);
  const same = sentence.match(/^the same as line (\d+)$/);
  if (same) return `行 ${same[1]} と同じです。`;
  const state = sentence.match(STATE);
  if (state) return `この草案は「${word(DRAFT_STATES, state[1])[0]}」です。ほかの人が先に変えたのかもしれません。`;
  const found = SENTENCES[sentence.replace(/`[^`]+`/g, "`…`")];
  return found ? found.replace(/\{(\d)\}/g, (_, at) => name(words, codes[Number(at)])) : null;
}

function name(words, code) {
  if (!words) return code;
  const bare = code.replace(/^(role|purpose):/, "");
  if (bare === "any") return "すべて";
  if (code.startsWith("class:")) return words.whatName(code);
  if (words.role.has(bare)) return words.roleName(bare);
  if (words.purpose.has(bare)) return words.purposeName(bare);
  return code in ACTIONS ? word(ACTIONS, code)[1] : code;
}
