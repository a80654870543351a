/* A list that comes page by page from the server, and says how many there are. */

import { both, button, h, say } from "./dom.js";
import { empty, fill } from "./notices.js";

const NUMBER = new Intl.NumberFormat("ja-JP");

/**
 * @param {{load: (after: string | null) => Promise<any>, draw: (nodes: any[]) => any, size: number,
 *   none?: [string, string]}} list `load` answers a connection with its `totalCount`
 */
export function paged({ load, draw, size, none = ["当てはまるものはありません。", "Nothing."] }) {
  const place = h("div");
  const counted = h("p", { class: "count" });
  const ways = h("p", { class: "row" });
  /** Where each page begins, the first one at null. */
  let begins = [null];
  let at = 0;

  async function show(page, aloud = true) {
    at = page;
    await fill(place, load(begins[page]), ({ nodes, pageInfo, totalCount }) => {
      begins[page + 1] = pageInfo.endCursor;
      const first = page * size + 1;
      const said = nodes.length ? `全 ${NUMBER.format(totalCount)} 件のうち ${first}〜${first + nodes.length - 1} 件` : "0 件";
      counted.replaceChildren(...both(said, `of ${totalCount}`));
      ways.replaceChildren(
        ...(page ? [button(both(`前の ${size} 件`, "Previous"), () => show(page - 1))] : []),
        ...(pageInfo.hasNextPage ? [button(both(`次の ${size} 件`, "Next"), () => show(page + 1))] : []));
      if (aloud) say(said);
      return nodes.length ? draw(nodes) : empty(...none);
    });
  }

  return {
    element: h("div", { class: "paged" }, counted, place, ways),
    /** From its beginning, as after another choice. */
    begin: () => { begins = [null]; return show(0); },
    /** The page that is shown, or the last one there still is. */
    again: async () => {
      await show(at, false);
      if (at && !place.querySelector("tbody tr")) await show(at - 1, false);
    },
  };
}

/** A form of filters: every change begins the list anew. */
export function filters(fields, list) {
  const form = h("form", { class: "row filters", role: "search" }, fields,
    h("button", { class: "main" }, both("絞り込む", "Filter")));
  form.addEventListener("submit", (event) => { event.preventDefault(); list.begin(); });
  form.addEventListener("change", () => list.begin());
  return form;
}
