// What htmx's requests have besides, and what is said when one is refused.
import { toast, words } from "./toasts.js";

document.addEventListener("htmx:configRequest", (event) => {
  const token = document.querySelector("input[name=csrfmiddlewaretoken]");
  if (token) event.detail.headers["X-CSRFToken"] = token.value;
});

document.addEventListener("htmx:responseError", (event) => {
  const { xhr, elt } = event.detail;
  // The next tick tries again; nobody has asked for it.
  if (elt.matches?.("[data-refresh]")) return;
  const isText = xhr.getResponseHeader("Content-Type")?.startsWith("text/plain");
  toast(isText ? xhr.responseText : `${xhr.status}`, "error");
});

document.addEventListener("htmx:sendError", (event) => {
  if (!event.detail.elt.matches?.("[data-refresh]")) toast(words.offline, "error");
});
