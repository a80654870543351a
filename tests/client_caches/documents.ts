// What the two clients ask that read documents at run time.
import { graphql } from "./gql/gql.js";

export const SEARCH = graphql(`
  query Search($first: Int!) {
    addressees(first: $first) {
      nodes {
        id
        code
        fullName
        residence { address }
        accounts(first: 5) { nodes { id accountNumber } }
      }
    }
  }
`);

export const PERSON = graphql(`
  query Person($code: String!) {
    addressee(code: $code) {
      id
      code
      fullName
      dvFlag
      residence { address }
      privacy { hidden { field reason purposes } obligation { addressWithheld stopOutput } }
      accounts(first: 5) {
        nodes {
          id
          accountNumber
          privacy { hidden { field reason purposes } }
        }
      }
    }
  }
`);

export const ISSUE = graphql(`
  mutation Issue($code: String!) {
    issueDocument(input: { addresseeCode: $code, path: COUNTER, document: ANSWER }) {
      content { code fullName residence { address } }
    }
  }
`);
