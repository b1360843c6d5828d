// Before the page is drawn: light or dark, as the person chose or as the device is.
(() => {
  const root = document.documentElement;
  const device = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const chosen = root.dataset.theme;
    const dark = chosen === "dark" || (chosen !== "light" && device.matches);
    root.dataset.bsTheme = dark ? "dark" : "light";
    root.dispatchEvent(new Event("themechange"));
  };
  device.addEventListener("change", apply);
  apply();
})();
