import { ArrowUp, Square } from "lucide-react";
import { useEffect, useState, type KeyboardEvent, type ReactNode } from "react";

import type { AgentDelivery } from "../api.js";
import { shortcutLabel } from "../commands/shortcuts.js";
import { useEnvironment } from "../shell/environment.js";
import { useHeldFocus } from "../shell/held-focus.js";
import { Radio, RadioGroup } from "../shell/radio-group.js";
import { SteadyButton } from "../shell/steady-button.js";
import { useStore } from "../store.js";
import { ContextControls } from "./context-controls.js";
import { catchFocus, focusAsked } from "./focus-asked.js";
import { meaningOf, pressed } from "./keys.js";
import { useSteadyField } from "./steady-field.js";

const DELIVERIES: readonly { delivery: AgentDelivery; word: string; means: string }[] = [
  { delivery: "queue", word: "Queue", means: "Behind what waits already" },
  { delivery: "steer", word: "Steer", means: "Joins the turn, where the agent is able to; else it is the next one" },
  { delivery: "now", word: "Now", means: "Interrupts the turn" },
];

/** Where prompts are written. Enter sends, Shift Enter breaks the line, Escape stops; none of them while a character is composed. */
export function Composer({
  sessionId,
  isBusy,
  isOpen,
  onStop,
}: {
  sessionId: string;
  /** Whether a turn is open. */
  isBusy: boolean;
  /** Whether the daemon can be reached. */
  isOpen: boolean;
  onStop: () => void;
}): ReactNode {
  const { agents } = useEnvironment();
  const text = useStore(agents.typed.drafts).get(sessionId) ?? "";
  const [delivery, setDelivery] = useState<AgentDelivery>("queue");
  const write = (next: string): void => agents.typed.write(sessionId, next);
  const { ref: field, ...steady } = useSteadyField(text, write);
  const asked = useStore(focusAsked);
  // What is there only while a turn is open goes with it.
  const hold = useHeldFocus(isBusy ? ["turn"] : [], catchFocus);
  useEffect(() => {
    if (!asked) return;
    field.current?.focus();
    focusAsked.set(false);
  }, [asked]);
  const send = async (): Promise<void> => {
    if (text.trim() === "" || !isOpen) return;
    write("");
    const isTaken = await agents.prompt(sessionId, text, isBusy ? delivery : "queue");
    // Behind what was begun meanwhile.
    if (!isTaken) agents.typed.add(sessionId, [text]);
  };
  const press = (event: KeyboardEvent): void => {
    const meaning = meaningOf(pressed(event));
    if (meaning === "none" || (meaning === "stop" && !isBusy)) return;
    event.preventDefault();
    if (meaning === "send") void send();
    else onStop();
  };
  return (
    <div className="composer">
      <textarea
        ref={field}
        className="composer-field"
        rows={1}
        aria-label="Prompt"
        aria-keyshortcuts="Control+L Meta+L"
        placeholder={isBusy ? "Say what comes next" : `Ask the agent (${shortcutLabel("L")})`}
        onKeyDown={press}
        {...steady}
      />
      <div className="composer-bar">
        <ContextControls sessionId={sessionId} text={text} isOpen={isOpen} />
        {isBusy && (
          <span className="composer-how" {...hold("turn")}>
            <Deliveries chosen={delivery} onChoose={setDelivery} />
          </span>
        )}
        <span className="composer-hint">Enter sends · Shift Enter breaks the line{isBusy && " · Esc stops"}</span>
        <span className="composer-go">
          {isBusy && (
            <SteadyButton className="button button-small" onClick={onStop} isOff={!isOpen} title={shortcutLabel(".")} {...hold("turn")}>
              <Square size={12} fill="currentColor" aria-hidden />
              Stop
            </SteadyButton>
          )}
          <SteadyButton
            className="button button-primary composer-send"
            aria-label="Send"
            title="Send (Enter)"
            isOff={text.trim() === "" || !isOpen}
            onClick={() => void send()}
          >
            <ArrowUp size={16} aria-hidden />
          </SteadyButton>
        </span>
      </div>
    </div>
  );
}

function Deliveries({ chosen, onChoose }: { chosen: AgentDelivery; onChoose: (delivery: AgentDelivery) => void }): ReactNode {
  return (
    <RadioGroup label="How the prompt reaches the agent">
      {DELIVERIES.map(({ delivery, word, means }) => (
        <Radio key={delivery} isChosen={delivery === chosen} title={means} onChoose={() => onChoose(delivery)}>
          {word}
        </Radio>
      ))}
    </RadioGroup>
  );
}
