// The matrix of prices, moved through as in a spreadsheet: arrows, Enter and Tab; Esc takes back
// what was typed; a block of cells may be pasted. Without JavaScript it is a plain form.
import { toast } from "./toasts.js";
import { whenShown } from "./shown.js";

const CELL = "input:not([type=hidden])";

function rowsOf(table) {
  return [...table.tBodies[0].rows]
    .map((row) => [...row.querySelectorAll(CELL)])
    .filter((cells) => cells.length);
}

function placeOf(cell) {
  const rows = rowsOf(cell.closest("table"));
  const row = rows.findIndex((cells) => cells.includes(cell));
  return { rows, row, column: columnOf(cell) };
}

// Cells of new lines have their name in front of them: columns are counted from the end.
const columnOf = (cell) => cell.closest("td, th").cellIndex;
const at = (cells, column) => cells?.find((cell) => columnOf(cell) === column);

function go(cell, down, right) {
  const { rows, row, column } = placeOf(cell);
  const next = at(rows[row + down], column + right);
  if (!next) return false;
  next.focus();
  next.select();
  return true;
}

// In the middle of a text the arrows belong to the text.
function atEdge(cell, right) {
  const { selectionStart: start, selectionEnd: end, value } = cell;
  if (start === 0 && end === value.length) return true;
  return start === end && start === (right > 0 ? value.length : 0);
}

function mark(cell) {
  if (cell.dataset.was === undefined) return;
  cell.classList.toggle("is-changed", cell.value.trim() !== cell.dataset.was);
}

function setUp(form) {
  const status = form.querySelector("[data-changed]");
  if (!status) return;
  const cells = () => [...form.querySelectorAll(".matrix-cell")];
  const names = () => [...form.querySelectorAll('input[name^="name."]')];
  let isSent = false;
  const changed = () => cells().filter((cell) => cell.value.trim() !== cell.dataset.was);

  function tell() {
    const number = changed().length;
    status.textContent = number ? `${status.dataset.some} ${number}` : status.dataset.none;
  }

  function fill(cell, text) {
    cell.value = text;
    cell.classList.remove("is-invalid");
    mark(cell);
  }

  form.addEventListener("input", (event) => {
    if (!event.target.matches(".matrix-cell")) return;
    event.target.classList.remove("is-invalid");
    mark(event.target);
    tell();
  });

  form.addEventListener("focusin", (event) => {
    if (event.target.matches(".matrix-cell")) {
      event.target.dataset.before = event.target.value;
      event.target.select();
    }
  });

  form.addEventListener("keydown", (event) => {
    const cell = event.target;
    if (event.key === "s" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit();
      return;
    }
    if (!cell.matches(`table ${CELL}`) || event.altKey || event.ctrlKey || event.metaKey) return;
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    if (event.key === "Enter") {
      event.preventDefault();
      go(cell, event.shiftKey ? -1 : 1, 0);
    } else if (event.key === "Escape" && cell.matches(".matrix-cell")) {
      event.preventDefault();
      // First what was just typed, then what was changed before.
      const isJustTyped = cell.value !== cell.dataset.before;
      fill(cell, isJustTyped ? cell.dataset.before : cell.dataset.was);
      cell.select();
      tell();
    } else if (steps[event.key] && !event.shiftKey) {
      const [down, right] = steps[event.key];
      if (right && !atEdge(cell, right)) return;
      if (go(cell, down, right)) event.preventDefault();
    }
  });

  form.addEventListener("paste", (event) => {
    const cell = event.target;
    if (!cell.matches(".matrix-cell")) return;
    const text = event.clipboardData.getData("text/plain").replace(/\r\n?/g, "\n");
    const block = text.replace(/\n$/, "").split("\n").map((line) => line.split("\t"));
    if (block.length === 1 && block[0].length === 1) return;
    event.preventDefault();
    const { rows, row, column } = placeOf(cell);
    let filled = 0;
    let lost = 0;
    block.forEach((line, down) => line.forEach((value, right) => {
      const next = at(rows[row + down], column + right);
      if (!next) {
        lost += value.trim() ? 1 : 0;
        return;
      }
      fill(next, value.trim());
      filled += 1;
    }));
    tell();
    if (lost) toast(`${form.dataset.didNotFit} ${lost}`, "error");
    else toast(`${form.dataset.pasted} ${filled}`);
  });

  form.querySelector("[data-revert]").addEventListener("click", (event) => {
    event.preventDefault();
    for (const cell of cells()) fill(cell, cell.dataset.was);
    for (const name of names()) name.value = "";
    tell();
  });

  form.addEventListener("submit", () => {
    isSent = true;
  });
  addEventListener("pageshow", () => {
    isSent = false;
  });
  addEventListener("beforeunload", (event) => {
    if (!isSent && changed().length) event.preventDefault();
  });

  // A browser that goes back fills the form again.
  cells().forEach(mark);
  tell();
  (form.querySelector(".is-invalid, .is-overtaken") ?? null)?.focus();
}

whenShown("form[data-grid]", setUp);
