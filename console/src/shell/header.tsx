import { Command, Monitor, Moon, Sun } from "lucide-react";
import { Tabs } from "radix-ui";
import type { ReactNode } from "react";

import { WaitingTray } from "../chat/waiting-tray.js";
import { shortcutLabel } from "../commands/shortcuts.js";
import type { Standing } from "../connection.js";
import { useStore } from "../store.js";
import { chooseNext, theme, type Theme } from "../theme.js";
import { useEnvironment } from "./environment.js";
import { Latency } from "./latency.js";
import { Mark } from "./mark.js";
import { PANELS } from "./panels.js";

/** The name, the panels, and how the connection stands. */
export function Header({ onPalette }: { onPalette: () => void }): ReactNode {
  const { connection } = useEnvironment();
  const standing = useStore(connection.standing);
  return (
    <header className="header">
      <div className="brand">
        <Mark size={22} />
        <h1 className="brand-name">Sixframe</h1>
      </div>
      <Tabs.List className="tabs" aria-label="Panels">
        {PANELS.map(({ id, name, icon: Icon }, at) => (
          <Tabs.Trigger key={id} value={id} className="tab" title={`${name} (${at + 1})`}>
            <Icon size={16} aria-hidden />
            <span>{name}</span>
          </Tabs.Trigger>
        ))}
      </Tabs.List>
      <div className="header-end">
        <WaitingTray />
        <button
          type="button"
          className="palette-button"
          onClick={onPalette}
          aria-label="Commands"
          title={`Commands (${shortcutLabel("K")})`}
        >
          <Command size={14} aria-hidden />
          <span className="palette-hint">Commands</span>
          <kbd>{shortcutLabel("K")}</kbd>
        </button>
        <Latency connection={connection} />
        <ConnectionState standing={standing} />
        <ThemeButton />
      </div>
    </header>
  );
}

const WORDS: Record<Standing["phase"], string> = { connecting: "Connecting", open: "Connected", lost: "Reconnecting" };

function ConnectionState({ standing: { phase, reconnects } }: { standing: Standing }): ReactNode {
  const times = `${reconnects} ${reconnects === 1 ? "reconnect" : "reconnects"}`;
  return (
    <div className="standing" data-phase={phase} role="status" title={`${WORDS[phase]} · ${location.host} · ${times}`}>
      <span className="standing-dot" aria-hidden />
      <span className="standing-word">{WORDS[phase]}</span>
      {reconnects > 0 && (
        <span className="standing-count" aria-label={times}>
          ↻ {reconnects}
        </span>
      )}
    </div>
  );
}

const THEMES: Record<Theme, { name: string; icon: typeof Sun }> = {
  system: { name: "the system's", icon: Monitor },
  light: { name: "light", icon: Sun },
  dark: { name: "dark", icon: Moon },
};

function ThemeButton(): ReactNode {
  const { name, icon: Icon } = THEMES[useStore(theme)];
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={`Colours: ${name}. Change`}
      title={`Colours: ${name}`}
      onClick={chooseNext}
    >
      <Icon size={16} />
    </button>
  );
}
