import type { ComponentProps, ReactNode, Ref } from "react";

/** A button that keeps the focus while it can do nothing: one that is disabled throws it away, and the next key goes anywhere. */
export function SteadyButton({
  isOff,
  onClick,
  type = "button",
  ...rest
}: Omit<ComponentProps<"button">, "disabled" | "type" | "onClick"> & {
  isOff: boolean;
  onClick?: (() => void) | undefined;
  /** One that submits leaves it to its form to do nothing. */
  type?: "button" | "submit";
  ref?: Ref<HTMLButtonElement>;
}): ReactNode {
  return <button {...rest} type={type} aria-disabled={isOff} onClick={() => isOff || onClick?.()} />;
}
