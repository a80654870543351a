import { atenaClient } from "./apollo.js";
import { ISSUE, PERSON, SEARCH } from "./documents.js";
import { put, showPerson, start } from "./screen.js";

start((url, terms) => {
  const client = atenaClient(url, terms);
  let open: { unsubscribe(): void } | undefined;
  return {
    async search(first) {
      const { data } = await client.query({ query: SEARCH, variables: { first } });
      put("list", JSON.stringify(data?.addressees?.nodes));
    },
    async open(code) {
      open?.unsubscribe();
      put("person", "");
      const watched = client.watchQuery({ query: PERSON, variables: { code } });
      await new Promise<void>((resolve) => {
        open = watched.subscribe(({ data, dataState }) => {
          if (dataState !== "complete") return;
          showPerson(data.addressee);
          resolve();
        });
      });
    },
    async issue(code) {
      const { data } = await client.mutate({ mutation: ISSUE, variables: { code } });
      return data?.issueDocument?.content;
    },
  };
});
