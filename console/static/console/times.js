// "3 minutes ago" grows older while the page is open.
import { words } from "./toasts.js";

const SECONDS = 30;
const STEPS = [
  [45 * 60, 60, "minute"],
  [22 * 3600, 3600, "hour"],
  [Infinity, 86400, "day"],
];
const format = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "always" });

function renew() {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const seconds = (Date.parse(time.dateTime) - Date.now()) / 1000;
    const away = Math.abs(seconds);
    if (away < 45) {
      if (seconds <= 0) time.textContent = words.now;
      continue;
    }
    const [, size, unit] = STEPS.find(([below]) => away < below);
    const count = Math.max(Math.round(away / size), 1) * Math.sign(seconds);
    time.textContent = format.format(count, unit);
  }
}

setInterval(renew, SECONDS * 1000);
