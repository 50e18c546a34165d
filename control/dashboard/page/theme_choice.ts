/** `auto` is as the system says. */
export type Theme = "auto" | "light" | "dark";

const ORDER: Readonly<Record<Theme, Theme>> = { auto: "dark", dark: "light", light: "auto" };
/** Tells the charts, whose colours do not change by themselves. */
const changes = new EventTarget();

/** The theme that was chosen. */
export function themeNow(): Theme {
  const { theme } = document.documentElement.dataset;
  return theme === "light" || theme === "dark" ? theme : "auto";
}

/** Takes the next one, and keeps it for this browser. */
export function nextTheme(): Theme {
  const theme = ORDER[themeNow()];
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem("theme", theme);
  } catch {
    // A browser that keeps nothing: the choice lasts as long as the page.
  }
  changes.dispatchEvent(new Event("change"));
  return theme;
}

/** Calls when the colours have changed, by the viewer or the system; returns what ends that. */
export function onColors(changed: () => void): () => void {
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", changed);
  changes.addEventListener("change", changed);
  return () => {
    system.removeEventListener("change", changed);
    changes.removeEventListener("change", changed);
  };
}
