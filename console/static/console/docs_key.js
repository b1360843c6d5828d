// The key in the examples: in this tab only, and only when the person has asked for it.
import { whenShown } from "./shown.js";

const KEPT = "docs-api-key";
const PLACEHOLDER = "YOUR_API_KEY";
const form = document.querySelector("[data-key-form]");
const originals = new WeakMap();

function put(key) {
  const fill = (text) => text.replaceAll(PLACEHOLDER, key || PLACEHOLDER);
  for (const code of document.querySelectorAll("[data-code]")) {
    if (!originals.has(code)) originals.set(code, code.textContent);
    code.textContent = fill(originals.get(code));
    const button = code.closest(".snippet")?.querySelector("[data-copy]");
    if (button) button.dataset.copy = code.textContent;
  }
  if (!form) return;
  const state = form.querySelector("[data-key-state]");
  state.textContent = key ? state.dataset.filled : state.dataset.empty;
  form.querySelector("[data-key-input]").value = key;
}

function keep(key) {
  if (key) sessionStorage.setItem(KEPT, key);
  else sessionStorage.removeItem(KEPT);
  put(key);
}

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  keep(form.querySelector("[data-key-input]").value.trim());
});
form?.querySelector("[data-key-clear]").addEventListener("click", () => keep(""));
whenShown("[data-fill-key]", (made) => keep(made.dataset.fillKey));
if (!document.querySelector("[data-fill-key]")) put(sessionStorage.getItem(KEPT) ?? "");
