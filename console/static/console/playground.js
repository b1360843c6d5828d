// The playground: pictures are dropped and pasted, helpers write into the prompt, and price and
// code are shown anew while somebody types.
import { toast } from "./toasts.js";
import { whenShown } from "./shown.js";
import { Mask } from "./mask.js";

const WAIT_MS = 400;
const place = document.querySelector("[data-playground]");
const form = document.getElementById("draw");
const prompt = form?.querySelector("[data-prompt]");
const draft = `playground-${place.dataset.playground}`;
const pictures = form?.querySelector("[data-pictures-input]");

// Price and code.
let waiting;
function renew() {
  clearTimeout(waiting);
  waiting = setTimeout(() => htmx.trigger("#preview", "preview"), WAIT_MS);
}

form?.addEventListener("input", (event) => {
  if (event.target.name) renew();
});
document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.elt.id !== "preview") return;
  event.detail.parameters.picture_names = [...(pictures?.files ?? [])].map((file) => file.name);
});
// What was open stays so.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id !== "preview") return;
  const inside = () => [...event.detail.target.querySelectorAll("details")];
  const open = inside().map((found) => found.open);
  event.detail.target.addEventListener(
    "htmx:afterSwap",
    () => {
      for (const [number, found] of inside().entries()) found.open = open[number];
    },
    { once: true },
  );
});

// The prompt is not lost between the kinds, nor by a reload.
if (prompt) {
  if (!prompt.value) prompt.value = sessionStorage.getItem(draft) ?? "";
  if (prompt.value) renew();
  prompt.addEventListener("input", () => {
    sessionStorage.setItem(draft, prompt.value);
    readFlags();
  });
}

// As in other places where one writes.
prompt?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  form.requestSubmit();
});

// On phones, and after a long form, what is begun would be out of sight.
document.addEventListener("htmx:afterSettle", (event) => {
  const where = event.detail.target;
  if (where.id !== "threads" && !where.matches(".drawing-children")) return;
  const begun = where.querySelector(".drawing");
  const top = begun?.getBoundingClientRect().top;
  if (top < 0 || top > innerHeight / 2) begun.scrollIntoView({ block: "start" });
});

function usePrompt(text) {
  sessionStorage.setItem(draft, text);
  if (!prompt) return false;
  prompt.value = text;
  readFlags();
  renew();
  prompt.focus();
  prompt.scrollIntoView({ block: "center" });
  return true;
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-use-prompt]");
  if (link && usePrompt(link.dataset.usePrompt)) event.preventDefault();
});

// Helpers: each is one "--flag value" in the prompt.
const flags = form ? [...form.querySelectorAll("[data-flag]")] : [];
const flag = (name) => new RegExp(`(?<!\\S)(?:--|—)${name}(?:\\s+((?:(?!--|—).)*?))?(?=\\s+(?:--|—)|\\s*$)`, "s");

function readFlags() {
  for (const helper of flags) {
    const found = flag(helper.dataset.flag).exec(prompt.value);
    if (helper.type === "checkbox") {
      helper.checked = !!found && (!helper.dataset.value || found[1] === helper.dataset.value);
    } else if (helper !== document.activeElement) {
      helper.value = found?.[1] ?? "";
    }
  }
}

function writeFlag(helper) {
  const value = helper.type === "checkbox" ? (helper.checked ? helper.dataset.value ?? "" : null) : helper.value.trim() || null;
  const bare = prompt.value.replace(flag(helper.dataset.flag), "").replace(/[ \t]{2,}/g, " ").trimEnd();
  prompt.value = value === null ? bare : `${bare} --${helper.dataset.flag} ${value}`.trim();
  sessionStorage.setItem(draft, prompt.value);
  renew();
}

for (const helper of flags) helper.addEventListener("input", () => writeFlag(helper));
if (prompt) readFlags();

// Pictures.
const zone = form?.querySelector("[data-pictures]");
if (zone) {
  const list = zone.querySelector("[data-pictures-list]");
  const most = Number(zone.dataset.most);

  const show = () => {
    for (const image of list.querySelectorAll("img")) URL.revokeObjectURL(image.src);
    list.replaceChildren(...[...pictures.files].map((file, number) => {
      const item = document.createElement("li");
      const image = document.createElement("img");
      image.src = URL.createObjectURL(file);
      image.alt = file.name;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "btn btn-sm";
      button.textContent = `${list.dataset.remove} ${file.name}`;
      button.addEventListener("click", () => set([...pictures.files].filter((_, n) => n !== number)));
      item.append(image, button);
      return item;
    }));
    showCanvas();
    renew();
  };
  const set = (files) => {
    if (files.length > most) {
      toast(list.dataset.tooMany, "error");
      files = files.slice(0, most);
    }
    const held = new DataTransfer();
    for (const file of files) held.items.add(file);
    pictures.files = held.files;
    show();
  };
  const add = (files) => {
    const found = [...files].filter((file) => file.type.startsWith("image/"));
    if (found.length) set(most === 1 ? found.slice(0, 1) : [...pictures.files, ...found]);
    return found.length > 0;
  };

  pictures.addEventListener("change", () => set([...pictures.files]));
  for (const kind of ["dragenter", "dragover"]) {
    zone.addEventListener(kind, (event) => {
      event.preventDefault();
      zone.classList.add("is-over");
    });
  }
  zone.addEventListener("dragleave", () => zone.classList.remove("is-over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("is-over");
    add(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => {
    if (add(event.clipboardData?.files ?? [])) event.preventDefault();
  });
  if (pictures.files.length) show();
}

// The picture that is to be edited is the one to paint on.
function showCanvas() {
  const painted = form.querySelector("[data-mask-of-upload]");
  if (!painted) return;
  const [file] = pictures.files;
  painted.hidden = !file;
  if (file) painted.querySelector("[data-mask]").mask.open(URL.createObjectURL(file));
}

whenShown("[data-mask]", (found) => {
  found.mask = new Mask(found);
  if (found.dataset.picture) found.mask.open(found.dataset.picture);
});
