/* What a cell of the matrix says: for each action a letter and a state. Pure.
 *
 * shown   allowed, and decided so for every field
 * partly  for some fields of the class only
 * closed  a line allows it, and an invariant or a class that is missing closes it
 * denied  a line denies it
 * none    no line
 */

import { ACTIONS } from "./words.js";

/** Actions that the server decides, by the name of the field that tells it. */
const DECIDED = { read: "read", list: "list", match: "match", search: "search", write: "write" };

const STATES = {
  shown: "許可",
  partly: "一部の項目だけ許可",
  closed: "行は許すが閉じている",
  denied: "拒否",
  none: "なし",
};

/**
 * A cell from what was decided and from the lines on it.
 * @param {any} decided a cell or field of `policyMatrix`, or null where the server decides none
 * @param {Map<string, string>} effects the lines on exactly this: action → allow | deny
 * @param {string[]} allowed actions that lines on the class allow
 */
export function cellOf(decided, effects, allowed) {
  const states = {};
  for (const action of Object.keys(ACTIONS)) {
    states[action] = state(decided, effects.get(action), allowed.includes(action), action);
  }
  if (decided && [decided.read, decided.list].includes("MASKED")) states.mask = "shown";
  if (decided && decided.read === "SHOWN_DESPITE_PROTECTION") states["read-withheld"] = "shown";
  return states;
}

function state(decided, effect, allowed, action) {
  if (effect === "deny") return "denied";
  const word = decided && DECIDED[action] ? decided[DECIDED[action]] : null;
  if (word === null || decided.fields?.length === 0) {
    return allowed || effect === "allow" ? "shown" : "none";
  }
  if (word.startsWith("SHOWN")) return "shown";
  if (word === "PARTLY") return "partly";
  return allowed || effect === "allow" ? "closed" : "none";
}

const OPEN = { shown: 2, partly: 1 };

/** Which way an action changed: `gain`, `loss` or null. */
export function change(before, after) {
  const [old, now] = [OPEN[before] ?? 0, OPEN[after] ?? 0];
  if (now > old) return "gain";
  return now < old ? "loss" : null;
}

/** A cell in words, for a screen reader. */
export function spoken(states, before) {
  const parts = Object.entries(ACTIONS)
    .map(([action, [, ja]]) => {
      const way = before ? change(before[action], states[action]) : null;
      if (states[action] === "none" && !way) return null;
      const moved = { gain: "、草案で開く", loss: "、草案で閉じる" }[way] ?? "";
      return `${ja} ${STATES[states[action]]}${moved}`;
    })
    .filter(Boolean);
  return parts.length ? parts.join("、") : "許可なし";
}

export const isEmpty = (states) => Object.values(states).every((one) => one === "none");

/**
 * The effects of the lines on one (role, purpose, what): action → allow | deny.
 * @param {{role: string, purpose: string, what: string, action: string, effect: string}[]} lines
 */
export function effectsOf(lines, role, purpose, what) {
  const found = new Map();
  for (const line of lines) {
    if (line.what !== what) continue;
    if (line.role !== `role:${role}` && line.role !== "role:any") continue;
    if (line.purpose !== `purpose:${purpose}` && line.purpose !== "purpose:any") continue;
    if (found.get(line.action) !== "deny") found.set(line.action, line.effect);
  }
  return found;
}
