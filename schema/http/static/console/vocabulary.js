/* The names of roles, purposes, classes and fields, as the server has them. */

import { ask } from "./api.js";
import { VOCABULARY } from "./queries.js";
import { POPULATIONS } from "./words.js";

/** @type {Vocabulary | null} */
let known = null;

/** Load the words once for each session. */
export async function vocabulary(purpose) {
  known ??= new Vocabulary((await ask(VOCABULARY, { purpose })).policyVocabulary);
  return known;
}

export function forgetVocabulary() {
  known = null;
}

export class Vocabulary {
  constructor({ roles, sections, purposes, classes, coordinates, actions, budgets }) {
    this.roles = roles;
    this.sections = sections;
    this.purposes = purposes;
    this.classes = classes;
    this.coordinates = coordinates;
    this.actions = actions;
    this.budgets = budgets;
    this.role = new Map(roles.map((one) => [one.code, one]));
    this.purpose = new Map(purposes.map((one) => [one.code, one]));
    this.section = new Map(sections.map((one) => [one.code, one]));
    this.class = new Map(classes.map((one) => [one.code, one]));
    this.coordinate = new Map(coordinates.map((one) => [one.coordinate, one]));
  }

  roleName = (code) => this.role.get(bare(code))?.nameJa ?? any(code);

  purposeName = (code) => this.purpose.get(bare(code))?.nameJa ?? any(code);

  sectionName = (code) => this.section.get(code)?.nameJa ?? code ?? "–";

  className = (code) => this.class.get(bare(code))?.nameJa ?? code;

  /** `class:residence` → 住所; `Residence.address` → 住所 (Residence.address). */
  whatName = (what) =>
    what.startsWith("class:")
      ? `区分「${this.className(what)}」`
      : `${this.coordinate.get(what)?.nameJa ?? ""}（${what}）`;

  /** The roles that open a purpose, number handlers beside them where it is their business. */
  rolesFor(purpose) {
    return this.roles.filter(({ code, purposes }) =>
      purposes.includes(purpose) || (isNumberRole(code) && this.purpose.get(purpose)?.individualNumbers));
  }

  /** The purposes that a role opens. */
  purposesFor(role) {
    return this.purposes.filter(({ code, individualNumbers }) =>
      this.role.get(role)?.purposes.includes(code) || (isNumberRole(role) && individualNumbers));
  }
}

const isNumberRole = (code) => code === "number-handler";

const bare = (typed) => typed.replace(/^(role|purpose|class):/, "");

const any = (code) => (bare(code) === "any" ? "すべて" : code);

/** Who is meant: everybody, or whoever is in one of the populations. */
export function populationsText(populations) {
  if (!populations.length || populations.some((names) => !names.length)) return "全員";
  return populations.map((names) => names.map(populationName).join("かつ")).join("、または");
}

export function populationName(name) {
  return POPULATIONS[name]?.[0] ?? (name.startsWith("payers:") ? "移転先の対象者" : name);
}
