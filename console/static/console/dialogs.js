// <a href="…" data-dialog> opens its page in the dialog; forms in it are sent from there, and what
// the server answers takes their place. Without JavaScript both are pages of their own.
const dialog = document.getElementById("dialog");
const body = document.getElementById("dialog-body");

function load(method, url, source, values) {
  return htmx.ajax(method, url, { source, target: body, swap: "innerHTML", values });
}

// A secret that is shown once must not vanish by a slip of the finger.
const holdsSecret = () => body.querySelector("[data-once]");

function close() {
  dialog.close();
  if (holdsSecret()) location.reload();
  body.replaceChildren();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-dialog]");
  if (link && !event.metaKey && !event.ctrlKey && !event.shiftKey) {
    event.preventDefault();
    const menu = link.closest("details.menu");
    if (menu) menu.open = false;
    load("GET", link.href, document.body);
    return;
  }
  if (dialog.open && event.target.closest("#dialog [data-close]")) {
    event.preventDefault();
    close();
  }
});

// Not a click inside that ends outside.
let downOutside = false;
dialog.addEventListener("mousedown", (event) => {
  downOutside = event.target === dialog;
});
dialog.addEventListener("mouseup", (event) => {
  if (downOutside && event.target === dialog && !holdsSecret()) close();
});
dialog.addEventListener("cancel", (event) => {
  event.preventDefault();
  if (!holdsSecret()) close();
});

body.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || form.hasAttribute("data-plain")) return;
  event.preventDefault();
  const button = event.submitter;
  const values = button?.name ? { [button.name]: button.value } : {};
  load("POST", form.action, form, values);
});

// (After htmx has put the focus where it thinks it was.)
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target !== body || !body.children.length) return;
  if (!dialog.open) dialog.showModal();
  const wrong = body.querySelector(".is-invalid");
  const first = wrong ?? body.querySelector("input:not([type=hidden]), select, textarea");
  first?.focus();
});

for (const link of document.querySelectorAll("[data-leave]")) location.replace(link.href);
