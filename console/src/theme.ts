import { lasting } from "./storage.js";
import { Store } from "./store.js";

/** Which colours: those of the system, or a choice of the reader's. */
export type Theme = "system" | "light" | "dark";

const KEPT = "sixframe.theme";
const THEMES: readonly Theme[] = ["system", "light", "dark"];

/** The theme, remembered. */
export const theme = new Store<Theme>(remembered());

/** Shows the theme now and whenever it changes. */
export function showTheme(root: HTMLElement = document.documentElement): void {
  const show = (): void => {
    const chosen = theme.get();
    if (chosen === "system") delete root.dataset["theme"];
    else root.dataset["theme"] = chosen;
  };
  theme.subscribe(show);
  show();
}

/** Chooses a theme. */
export function choose(chosen: Theme): void {
  lasting.setItem(KEPT, chosen);
  theme.set(chosen);
}

/** Chooses the one after the present one. */
export function chooseNext(): void {
  choose(THEMES[(THEMES.indexOf(theme.get()) + 1) % THEMES.length] ?? "system");
}

function remembered(): Theme {
  const kept = lasting.getItem(KEPT);
  return THEMES.find((known) => known === kept) ?? "system";
}
