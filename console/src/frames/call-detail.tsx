import { ArrowDownLeft, ArrowUpRight, X } from "lucide-react";
import { useMemo, useState, type ReactNode } from "react";

import { CopyButton } from "../json/copy-button.js";
import { JsonTree } from "../json/json-tree.js";
import { JsonValue } from "../json/json-value.js";
import { placeOf } from "../ring.js";
import { bytes, count, milliseconds } from "../shell/units.js";
import { VirtualRows } from "../shell/virtual-rows.js";
import type { Call, Seen } from "./frame-log.js";
import { redacted } from "./recording.js";
import { Strip } from "./strip.js";

/** One call: what is known of it, its frames over time, and the one that is looked at. `revision` says that it changed. */
export function CallDetail({ call, revision, onClose }: { call: Call; revision: number; onClose: () => void }): ReactNode {
  const [number, setNumber] = useState<number | undefined>(undefined);
  const [follows] = useState(!call.isFinished);
  const chosen = placeOf(call, number);
  const place = chosen < 0 && !follows ? 0 : chosen;
  const looked = call.at(place) ?? call.at(0);
  const first = call.begunAt;
  return (
    <aside className="call-detail" aria-label={`Call ${call.cid}`}>
      <div className="detail-head">
        <h2>{call.method === "" ? "unknown method" : call.method}</h2>
        <button type="button" className="icon-button" aria-label="Close the call" title="Close" onClick={onClose}>
          <X size={16} />
        </button>
      </div>
      <dl className="facts">
        <Fact name="State">
          <span className="outcome" data-state={call.state}>
            <span className="outcome-dot" aria-hidden />
            {call.state}
          </span>
          {call.code && <code className="fact-code">{call.code}</code>}
        </Fact>
        <Fact name="First answer">{call.latency === undefined ? "–" : milliseconds(call.latency)}</Fact>
        <Fact name="Whole">{call.endedAt === undefined ? "–" : milliseconds(call.endedAt - first)}</Fact>
        <Fact name="Items">{count(call.items)}</Fact>
        <Fact name="Bytes">{bytes(call.bytes)}</Fact>
        <Fact name="cid">
          <code>{call.cid}</code>
        </Fact>
      </dl>
      <StripChart call={call} revision={revision} />
      <div className="detail-caption">
        {count(call.length)} {call.length === 1 ? "frame" : "frames"}
        {call.forgotten > 0 && <span className="quiet"> · {count(call.forgotten)} older ones gave way</span>}
      </div>
      <VirtualRows<Seen>
        className="frame-list"
        rows={call}
        rowHeight={26}
        role="listbox"
        rowRole="option"
        label="Frames of the call"
        keyOf={(seen) => seen.number}
        active={place}
        onActive={(next) => setNumber(call.at(next)?.number)}
        recycles
        follow={follows && number === undefined}
      >
        {(seen) => <FrameRow seen={seen} since={first} />}
      </VirtualRows>
      {looked && (
        <div className="frame-tree">
          <div className="item-detail-bar">
            <span>Frame</span>
            <span className="spacer" />
            <CopyButton text={() => JSON.stringify(redacted(looked.frame), null, 2)} />
          </div>
          <JsonTree
            key={looked.number}
            value={redacted(looked.frame)}
            label="Frame"
            depth={3}
            rootName={kindOfFrame(looked)}
          />
        </div>
      )}
    </aside>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }): ReactNode {
  return (
    <div className="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function FrameRow({ seen, since }: { seen: Seen; since: number }): ReactNode {
  const kind = kindOfFrame(seen);
  const Arrow = seen.direction === "sent" ? ArrowUpRight : ArrowDownLeft;
  return (
    <>
      <span className="frame-at">+{milliseconds(Math.max(0, seen.at - since))}</span>
      <Arrow size={13} className="frame-arrow" data-direction={seen.direction} aria-label={seen.direction} />
      <span className="kind" data-kind={kind}>
        {kind}
      </span>
      <JsonValue value={gist(seen)} longest={120} />
      <span className="frame-bytes">{bytes(seen.bytes)}</span>
    </>
  );
}

/** What is worth seeing of a frame on one line. */
function gist({ frame }: Seen): unknown {
  if (typeof frame === "string") return frame;
  const { kind: _kind, cid: _cid, ok: _ok, ...rest } = frame;
  const only = ["payload", "data", "result", "fc", "reason"].filter((key) => rest[key] !== undefined);
  if (frame["kind"] === "err") return { code: rest["code"], message: rest["message"] };
  return redacted(only[0] === undefined ? rest : rest[only[0]]);
}

export function kindOfFrame({ frame }: Seen): string {
  return typeof frame === "string" ? "text" : String(frame["kind"] ?? "?");
}

const COLUMNS = 96;
const HEIGHT = 44;

/** When frames came (up) and went (down). */
function StripChart({ call, revision }: { call: Call; revision: number }): ReactNode {
  const [strip] = useState(() => new Strip(COLUMNS));
  useMemo(() => strip.follow(call), [strip, call, revision]);
  const { columns, span, most, used } = strip;
  const middle = HEIGHT / 2;
  const tall = (frames: number): number =>
    frames === 0 ? 0 : Math.max(1.5, (Math.log1p(frames) / Math.log1p(most)) * (middle - 2));
  return (
    <figure className="strip">
      <svg viewBox={`0 0 ${used * 4} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden>
        <path className="strip-axis" d={`M0 ${middle}H${used * 4}`} />
        {columns.slice(0, used).map(({ received, sent, failed }, at) => (
          <g key={at}>
            {received > 0 && (
              <rect
                className={failed ? "strip-failed" : "strip-received"}
                x={at * 4 + 0.5}
                width={3}
                y={middle - tall(received)}
                height={tall(received)}
              />
            )}
            {sent > 0 && <rect className="strip-sent" x={at * 4 + 0.5} width={3} y={middle} height={tall(sent)} />}
          </g>
        ))}
      </svg>
      <figcaption>
        <span>received ↑ sent ↓</span>
        <span>{milliseconds(span)}</span>
      </figcaption>
    </figure>
  );
}
