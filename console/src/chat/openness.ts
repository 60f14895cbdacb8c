import { createContext, useContext } from "react";

import { lasting } from "../storage.js";
import { Store } from "../store.js";

/** How diffs are laid out: a choice that is kept. */
export type DiffLayout = "unified" | "split";

const KEPT = "sixframe.agents.diff";

export const diffLayout = new Store<DiffLayout>(lasting.getItem(KEPT) === "split" ? "split" : "unified");

export function chooseDiffLayout(layout: DiffLayout): void {
  lasting.setItem(KEPT, layout);
  diffLayout.set(layout);
}

/** The folder of the session that is shown: files in it are called by their place below it. */
export const FolderContext = createContext("");

/** What in a history was opened or closed by hand; kept here, because rows out of sight do not exist. */
export interface Openness {
  isOpen: (key: string, usual: boolean) => boolean;
  set: (key: string, isOpen: boolean) => void;
}

const OpennessContext = createContext<Openness>({ isOpen: (_, usual) => usual, set: () => undefined });

export const OpennessProvider = OpennessContext.Provider;

/** Whether something is open, and a way to change that. */
export function useOpen(key: string, usual: boolean): [isOpen: boolean, set: (isOpen: boolean) => void] {
  const openness = useContext(OpennessContext);
  return [openness.isOpen(key, usual), (isOpen) => openness.set(key, isOpen)];
}
