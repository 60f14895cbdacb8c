import { useLayoutEffect, useRef, type ComponentProps, type KeyboardEvent, type ReactNode } from "react";

import { SteadyButton } from "./steady-button.js";

const STEPS: Readonly<Record<string, number>> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/**
 * Buttons of which one is chosen, as who uses the keyboard knows them: the group is one stop of the Tab key, at what is chosen, and
 * arrows move in it, and choose what they come to. What can not be chosen now is passed over.
 */
export function RadioGroup({
  label,
  className = "segments",
  isAsking = false,
  children,
}: {
  label: string;
  className?: string;
  /** Whether a choice asks for more, or takes something away: arrows move then, and choose nothing. */
  isAsking?: boolean;
  children: ReactNode;
}): ReactNode {
  const group = useRef<HTMLDivElement>(null);
  const radios = (): HTMLElement[] => [...(group.current?.querySelectorAll<HTMLElement>("[role=radio]") ?? [])];
  const stopAt = (stop: HTMLElement | undefined): void => radios().forEach((radio) => (radio.tabIndex = radio === stop ? 0 : -1));
  useLayoutEffect(() => {
    const all = radios();
    stopAt(all.find((radio) => radio === document.activeElement) ?? all.find(isChosen) ?? all.find(canBeChosen) ?? all[0]);
  });
  const move = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const able = radios().filter((radio) => canBeChosen(radio) || radio === document.activeElement);
    const [at, step] = [able.findIndex((radio) => radio === document.activeElement), STEPS[event.key]];
    const to = event.key === "Home" ? 0 : event.key === "End" ? able.length - 1 : step && (at + step + able.length) % able.length;
    const next = at < 0 || to === undefined ? undefined : able[to];
    if (!next) return;
    event.preventDefault();
    next.focus();
    stopAt(next);
    if (!isAsking && !isChosen(next)) next.click();
  };
  return (
    <div
      ref={group}
      className={className}
      role="radiogroup"
      aria-label={label}
      onKeyDown={move}
      onBlur={({ relatedTarget }) => group.current?.contains(relatedTarget) || stopAt(radios().find(isChosen) ?? radios().find(canBeChosen))}
    >
      {children}
    </div>
  );
}

/** One of a group. */
export function Radio({
  isChosen,
  isOff = false,
  onChoose,
  className = "segment",
  ...rest
}: Omit<ComponentProps<"button">, "disabled" | "type" | "onClick" | "role" | "tabIndex" | "ref"> & {
  isChosen: boolean;
  isOff?: boolean;
  onChoose: () => void;
}): ReactNode {
  return <SteadyButton {...rest} role="radio" className={className} aria-checked={isChosen} isOff={isOff} onClick={onChoose} />;
}

function isChosen(radio: HTMLElement): boolean {
  return radio.getAttribute("aria-checked") === "true";
}

function canBeChosen(radio: HTMLElement): boolean {
  return radio.getAttribute("aria-disabled") !== "true";
}
