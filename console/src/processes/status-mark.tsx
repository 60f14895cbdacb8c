import { CircleCheck, CirclePause, CirclePlay, CircleStop, CircleX, Globe, LoaderCircle, type LucideIcon } from "lucide-react";
import type { ReactNode } from "react";

import { lasting } from "../shell/units.js";
import type { Sidecar, Status } from "./sidecar.js";

const MARKS: Record<Status, { icon: LucideIcon; word: string }> = {
  starting: { icon: LoaderCircle, word: "Starting" },
  ready: { icon: CircleCheck, word: "Ready" },
  running: { icon: CirclePlay, word: "Running" },
  stopping: { icon: LoaderCircle, word: "Stopping" },
  stopped: { icon: CircleStop, word: "Stopped" },
  failed: { icon: CircleX, word: "Failed" },
};

/**
 * The status as a picture and a word; while it waits to be started again, for how long. How those of a remote daemon stand,
 * only that one knows.
 */
export function StatusMark({ sidecar, now }: { sidecar: Sidecar; now: number }): ReactNode {
  const { status, nextStartAt, owner } = sidecar;
  if (owner === "remote")
    return (
      <span className="status-mark" data-status="remote">
        <Globe size={14} aria-hidden />
        Remote
      </span>
    );
  const isWaiting = status === "starting" && nextStartAt !== undefined && nextStartAt > now;
  const Icon = isWaiting ? CirclePause : MARKS[status].icon;
  return (
    <span className="status-mark" data-status={isWaiting ? "waiting" : status}>
      <Icon size={14} aria-hidden />
      {isWaiting ? `Starts again in ${lasting(nextStartAt - now)}` : statusWord(status)}
    </span>
  );
}

export function statusWord(status: Status): string {
  return MARKS[status].word;
}
