import { AppWindow, Bot, Braces, Cpu, ScrollText, SquareFunction, Waypoints, type LucideIcon } from "lucide-react";

export type PanelId = "agents" | "transcripts" | "methods" | "state" | "frames" | "processes" | "windows";

export interface Panel {
  id: PanelId;
  name: string;
  icon: LucideIcon;
}

export const PANELS: readonly Panel[] = [
  { id: "agents", name: "Agents", icon: Bot },
  { id: "transcripts", name: "Transcripts", icon: ScrollText },
  { id: "methods", name: "Methods", icon: SquareFunction },
  { id: "state", name: "State", icon: Braces },
  { id: "frames", name: "Frames", icon: Waypoints },
  { id: "processes", name: "Processes", icon: Cpu },
  { id: "windows", name: "Windows", icon: AppWindow },
];

/** The panel that an address names; the first one where it names none. */
export function panelOf(hash: string): PanelId {
  return PANELS.find(({ id }) => `#${id}` === hash)?.id ?? "agents";
}
