// Relay. One environment for each session and purpose: see Terms.
import {
  Environment,
  type FetchFunction,
  type GraphQLResponse,
  Network,
  RecordSource,
  Store,
} from "relay-runtime";

import { headersOf, type Terms } from "./privacy.js";

export function atenaFetch(url: string, terms: Terms): FetchFunction {
  return async ({ text }, variables) => {
    const answer = await fetch(url, {
      method: "POST",
      headers: { ...headersOf(terms), "content-type": "application/json" },
      body: JSON.stringify({ query: text, variables }),
    });
    return (await answer.json()) as GraphQLResponse;
  };
}

export function atenaEnvironment(url: string, terms: Terms): Environment {
  return new Environment({
    network: Network.create(atenaFetch(url, terms)),
    store: new Store(new RecordSource()),
  });
}
