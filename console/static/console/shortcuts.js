// "/" goes to the search of the page. (Escape closes menus and dialogs, in their files.)
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select, textarea, [contenteditable], dialog")) return;
  const search = document.querySelector("[data-search]");
  if (search) {
    event.preventDefault();
    search.focus();
    search.select();
  }
});

// One of the names that were offered for what was typed.
function isOffered(input) {
  return [...(input.list?.options ?? [])].some((option) => option.value === input.value);
}

// A list is shown anew as soon as a choice of its filters is made.
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-filters]");
  if (form && (event.target.matches("select") || isOffered(event.target))) form.requestSubmit();
});

// Empty filters make no long addresses.
document.addEventListener("formdata", (event) => {
  if (!event.target.matches("form[data-filters]")) return;
  for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
});

// Nothing is sent twice by a double click.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "1";
  addEventListener("pageshow", () => delete form.dataset.sent, { once: true });
});
