// Calls `use(element)` for what is on the page, and for what htmx brings later; once for each.
export function whenShown(selector, use) {
  const seen = new WeakSet();
  const look = (root) => {
    const found = [...root.querySelectorAll(selector)];
    if (root.matches?.(selector)) found.push(root);
    for (const element of found) {
      if (!seen.has(element)) {
        seen.add(element);
        use(element);
      }
    }
  };
  look(document);
  document.addEventListener("htmx:load", (event) => look(event.target));
}
