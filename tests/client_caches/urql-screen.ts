import { atenaClient } from "./urql.js";
import { ISSUE, PERSON, SEARCH } from "./documents.js";
import { put, showPerson, start } from "./screen.js";

start((url, terms) => {
  const client = atenaClient(url, terms);
  let open: { unsubscribe(): void } | undefined;
  return {
    async search(first) {
      const { data } = await client.query(SEARCH, { first }).toPromise();
      put("list", JSON.stringify(data?.addressees?.nodes));
    },
    async open(code) {
      open?.unsubscribe();
      put("person", "");
      const watched = client.query(PERSON, { code });
      open = watched.subscribe(({ data }) => {
        if (data) showPerson(data.addressee);
      });
      await watched.toPromise();
    },
    async issue(code) {
      const { data } = await client.mutation(ISSUE, { code }).toPromise();
      return data?.issueDocument?.content;
    },
  };
});
