/* Words of the trade, Japanese and English. Names of roles, purposes and classes come from the API. */

export const LOST = "CONNECTION_LOST";

/** What a refusal means and what to do: code → [日本語, English]. */
export const ERRORS = {
  UNAUTHENTICATED: [
    "サインインしていないか、職員番号またはパスワードが違います。何度も間違えると、しばらくサインインできません。",
    "Not signed in, or a wrong staff id or password.",
  ],
  PURPOSE_REQUIRED: ["利用目的が選ばれていません。", "No purpose of use was stated."],
  PURPOSE_NOT_ALLOWED: [
    "この利用目的は、あなたのロールでは使えません。",
    "This purpose of use is not open to your roles.",
  ],
  WRITE_NOT_ALLOWED: [
    "この変更は、あなたのロールとこの利用目的では許されていません。",
    "Your roles may not change this for this purpose.",
  ],
  OUTPUT_STOPPED: [
    "出力停止です。支援措置担当に確認してください。",
    "Output is stopped. Ask the protection coordinator.",
  ],
  ADDRESS_NEEDED: [
    "同姓同名・同一生年月日の人がいます。住所も指定してください。",
    "Another record has this name and birthday. Give the address, too.",
  ],
  FIELD_HIDDEN: ["見ることを許されていない項目です。", "A field that you may not see."],
  OPERAND_HIDDEN: [
    "条件や並べ替えに使うことを許されていない項目です。",
    "A field that you may not filter or order by.",
  ],
  CURSOR_INVALID: [
    "一覧が古くなりました（権限設定の版が変わったなど）。最初のページから見直してください。",
    "The list is out of date. Start at its first page.",
  ],
  BAD_USER_INPUT: [
    "入力が正しくないか、いまの状態ではできない操作です。ほかの人が先に変更したのかもしれません。",
    "The input does not fit, or the state of things does not allow it.",
  ],
  PERSISTED_QUERY_NOT_SUPPORTED: [
    "問い合わせの本文がありません。画面を読み込み直してください。",
    "The request names its document by a hash alone. Reload the page.",
  ],
  LIMIT_EXCEEDED: ["一度に求める量が多すぎます。", "Too much was asked at once."],
  STATE_NOT_ALLOWED: [
    "いまの状態ではできない操作です。ほかの人が先に変更したのかもしれません。",
    "The state of things does not allow it.",
  ],
  GRAPHQL_PARSE_FAILED: ["問い合わせを読み取れません。", "The request has a syntax error."],
  GRAPHQL_VALIDATION_FAILED: [
    "問い合わせがこのサーバーの版と合いません。画面を読み込み直してください。",
    "The request does not fit this server's version. Reload the page.",
  ],
  HARVEST_LIMIT: [
    "短い時間に見た人数が上限に達しました。",
    "You have looked up too many persons in a short time.",
  ],
  RATE_LIMITED: ["短い時間に求める回数が多すぎます。", "Too many requests in a short time."],
  UNAVAILABLE: [
    "必要なデータベースなどが応答していません。何も表示しません。しばらくして、やり直してください。",
    "A store does not answer, so nothing is shown. Try again later.",
  ],
  INTERNAL: ["サーバー内部の誤りです。運用担当に知らせてください。", "A mistake in the server."],
  [LOST]: [
    "サーバーに届きませんでした。変更が済んだかどうか、読み込み直して確かめてください。",
    "The server was not reached. Reload to see whether a change was made.",
  ],
};

/** Actions in their fixed order: one letter, 日本語, English. */
export const ACTIONS = {
  read: ["参", "一件参照", "read"],
  list: ["覧", "一覧参照", "list"],
  match: ["照", "完全一致", "match"],
  search: ["索", "検索・並べ替え", "search"],
  mask: ["部", "一部表示", "mask"],
  "read-withheld": ["秘", "秘匿項目の参照", "read withheld"],
  write: ["更", "更新", "write"],
};

/** How a cell decides. */
export const VERDICTS = {
  SHOWN: ["見える", "shown"],
  SHOWN_DESPITE_PROTECTION: ["支援措置の対象者でも見える", "shown despite protection"],
  MASKED: ["一部だけ見える", "masked"],
  HIDDEN: ["見えない", "hidden"],
};

/** The gravest of what a change can reach, worst first; the rest needs no word of its own. */
export const REACHES = {
  INDIVIDUAL_NUMBER: ["個人番号", "individual numbers"],
  PROTECTED_PERSON: ["保護されている人の居所など", "places of protected persons"],
  PROTECTION: ["保護の有無・理由", "who is protected, and why"],
  WHOLE_ACCOUNT: ["口座番号の全桁", "whole account numbers"],
};

export const REASONS = {
  ROLE: ["どの利用目的でも許す行がない", "no line opens it for any purpose"],
  PURPOSE: ["別の利用目的でだけ許される", "open for another purpose only"],
  LIST: ["一人ずつなら見えるが、一覧では見えない", "open for one person, not in a list"],
  INVARIANT: ["行は許すが、不変条件が閉じる", "a line opens it, an invariant closes it"],
  CASE_REFERENCE: ["受付番号を付けたときだけ見える", "only with a case reference"],
  MASKED: ["一部だけ見える", "masked"],
  SCOPE: ["トークンのスコープにない", "outside the token's scopes"],
  PAPER: ["この文書には載せない", "not on this kind of document"],
};

export const POPULATIONS = {
  overpaid: ["過納の人", "persons of whom too much was received"],
  "in-arrears": ["滞納のある人", "persons in arrears"],
  "to-be-reminded": ["納期限を過ぎ、督促していない人", "persons past due and not reminded yet"],
  "own-section": ["自課の税目・料の納付者", "payers of the clerk's own section"],
};

export const DRAFT_STATES = {
  OPEN: ["編集中", "open"],
  PROPOSED: ["承認待ち", "proposed"],
  ENACTED: ["成立", "enacted"],
  REJECTED: ["却下", "rejected"],
  ABANDONED: ["取りやめ", "abandoned"],
};

export const PROBLEMS = {
  UNKNOWN_WORD: ["知らない語", "unknown word"],
  DUPLICATE: ["同じ行が二つ", "the same line twice"],
  CONTRADICTION: ["許可と拒否が両方ある", "allowed and denied"],
  NEVER_MATCHES: ["何も決めない行", "decides nothing"],
  INVARIANT: ["不変条件に反する", "contradicts an invariant"],
  IMPLICIT_FLOW: ["見えないものが間接に漏れる", "would tell what is hidden"],
};

export const STAFF_STATES = { ACTIVE: ["在職", "active"], SUSPENDED: ["停止中", "suspended"] };

export const PROPOSAL_STATES = {
  PROPOSED: ["承認待ち", "proposed"],
  APPROVED: ["承認", "approved"],
  REJECTED: ["却下", "rejected"],
  WITHDRAWN: ["取下げ", "withdrawn"],
};

/** The Japanese and the English word for a code; the code itself where there is none. */
export function word(words, code) {
  return words[code] ?? [code, ""];
}
