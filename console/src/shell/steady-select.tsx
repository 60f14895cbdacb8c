import type { ComponentProps, ReactNode } from "react";

/** A choice that keeps the focus while nothing can be chosen in it, as a `SteadyButton` does. */
export function SteadySelect({
  isOff,
  onChoose,
  ...rest
}: Omit<ComponentProps<"select">, "disabled" | "onChange" | "onMouseDown"> & {
  isOff: boolean;
  onChoose: (value: string) => void;
}): ReactNode {
  return (
    <select
      {...rest}
      aria-disabled={isOff}
      onMouseDown={(event) => isOff && event.preventDefault()}
      onChange={(event) => isOff || onChoose(event.target.value)}
    />
  );
}
