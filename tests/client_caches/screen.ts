// One small screen for all three clients: a list, the open record, a paper.
import { read, type Shown, type Terms, type WithPrivacy } from "./privacy.js";

type Maybe<T> = T | null | undefined;

export interface Person extends WithPrivacy {
  readonly fullName: Maybe<string>;
  readonly dvFlag: Maybe<boolean>;
  readonly residence: Maybe<{ readonly address: Maybe<string> }>;
  readonly accounts: Maybe<{
    readonly nodes: readonly (WithPrivacy & { readonly accountNumber: Maybe<string> })[];
  }>;
}

/** What a client has to do: each call shows what it has, and goes on showing what changes. */
export interface Client {
  search(first: number): Promise<void>;
  open(code: string): Promise<void>;
  issue(code: string): Promise<unknown>;
}

export function showPerson(person: Person | null | undefined): void {
  if (!person) return put("person", "該当なし");
  const { residence, accounts } = person;
  put(
    "person",
    [
      person.privacy.obligation?.addressWithheld ? "取扱注意: 住所を伏せる" : "",
      `氏名 ${words(read(person, "fullName"))}`,
      `住所 ${residence?.address ?? words(read(person, "residence"))}`,
      `DV ${words(read(person, "dvFlag"))}`,
      ...(accounts?.nodes ?? []).map((each) => `口座 ${words(read(each, "accountNumber"))}`),
    ].join("\n"),
  );
}

function words(shown: Shown<unknown>): string {
  switch (shown.state) {
    case "shown":
      return String(shown.value);
    case "masked":
      return `${String(shown.value)} (一部表示: ${shown.purposes.join(" ")})`;
    case "hidden":
      return `非表示 ${shown.reason}`;
    case "withheld":
      return "表示なし";
    case "absent":
      return "―";
  }
}

export function put(id: string, text: string): void {
  const place = document.getElementById(id) ?? document.createElement("pre");
  if (!place.isConnected) document.body.append(Object.assign(place, { id }));
  place.textContent = text;
}

export function start(make: (url: string, terms: Terms) => Client): void {
  Object.assign(window, {
    start(terms: Terms) {
      const client = make(new URL("/graphql", location.href).href, terms);
      Object.assign(window, {
        search: (first: number) => client.search(first),
        open_person: (code: string) => client.open(code),
        issue: async (code: string) => {
          put("paper", JSON.stringify(await client.issue(code)));
        },
      });
    },
  });
}
