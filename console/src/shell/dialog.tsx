import { useEffect, useRef, type ReactNode } from "react";

/**
 * A modal dialog of the browser's own: it keeps the focus, closes on Escape, and gives the focus back. What is marked with
 * `data-first` has the focus first, else the first that can have it.
 */
export function Dialog(properties: {
  label: string;
  className?: string;
  onClose: () => void;
  children: ReactNode;
}): ReactNode {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    dialog?.querySelector<HTMLElement>("[data-first]")?.focus();
    return () => dialog?.close();
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
