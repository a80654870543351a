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
export function ask(query, { purpose = null, variables = {}, caseReference = "" } = {}) {
  const headers = { "Content-Type": "application/json", ...(caseReference ? { "Case-Reference": caseReference } : {}) };
  return send("graphql", purpose, headers, JSON.stringify({ query, variables }));
}

/** Put a file of lines in place of a draft's, its bytes as they are: the server says in which encoding. */
export function upload(draft, file, purpose) {
  return send(`policy/drafts/${encodeURIComponent(draft)}/lines`, purpose, { "Content-Type": "text/csv" }, file);
}

async function send(path, purpose, more, body) {
  const held = token;
  const headers = { Accept: "application/graphql-response+json", ...more };
  if (held) headers.Authorization = `Bearer ${held}`;
  if (purpose) headers["Purpose-Of-Use"] = purpose;
  let answer;
  try {
    const response = await fetch(path, {
      method: "POST",
      credentials: "same-origin",
      referrerPolicy: "no-referrer",
      cache: "no-store",
      headers,
      body,
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
