/* The lines of a version or a draft, read from Casbin CSV as `policyExport` writes it. */

import { ask } from "./api.js";
import { EXPORT } from "./queries.js";

/** @typedef {{role: string, purpose: string, what: string, action: string, effect: string, note: string}} Line */

/**
 * The lines in their order: line 1 is the first.
 * @param {string} purpose
 * @param {{version: number} | {draft: string}} of
 * @returns {Promise<Line[]>}
 */
export async function linesOf(purpose, of) {
  return parsed((await ask(EXPORT, { purpose, variables: of })).policyExport.csv);
}

/** A comment is the note of the lines beneath it, up to the next comment. */
function parsed(csv) {
  const found = [];
  let note = "";
  for (const text of csv.split("\n")) {
    if (text.startsWith("#")) note = text.slice(1).trim();
    else if (text) {
      const [, role, purpose, what, action, effect] = text.split(",").map((word) => word.trim());
      found.push({ role, purpose, what, action, effect, note });
    }
  }
  return found;
}
