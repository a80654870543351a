// The same for Relay, whose compiler makes files of them; this one is never run.
import { graphql } from "relay-runtime";

export const search = graphql`
  query relayDocumentsSearchQuery($first: Int!) {
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
`;

export const person = graphql`
  query relayDocumentsPersonQuery($code: String!) {
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
`;

export const issue = graphql`
  mutation relayDocumentsIssueMutation($code: String!) {
    issueDocument(input: { addresseeCode: $code, path: COUNTER, document: ANSWER }) {
      content { code fullName residence { address } }
    }
  }
`;
