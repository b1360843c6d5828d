// <button data-copy="…"> copies a text; <input data-select> is selected when it is entered.
import { toast, words } from "./toasts.js";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    toast(words.copied);
  } catch {
    // Without https there is no clipboard.
    toast(copyTheOldWay(button) ? words.copied : words.notCopied);
  }
});

function copyTheOldWay(button) {
  const area = document.createElement("textarea");
  area.value = button.dataset.copy;
  area.className = "visually-hidden";
  button.after(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  button.focus();
  return done;
}

document.addEventListener("focusin", (event) => {
  if (event.target.matches?.("[data-select]")) event.target.select();
});
