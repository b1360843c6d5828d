// What every page of the console does; each part is a file of its own.
import "./zone.js";
import "./menus.js";
import "./dialogs.js";
import "./copy.js";
import "./times.js";
import "./refresh.js";
import "./shortcuts.js";
import "./requests.js";
import "./pictures.js";
import { whenShown } from "./shown.js";

// Whoever signs in next in this tab does not find the key that docs_key.js keeps.
whenShown("[data-forget-key]", () => sessionStorage.removeItem("docs-api-key"));

whenShown("[data-plot]", async (place) => {
  const { draw } = await import("./plot.js");
  draw(place);
});
