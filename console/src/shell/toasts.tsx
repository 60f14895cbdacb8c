import { X } from "lucide-react";
import type { ReactNode } from "react";

import { shortened, visible } from "../render/plain.js";
import { Store, useStore } from "../store.js";

export interface Toast {
  number: number;
  text: string;
  tone: "plain" | "bad";
  action?: { label: string; run: () => void };
}

const SHOWN_MS = 8_000;
const MOST = 4;
const LONGEST = 600;

/** Short messages about what was just done. */
export class Toasts {
  readonly shown = new Store<readonly Toast[]>([]);
  #number = 0;

  say(text: string, action?: Toast["action"], tone: Toast["tone"] = "plain"): void {
    this.#number += 1;
    const { length } = this.shown.get();
    const toast: Toast = { number: this.#number, text, tone, ...(action && { action }) };
    this.shown.set([...this.shown.get().slice(length >= MOST ? 1 : 0), toast]);
    setTimeout(() => this.dismiss(toast.number), SHOWN_MS);
  }

  dismiss(number: number): void {
    this.shown.update((toasts) => toasts.filter((toast) => toast.number !== number));
  }
}

export function ToastList({ toasts }: { toasts: Toasts }): ReactNode {
  const shown = useStore(toasts.shown);
  return (
    <div className="toasts" role="status" aria-live="polite">
      {shown.map(({ number, text, tone, action }) => (
        <div key={number} className="toast" data-tone={tone}>
          <span className="toast-text">{shortened(visible(text), LONGEST)}</span>
          {action && (
            <button
              type="button"
              className="link-button"
              onClick={() => {
                toasts.dismiss(number);
                action.run();
              }}
            >
              {action.label}
            </button>
          )}
          <button
            type="button"
            className="icon-button icon-small"
            aria-label="Dismiss"
            onClick={() => toasts.dismiss(number)}
          >
            <X size={14} />
          </button>
        </div>
      ))}
    </div>
  );
}
