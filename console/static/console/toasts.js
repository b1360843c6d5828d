// A short word at the edge of the page.
const SECONDS = 6;
const place = document.getElementById("toasts");

export const words = place.dataset;

export function toast(text, kind = "info") {
  const found = document.createElement("div");
  found.className = `toast show toast-${kind}`;
  if (kind === "error") found.setAttribute("role", "alert");
  const line = document.createElement("div");
  line.className = "toast-body text-break";
  line.textContent = text;
  found.append(line);
  // In front of an open dialog, which is above everything else.
  (document.querySelector("dialog[open]") ?? document.body).append(place);
  place.append(found);
  setTimeout(() => found.remove(), SECONDS * 1000);
}
