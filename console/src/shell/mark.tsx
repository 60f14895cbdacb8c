import type { ReactNode } from "react";

/** The six frames. */
export function Mark({ size = 20 }: { size?: number }): ReactNode {
  const kinds = ["req", "res", "nxt", "err", "end", "can"];
  return (
    <svg className="mark" width={size} height={size} viewBox="0 0 20 20" aria-hidden>
      {kinds.map((kind, at) => (
        <rect
          key={kind}
          className={`mark-${kind}`}
          x={at % 2 === 0 ? 1 : 10.75}
          y={1 + Math.floor(at / 2) * 6.4}
          width={8.25}
          height={5.2}
          rx={1.5}
        />
      ))}
    </svg>
  );
}
