// The list of channels: what was chosen stays so when the list renews itself, and is counted.
const form = document.querySelector("[data-chosen]");
const chosen = new Set();

const boxes = () => [...document.querySelectorAll('input[name="channel"][form="chosen"]')];

function show() {
  const all = boxes();
  for (const box of all) box.checked = chosen.has(box.value);
  form.querySelector("[data-chosen-number]").textContent = chosen.size;
  for (const button of form.querySelectorAll("button")) button.disabled = !chosen.size;
  const whole = form.querySelector("[data-choose-all]");
  whole.checked = all.length > 0 && all.every((box) => box.checked);
  whole.indeterminate = !whole.checked && all.some((box) => box.checked);
}

function choose(box, wanted) {
  if (wanted) chosen.add(box.value);
  else chosen.delete(box.value);
}

if (form) {
  for (const box of boxes()) choose(box, box.checked);
  document.addEventListener("change", (event) => {
    const box = event.target;
    if (box.matches('[form="chosen"]')) choose(box, box.checked);
    else if (box.matches("[data-choose-all]")) for (const each of boxes()) choose(each, box.checked);
    else return;
    show();
  });
  // Those that a filter has taken away are not chosen any more.
  document.addEventListener("htmx:afterSwap", () => {
    const there = new Set(boxes().map((box) => box.value));
    for (const value of [...chosen]) if (!there.has(value)) chosen.delete(value);
    show();
  });
  show();
}
