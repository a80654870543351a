/* From the server's matrix and the lines to the rows and columns that are shown. Pure. */

import { cellOf, effectsOf } from "./cells.js";

const ANY = {
  purpose: { code: "any", nameJa: "すべてのロール" },
  role: { code: "any", nameJa: "すべての利用目的" },
};

/** The columns: roles for one purpose, or purposes for one role; `withAny`: and all of them at once. */
export function columnsOf(words, by, chosen, withAny) {
  const any = withAny ? [ANY[by]] : [];
  const pairs = by === "purpose"
    ? [...words.rolesFor(chosen), ...any].map((role) => [role, role.code, chosen])
    : [...words.purposesFor(chosen), ...any].map((purpose) => [purpose, chosen, purpose.code]);
  return pairs.map(([one, role, purpose]) => ({
    key: `${role} ${purpose}`, ja: one.nameJa, code: one.code, role, purpose,
  }));
}

/**
 * The rows: classes, each with its fields.
 * @param {any} words
 * @param {any[]} columns
 * @param {{rows: any[], lines: any[], flaws?: Map<string, any[]>}} now the matrix and lines that
 *   are shown, and what validation says of its cells
 * @param {{rows: any[], lines: any[]} | null} before what they are compared with
 */
export function rowsOf(words, columns, now, before) {
  const [current, old] = [indexed(now), before && indexed(before)];
  return words.classes.map((one) => {
    const fields = words.coordinates.filter(({ classes }) => classes.includes(one.code));
    return {
      what: `class:${one.code}`,
      ja: one.nameJa,
      code: one.code,
      marks: [one.withheld ? "秘匿" : null].filter(Boolean),
      cells: columns.map((column) => cell(current, old, column, one.code, null)),
      fields: fields.map((field) => ({
        what: field.coordinate,
        ja: field.nameJa ?? field.coordinate,
        code: field.coordinate,
        marks: [],
        fields: [],
        cells: columns.map((column) => cell(current, old, column, one.code, field.coordinate)),
      })),
    };
  });
}

/** What names a cell: `class:…` or a coordinate, role and purpose. */
export const cellKey = (what, role, purpose) => `${what} ${role} ${purpose}`;

function indexed({ rows, lines, flaws = new Map() }) {
  const cells = new Map();
  for (const { role, purpose, cells: found } of rows) {
    for (const one of found) cells.set(`${role} ${purpose} ${one.class}`, one);
  }
  return { cells, lines, flaws };
}

function cell(now, before, column, code, coordinate) {
  const key = cellKey(coordinate ?? `class:${code}`, column.role, column.purpose);
  return {
    states: states(now, column, code, coordinate),
    before: before ? states(before, column, code, coordinate) : null,
    flawed: now.flaws.has(key),
  };
}

function states({ cells, lines }, { key, role, purpose }, code, coordinate) {
  const ofClass = cells.get(`${key} ${code}`) ?? null;
  const effects = effectsOf(lines, role, purpose, coordinate ?? `class:${code}`);
  if (coordinate === null) return cellOf(ofClass, effects, ofClass?.allowed ?? []);
  const field = ofClass?.fields.find((one) => one.coordinate === coordinate) ?? null;
  return cellOf(field, effects, []);
}
