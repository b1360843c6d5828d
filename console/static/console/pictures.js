// A picture that cannot be had (its upstream has thrown it away, or does not answer) is a sign
// with words instead of a broken frame.
import { whenShown } from "./shown.js";

function giveUp(image) {
  image.hidden = true;
  const sign = image.parentElement?.querySelector(".picture-gone");
  if (sign) sign.hidden = false;
}

whenShown("img[data-picture]", (image) => {
  image.addEventListener("error", () => giveUp(image), { once: true });
  // It may have failed before anybody listened.
  if (image.complete && !image.naturalWidth && image.currentSrc) giveUp(image);
});
