import { useEffect, useLayoutEffect, useRef, type ReactNode, type RefObject } from "react";

import { isFocusLost } from "./held-focus.js";

/**
 * A modal dialog of the browser's own: it keeps the focus, closes on Escape, and gives the focus back: to `back` where what had it
 * is gone, as what stands in a menu is. What is marked with `data-first` has the focus first, else the first that can have it.
 */
export function Dialog(properties: {
  label: string;
  className?: string;
  onClose: () => void;
  back?: RefObject<HTMLElement | null>;
  children: ReactNode;
}): ReactNode {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    dialog?.querySelector<HTMLElement>("[data-first]")?.focus();
  }, []);
  useLayoutEffect(() => {
    const dialog = element.current;
    // While it is on the page: one that is gone gives nothing back.
    return () => {
      dialog?.close();
      const isLost = isFocusLost() || dialog?.contains(document.activeElement) === true;
      if (isLost) properties.back?.current?.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      className={`dialog ${properties.className ?? ""}`}
      aria-label={properties.label}
      onCancel={(event) => {
        event.preventDefault();
        properties.onClose();
      }}
      onClick={(event) => {
        if (event.target === element.current) properties.onClose();
      }}
    >
      {properties.children}
    </dialog>
  );
}
