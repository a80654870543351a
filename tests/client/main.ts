// A frontend in small: Apollo Client and generated types. Signs in, states a purpose, lists
// addressees, and reads one with accounts and collections. Writes what it got as JSON.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client";
import { SetContextLink } from "@apollo/client/link/context";
import { map } from "rxjs";

import { graphql } from "./gql/gql.js";
import type { AddresseeDetailQuery } from "./gql/graphql.js";

declare const process: { argv: string[] };

interface Privacy {
  hidden: { path: string[]; coordinate: string; reason: string }[];
  obligations: { path: string[]; addressWithheld: boolean; stopOutput: boolean }[];
}

const SIGN_IN = graphql(`
  mutation SignIn($input: SignInInput!) {
    signIn(input: $input) {
      token
      expiresAt
      idleTimeoutSeconds
      viewer { id roles }
    }
  }
`);

const FIRST_ADDRESSEES = graphql(`
  query FirstAddressees($first: Int!, $filter: AddresseeFilter) {
    addressees(first: $first, filter: $filter) {
      nodes { code }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

const ADDRESSEE = graphql(`
  query AddresseeDetail($code: String!) {
    addressee(code: $code) {
      code
      fullName
      dvFlag
      accounts(first: 5) { nodes { bankCode branchCode } }
      collections(first: 5) {
        edges { cursor node { fiscalYear dueOn taxAmount outstanding status } }
      }
    }
  }
`);

const [url = "", staffId = "", password = "", purpose = "", code = ""] = process.argv.slice(2);
const secrets: { token?: string } = {};
const privacy: Record<string, Privacy> = {};

const withHeaders = new SetContextLink(({ headers }) =>
  secrets.token === undefined
    ? { headers }
    : {
        headers: {
          ...headers,
          authorization: `Bearer ${secrets.token}`,
          "purpose-of-use": purpose,
        },
      },
);

const withPrivacy = new ApolloLink((operation, forward) =>
  forward(operation).pipe(
    map((result) => {
      const found: unknown = result.extensions?.["privacy"];
      if (found !== undefined) privacy[operation.operationName ?? ""] = found as Privacy;
      return result;
    }),
  ),
);

const client = new ApolloClient({
  link: ApolloLink.from([withPrivacy, withHeaders, new HttpLink({ uri: url })]),
  cache: new InMemoryCache(),
});

async function signIn(): Promise<string> {
  const { data } = await client.mutate({
    mutation: SIGN_IN,
    variables: { input: { staffId, password } },
    fetchPolicy: "no-cache",
  });
  if (!data?.signIn) throw new Error("not signed in");
  return data.signIn.token;
}

async function firstCodes(): Promise<string[]> {
  const { data } = await client.query({ query: FIRST_ADDRESSEES, variables: { first: 3 } });
  return (data?.addressees?.nodes ?? []).flatMap(({ code }) => code ?? []);
}

type Addressee = NonNullable<AddresseeDetailQuery["addressee"]>;

// Amounts are numbers, and everything that the policy governs may be null: the types say so.
function owed({ collections }: Addressee): number {
  return (collections?.edges ?? []).reduce((sum, { node }) => sum + (node.outstanding ?? 0), 0);
}

secrets.token = await signIn();
const codes = await firstCodes();
const { data } = await client.query({ query: ADDRESSEE, variables: { code } });
if (!data?.addressee) throw new Error("not found");
const { addressee } = data;
console.log(JSON.stringify({ codes, addressee, owed: owed(addressee), privacy }));
