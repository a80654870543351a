/* Arrow keys in a table: one cell is in the tab order, the arrows move, Home and End go to the ends. */

const STEPS = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  PageUp: [-10, 0],
  PageDown: [10, 0],
};

/** Make a table with `role="grid"` move by arrow keys over the elements marked `data-cell`. */
export function navigate(grid) {
  grid.addEventListener("keydown", (event) => {
    const cell = event.target.closest("[data-cell]");
    if (!cell || event.altKey || event.metaKey) return;
    const next = goal(grid, cell, event);
    if (!next) return;
    event.preventDefault();
    enter(grid, next);
  });
  grid.addEventListener("focusin", (event) => {
    const cell = event.target.closest("[data-cell]");
    if (cell) only(grid, cell);
  });
  const first = grid.querySelector("[data-cell]");
  if (first) only(grid, first);
}

/** Put the focus on one cell. */
function enter(grid, cell) {
  only(grid, cell);
  cell.focus();
  cell.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function only(grid, cell) {
  for (const other of grid.querySelectorAll("[data-cell]")) other.tabIndex = -1;
  cell.tabIndex = 0;
}

function goal(grid, cell, event) {
  const rows = [...grid.querySelectorAll("tr")]
    .filter((row) => !row.hidden)
    .map((row) => [...row.querySelectorAll("[data-cell]")])
    .filter((row) => row.length);
  const at = rows.findIndex((row) => row.includes(cell));
  const column = rows[at].indexOf(cell);
  if (event.key === "Home") return event.ctrlKey ? rows[0][0] : rows[at][0];
  if (event.key === "End") return event.ctrlKey ? rows.at(-1)?.at(-1) : rows[at].at(-1);
  const step = STEPS[event.key];
  if (!step) return null;
  const row = rows[clamp(at + step[0], rows.length)];
  return row[clamp(column + step[1], row.length)];
}

const clamp = (value, length) => Math.max(0, Math.min(length - 1, value));
