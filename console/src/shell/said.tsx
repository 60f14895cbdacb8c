import { useCallback, useState, type ReactNode } from "react";

/** Words for who does not see what happens. */
export interface Saying {
  readonly words: string;
  /** Another one whenever something is said, also in the same words. */
  readonly count: number;
}

/** What was said last, and a way to say something: again also where it reads the same. */
export function useSaying(): [Saying, (words: string) => void] {
  const [saying, setSaying] = useState<Saying>({ words: "", count: 0 });
  const say = useCallback((words: string) => setSaying(({ count }) => ({ words, count: count + 1 })), []);
  return [saying, say];
}

/** Says it to a screen reader, which is told of what is new on the page alone. */
export function Said({ said: { words, count } }: { said: Saying }): ReactNode {
  return (
    <p className="unseen" role="status">
      <span key={count}>{words}</span>
    </p>
  );
}
