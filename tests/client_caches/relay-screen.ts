import { commitMutation, createOperationDescriptor, type Disposable, fetchQuery } from "relay-runtime";

import { atenaEnvironment } from "./relay.js";
import ISSUE, {
  type relayDocumentsIssueMutation,
} from "./__generated__/relayDocumentsIssueMutation.graphql.js";
import PERSON, {
  type relayDocumentsPersonQuery,
} from "./__generated__/relayDocumentsPersonQuery.graphql.js";
import SEARCH, {
  type relayDocumentsSearchQuery,
} from "./__generated__/relayDocumentsSearchQuery.graphql.js";
import { put, showPerson, start } from "./screen.js";

start((url, terms) => {
  const environment = atenaEnvironment(url, terms);
  let open: Disposable | undefined;
  return {
    async search(first) {
      const found = await fetchQuery<relayDocumentsSearchQuery>(environment, SEARCH, {
        first,
      }).toPromise();
      put("list", JSON.stringify(found?.addressees?.nodes));
    },
    async open(code) {
      open?.dispose();
      put("person", "");
      const operation = createOperationDescriptor(PERSON, { code });
      // Kept for as long as the page, as a screen that is open in another tab would be.
      environment.retain(operation);
      if (environment.check(operation).status !== "available") {
        await fetchQuery<relayDocumentsPersonQuery>(environment, PERSON, { code }).toPromise();
      }
      const snapshot = environment.lookup(operation.fragment);
      const show = (data: unknown) =>
        showPerson((data as relayDocumentsPersonQuery["response"]).addressee);
      show(snapshot.data);
      open = environment.subscribe(snapshot, ({ data }) => show(data));
    },
    issue: (code) =>
      new Promise((resolve, reject) => {
        commitMutation<relayDocumentsIssueMutation>(environment, {
          mutation: ISSUE,
          variables: { code },
          onCompleted: ({ issueDocument }) => resolve(issueDocument?.content),
          onError: reject,
        });
      }),
  };
});
