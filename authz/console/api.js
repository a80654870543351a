/* The one road to the server: the same GraphQL as everybody's. */

import { ERRORS, LOST } from "./words.js";

/** A refusal, with its stable code, what it means, and what the server says of it. */
export class Refusal extends Error {
  constructor(code, said) {
    super(said);
    this.code = code;
    const [ja, en] = ERRORS[code] ?? ERRORS.INTERNAL;
    this.ja = ja;
    this.en = en;
    this.said = said;
  }
}

let token = null;
let hooks = { asked: () => {}, ended: (_code) => {} };

/** Who is told of every request (the idle time begins anew) and of the end of the session. */
export function listen(listeners) {
  hooks = listeners;
}

/** The token lives here and nowhere else: no storage, no cookie, no address. */
export function hold(given) {
  token = given;
}

/**
 * Ask; answers `data`. Raises `Refusal`.
 * @param {string} query
 * @param {{purpose?: string | null, variables?: Record<string, any>, caseReference?: string}} terms
 */
export async function ask(query, { purpose = null, variables = {}, caseReference = "" } = {}) {
  const held = token;
  const headers = {
    Accept: "application/graphql-response+json",
    "Content-Type": "application/json",
  };
  if (held) headers.Authorization = `Bearer ${held}`;
  if (purpose) headers["Purpose-Of-Use"] = purpose;
  if (caseReference) headers["Case-Reference"] = caseReference;
  let answer;
  try {
    const response = await fetch("graphql", {
      method: "POST",
      credentials: "same-origin",
      referrerPolicy: "no-referrer",
      cache: "no-store",
      headers,
      body: JSON.stringify({ query, variables }),
    });
    answer = await response.json();
  } catch {
    throw new Refusal(LOST, "");
  }
  const [error] = answer.errors ?? [];
  if (error) {
    const code = error.extensions?.code ?? "INTERNAL";
    if (code === "UNAUTHENTICATED" && held && held === token) hooks.ended(code);
    else if (held) hooks.asked();
    throw new Refusal(code, error.message);
  }
  if (held) hooks.asked();
  return answer.data;
}

/**
 * Every entry of a connection, page by page.
 * @param {(after: string | null) => Promise<any>} page answers the connection
 */
export async function all(page) {
  const found = [];
  let after = null;
  do {
    const connection = await page(after);
    found.push(...connection.nodes);
    after = connection.pageInfo.hasNextPage ? connection.pageInfo.endCursor : null;
  } while (after);
  return found;
}
