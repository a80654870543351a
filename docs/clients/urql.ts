// urql with Graphcache. One client for each session and purpose: see Terms.
import { Client, type Exchange, fetchExchange, makeOperation, mapExchange } from "@urql/core";
import { cacheExchange, type CacheExchangeOpts, type KeyingConfig } from "@urql/exchange-graphcache";

import { checkOnePerson, headersOf, type Terms } from "./privacy.js";

/** What has no id belongs to its parent, whose id says which view it is. */
const keys: KeyingConfig = new Proxy({} as KeyingConfig, {
  get: () => (data: { id?: unknown }) => (typeof data.id === "string" ? data.id : null),
});

export const cacheConfig: CacheExchangeOpts = { keys };

export function atenaExchange(terms: Terms): Exchange {
  return mapExchange({
    onOperation(operation) {
      checkOnePerson(operation.query);
      return makeOperation(operation.kind, operation, {
        ...operation.context,
        fetchOptions: { headers: headersOf(terms) },
      });
    },
  });
}

export function atenaClient(url: string, terms: Terms): Client {
  return new Client({
    url,
    preferGetMethod: false,
    exchanges: [atenaExchange(terms), cacheExchange(cacheConfig), fetchExchange],
  });
}
