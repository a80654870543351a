// What Atena says of an object's fields, for any client. Copy this file and that of your client.
// docs/frontend.md tells what the words mean.

/** Why a field is not shown whole. */
export type HiddenReason =
  | "ROLE"
  | "PURPOSE"
  | "LIST"
  | "INVARIANT"
  | "CASE_REFERENCE"
  | "MASKED"
  | "SCOPE"
  | "PAPER";

export interface HiddenField {
  readonly field: string;
  readonly reason: HiddenReason | "%future added value";
  readonly purposes: readonly string[];
}

export interface Obligation {
  readonly addressWithheld: boolean;
  readonly stopOutput: boolean;
}

/** Select `privacy` so on every object of which you show classified fields. */
export const PRIVACY =
  "privacy { hidden { field reason purposes } obligation { addressWithheld stopOutput } }";

export interface WithPrivacy {
  readonly privacy: {
    readonly hidden: readonly HiddenField[];
    readonly obligation?: Obligation | null | undefined;
  };
}

/** What a field is on the screen. */
export type Shown<T> =
  | { readonly state: "shown"; readonly value: T }
  /** The masked form: never the whole value. `purposes` show it whole. */
  | { readonly state: "masked"; readonly value: T; readonly purposes: readonly string[] }
  | {
      readonly state: "hidden";
      readonly reason: HiddenField["reason"];
      readonly purposes: readonly string[];
    }
  /** Nothing to show of a person whose place is withheld: do not take it for "none", nor say why. */
  | { readonly state: "withheld" }
  | { readonly state: "absent" };

/** What `object[key]` is. `field`: its name in the schema, where `key` is an alias. */
export function read<T extends WithPrivacy, K extends keyof T & string>(
  object: T,
  key: K,
  field: string = key,
): Shown<NonNullable<T[K]>> {
  const value = object[key];
  const hidden = object.privacy.hidden.find((each) => each.field === field);
  if (hidden !== undefined && hidden.reason !== "MASKED") {
    return { state: "hidden", reason: hidden.reason, purposes: hidden.purposes };
  }
  if (value !== null && value !== undefined) {
    return hidden === undefined
      ? { state: "shown", value }
      : { state: "masked", value, purposes: hidden.purposes };
  }
  return object.privacy.obligation?.addressWithheld ? { state: "withheld" } : { state: "absent" };
}

// -- requests -------------------------------------------------------------------------------------

/**
 * What every request states. One client, with a cache of its own, serves one session and one
 * purpose: roots have no id, so a cache would answer them for another purpose with what it kept.
 */
export interface Terms {
  readonly token: string;
  readonly purpose: string;
  /** Read at each request. */
  caseReference?: string;
}

export function headersOf(terms: Terms): Record<string, string> {
  return {
    accept: "application/graphql-response+json",
    authorization: `Bearer ${terms.token}`,
    "purpose-of-use": terms.purpose,
    ...(terms.caseReference === undefined ? {} : { "case-reference": terms.caseReference }),
  };
}

/** Roots about persons: beside another of them, one that names a person shows what a list shows. */
export const PERSON_ROOTS: readonly string[] = [
  "account",
  "accounts",
  "addressee",
  "addresseeByIndividualNumber",
  "addressees",
  "collection",
  "collections",
  "handlingNotices",
  "householdExclusion",
  "householdExclusions",
  "lift",
  "lifts",
  "node",
  "protectiveMeasure",
  "protectiveMeasures",
  "substituteAddressProposal",
  "substituteAddressProposals",
];

const NAMING: readonly string[] = ["code", "id", "individualNumber"];

interface Selection {
  readonly kind: string;
  readonly name?: { readonly value: string } | undefined;
  readonly arguments?: readonly { readonly name: { readonly value: string } }[] | undefined;
  readonly selectionSet?: { readonly selections: readonly Selection[] } | undefined;
}

/** A document as `graphql` parses it. */
export interface Document {
  readonly definitions: readonly Selection[];
}

/**
 * Throws where a document asks for one person beside others. A cache keeps what such a request
 * shows under the same root as the whole record, which is then gone from the screen.
 */
export function checkOnePerson({ definitions }: Document): void {
  const fragments = new Map(definitions.map((each) => [each.name?.value, each]));
  const roots = ({ selectionSet }: Selection): readonly Selection[] =>
    (selectionSet?.selections ?? []).flatMap((each) => {
      if (each.kind === "Field") return [each];
      return roots(each.kind === "FragmentSpread" ? (fragments.get(each.name?.value) ?? each) : each);
    });
  for (const definition of definitions) {
    if (definition.kind !== "OperationDefinition") continue;
    const persons = roots(definition).filter(({ name }) => PERSON_ROOTS.includes(name?.value ?? ""));
    const named = persons.filter((root) =>
      root.arguments?.some(({ name }) => NAMING.includes(name.value)),
    );
    if (named.length > 0 && persons.length > 1) {
      throw new Error("Ask for one person in a request of its own: beside others less is shown.");
    }
  }
}
