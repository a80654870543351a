// Apollo Client 4. One client for each session and purpose: see Terms.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, type TypePolicies } from "@apollo/client";

import { checkOnePerson, headersOf, type Terms } from "./privacy.js";

/** Parts of a record have no id: they belong to the record, whose id says which view it is. */
export const typePolicies: TypePolicies = Object.fromEntries(
  ["MovedFrom", "MovedOut", "ObjectPrivacy", "Residence", "ResidentRecord"].map((name) => [
    name,
    { keyFields: false, merge: true },
  ]),
);

export function atenaLink(terms: Terms): ApolloLink {
  return new ApolloLink((operation, forward) => {
    checkOnePerson(operation.query);
    operation.setContext(({ headers }: { headers?: Record<string, string> }) => ({
      headers: { ...headers, ...headersOf(terms) },
    }));
    return forward(operation);
  });
}

export function atenaClient(uri: string, terms: Terms): ApolloClient {
  return new ApolloClient({
    link: ApolloLink.from([atenaLink(terms), new HttpLink({ uri })]),
    cache: new InMemoryCache({ typePolicies }),
  });
}
