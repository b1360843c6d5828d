// data-refresh="5": htmx asks for this part again every 5 seconds, as long as somebody looks at the
// page and is not in the middle of something in it.
const asked = new WeakMap();

function isBusy(part) {
  const inside = document.activeElement;
  const types = part.contains(inside) && inside.matches("input, select, textarea");
  return (
    types ||
    document.querySelector("dialog[open]") ||
    part.querySelector("details[open], .htmx-request") ||
    (part.contains(getSelection()?.anchorNode) && !getSelection().isCollapsed)
  );
}

setInterval(() => {
  if (document.visibilityState !== "visible") return;
  const now = Date.now();
  for (const part of document.querySelectorAll("[data-refresh]")) {
    if (!asked.has(part)) asked.set(part, now);
    if (now - asked.get(part) < part.dataset.refresh * 1000 || isBusy(part)) continue;
    asked.set(part, now);
    htmx.trigger(part, "refresh");
  }
}, 500);
