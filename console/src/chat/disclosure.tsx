import { ChevronRight } from "lucide-react";
import { useId, type ReactNode } from "react";

import { useOpen } from "./openness.js";

/** A line that opens what is below it. */
export function Disclosure({
  name,
  isUsuallyOpen,
  head,
  aside,
  className = "",
  children,
}: {
  /** By which it is remembered whether it is open. */
  name: string;
  isUsuallyOpen: boolean;
  head: ReactNode;
  aside?: ReactNode;
  className?: string;
  children: () => ReactNode;
}): ReactNode {
  const [isOpen, setOpen] = useOpen(name, isUsuallyOpen);
  const id = useId();
  return (
    <div className={`fold ${className}`} data-open={isOpen}>
      <div className="fold-line">
        <button
          type="button"
          className="fold-head"
          aria-expanded={isOpen}
          aria-controls={isOpen ? id : undefined}
          onClick={() => setOpen(!isOpen)}
        >
          <ChevronRight size={14} className="fold-arrow" aria-hidden />
          {head}
        </button>
        {aside}
      </div>
      {isOpen && (
        <div id={id} className="fold-body">
          {children()}
        </div>
      )}
    </div>
  );
}
