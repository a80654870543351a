/* Elements made from data. A text only ever becomes text: nothing of an answer is ever markup. */

/**
 * One element. `on…` attributes are listeners, `true` and `false` set and leave out.
 * @param {string} name
 * @param {Record<string, any>} attributes
 * @param {...any} children nodes, texts, lists of them; null and false are left out
 * @returns {any}
 */
export function h(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) {
      made.setAttribute(key, String(value));
    }
  }
  made.append(...nodes(children));
  return made;
}

function nodes(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

/** Japanese first, English beside it. */
export function both(ja, en) {
  return [ja, " ", h("span", { lang: "en" }, en)];
}

export const byId = (id) => /** @type {any} */ (document.getElementById(id));

let count = 0;
/** A name for an element that another one refers to. */
export const newId = (stem) => `${stem}-${(count += 1)}`;

/** Says something to a screen reader, without moving anything. */
export function say(text) {
  const status = byId("status");
  // The same text twice would not be read twice.
  status.textContent = status.textContent === text ? `${text}\u00a0` : text;
}

/** A labelled field: the control gets the label's text, and an explanation where there is one. */
export function field(label, control, hint) {
  const id = control.id || newId("field");
  control.id = id;
  const explained = hint ? h("span", { class: "hint", id: `${id}-hint` }, hint) : null;
  if (explained) control.setAttribute("aria-describedby", explained.id);
  return h("div", { class: "field" }, h("label", { for: id }, label), control, explained);
}

/** A choice among `[value, text]`. */
export function select(options, chosen, attributes = {}) {
  const made = h(
    "select",
    attributes,
    options.map(([value, text]) => h("option", { value, selected: value === chosen }, text)),
  );
  return made;
}

export function button(text, onclick, attributes = {}) {
  return h("button", { type: "button", onclick, ...attributes }, text);
}

/** A table with its caption: `head` are the columns' titles, `rows` lists of cells. */
export function table(caption, head, rows, attributes = {}) {
  return h(
    "div",
    { class: "scroll", role: "region", tabindex: "0", "aria-label": caption },
    h(
      "table",
      attributes,
      h("caption", { class: "visually-hidden" }, caption),
      h("thead", {}, h("tr", {}, head.map((title) => h("th", { scope: "col" }, title)))),
      h("tbody", {}, rows),
    ),
  );
}

/** @type {Intl.DateTimeFormatOptions} */
const MINUTES = {
  timeZone: "Asia/Tokyo", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
};
const INSTANT = new Intl.DateTimeFormat("ja-JP", MINUTES);
const EXACT = new Intl.DateTimeFormat("ja-JP", { ...MINUTES, second: "2-digit" });

/** An instant in Japan's time, as an element; a dash where there is none. */
export function time(instant, exact = false) {
  if (!instant) return "–";
  return h("time", { datetime: instant }, (exact ? EXACT : INSTANT).format(new Date(instant)));
}
