/* 見える範囲の合計: what somebody can see over all of their purposes, beside each single one. */

import { ask } from "./api.js";
import { both, button, h } from "./dom.js";
import { matrix } from "./matrix.js";
import { fill } from "./notices.js";
import { facts, head } from "./parts.js";
import { UNION } from "./queries.js";
import { ACTIONS } from "./words.js";

const ASKED = ["read", "list", "match", "search", "write"];
const chosen = new Set(["collection-clerk"]);
const open = new Set();

export async function unionView(context) {
  const { words, purpose, argument } = context;
  if (argument) {
    chosen.clear();
    for (const role of argument.split(",")) chosen.add(role);
  }
  const place = h("div", { class: "grid-place" });
  const beside = h("section", { class: "detail", "aria-label": "選んだ欄 Chosen cell", tabindex: "-1" },
    h("p", { class: "empty" }, both("表の欄を選ぶと、どの利用目的で見えるかが出ます。", "Choose a cell to see for which purposes.")));
  const boxes = h("fieldset", { class: "checks" }, h("legend", {}, both("ロール（一人が併せ持つもの）", "Roles of one person")),
    words.roles.map(({ code, nameJa }) => {
      const box = h("input", {
        type: "checkbox", checked: chosen.has(code),
        onchange: () => { chosen[box.checked ? "add" : "delete"](code); refresh(); },
      });
      return h("label", {}, box, " ", nameJa);
    }));
  const refresh = () => {
    const asked = chosen.size ? ask(UNION, { purpose, variables: { roles: [...chosen] } }) : Promise.resolve(null);
    return fill(place, asked, (found) => found ? table(words, found.policyUnion, beside)
      : h("p", { class: "empty" }, "ロールを一つ以上選んでください。"));
  };
  refresh();
  return [
    head("見える範囲の合計", "Union", context,
      h("p", { class: "hint" }, "一人の職員が、利用目的を替えながら見られるものすべて。左端の列が合計、右が利用目的ごと。")),
    boxes,
    h("div", { class: "beside wide" }, h("section", { "aria-label": "合計の表 Union" }, place), h("div", { class: "side" }, beside)),
  ];
}

function table(words, union, beside) {
  const purposes = words.purposes.filter(({ code }) =>
    words.roles.some((role) => chosen.has(role.code) && role.purposes.includes(code)));
  const columns = [
    { key: "union", ja: "合計", code: "union" },
    ...purposes.map(({ code, nameJa }) => ({ key: code, ja: nameJa, code })),
  ];
  const fields = new Map(union.map((one) => [one.coordinate, one]));
  const cellsOf = (coordinates) => columns.map(({ key }) => ({
    states: Object.fromEntries(Object.keys(ACTIONS).map((action) => [action, together(coordinates, action, key)])),
    before: null,
  }));
  const together = (coordinates, action, key) => {
    if (action === "mask") return coordinates.some((one) => masked(fields.get(one), key)) ? "shown" : "none";
    if (action === "read-withheld") return coordinates.some((one) => despite(fields.get(one), key)) ? "shown" : "none";
    const shown = coordinates.filter((one) => sees(fields.get(one)?.[action], key));
    if (!shown.length) return "none";
    return shown.length === coordinates.length ? "shown" : "partly";
  };
  const rows = words.classes.map((one) => {
    const inside = words.coordinates.filter(({ classes }) => classes.includes(one.code));
    return {
      what: `class:${one.code}`, ja: one.nameJa, code: one.code, marks: one.withheld ? ["秘匿"] : [],
      cells: cellsOf(inside.map(({ coordinate }) => coordinate)),
      fields: inside.map((field) => ({
        what: field.coordinate, ja: field.nameJa ?? field.coordinate, code: field.coordinate, marks: [], fields: [],
        cells: cellsOf([field.coordinate]),
      })),
    };
  });
  return matrix({
    caption: "見える範囲の合計", columns, rows, open, hideEmpty: true,
    choose: (row, _column, cell) => {
      beside.replaceChildren(...opened(words, row, fields), h("p", {}, button(both("閉じる", "Close"), () => cell.focus(), { class: "quiet" })));
      beside.onkeydown = (event) => { if (event.key === "Escape") cell.focus(); };
      beside.focus();
    },
  });
}

/** For which purposes each action is open, on any field of the row. */
function opened(words, row, fields) {
  const coordinates = row.fields.length ? row.fields.map(({ what }) => what) : [row.what];
  const purposesOf = (action) => [...new Set(coordinates.flatMap((one) => fields.get(one)?.[action].purposes ?? []))];
  /** A purpose that opens no more of any field than its masked form. */
  const onlyMasked = (action, purpose) => coordinates.every((one) => {
    const cell = fields.get(one)?.[action];
    return !cell?.purposes.includes(purpose) || cell.masked.includes(purpose);
  });
  const named = (action) => purposesOf(action).map((one) =>
    words.purposeName(one) + (onlyMasked(action, one) ? "（一部表示）" : "")).join("、");
  const withheld = coordinates.some((one) => ASKED.some((action) => fields.get(one)?.[action].withheld));
  return [
    h("h2", {}, row.ja, " ", h("span", { class: "code" }, row.code)),
    facts(ASKED.map((action) => [ACTIONS[action][1], named(action) || "なし"])),
    withheld ? h("p", { class: "box note" }, both("支援措置などで保護されている人のものは、開いていても秘匿されます。",
      "Of protected persons it is withheld, although it is open.")) : null,
  ];
}

/** Whether the value is seen whole: for a purpose, or for any of them. */
function sees(cell, key) {
  if (!cell || !cell.verdict.startsWith("SHOWN")) return false;
  return key === "union" || (cell.purposes.includes(key) && !cell.masked.includes(key));
}

function masked(field, key) {
  return [field?.read, field?.list].some((cell) => cell && (key === "union" ? cell.verdict === "MASKED" : cell.masked.includes(key)));
}

function despite(field, key) {
  return field?.read.verdict === "SHOWN_DESPITE_PROTECTION" && (key === "union" || field.read.purposes.includes(key));
}
