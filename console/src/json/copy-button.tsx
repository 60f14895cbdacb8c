import { Check, Copy } from "lucide-react";
import { useEffect, useState, type ReactNode } from "react";

/** Copies a text, and says that it did. */
export function CopyButton({ text }: { text: () => string }): ReactNode {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), 1_500);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = (): void =>
    void navigator.clipboard.writeText(text()).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  return (
    <button
      type="button"
      className="icon-button icon-small"
      aria-label={copied ? "Copied" : "Copy"}
      title="Copy"
      onClick={copy}
    >
      {copied ? <Check size={14} /> : <Copy size={14} />}
    </button>
  );
}
