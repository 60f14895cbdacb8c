import type { ReactNode } from "react";

import { median, type Connection } from "../connection.js";
import { useStore } from "../store.js";
import { milliseconds } from "./units.js";

const WIDTH = 96;
const HEIGHT = 22;
const PLACES = 60;

/** The round trips to the daemon, as a line and as the middle one of them. */
export function Latency({ connection }: { connection: Connection }): ReactNode {
  const samples = useStore(connection.latency);
  const middle = median(samples);
  const told = middle === undefined ? "no round trip yet" : `round trip ${milliseconds(middle)}`;
  return (
    <div className="latency" title={`${told}: the middle one of the last ${samples.length}`}>
      <svg className="latency-line" width={WIDTH} height={HEIGHT} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden>
        <path className="latency-base" d={`M0 ${HEIGHT - 1.5}H${WIDTH}`} />
        <path className="latency-path" d={path(samples)} />
        {samples.map((sample, at) =>
          sample === null ? (
            <circle key={at} className="latency-gap" cx={x(at, samples.length)} cy={HEIGHT - 4} r={1.6} />
          ) : null,
        )}
      </svg>
      <span className="latency-figure" aria-label={told}>
        {middle === undefined ? "–" : milliseconds(middle)}
      </span>
    </div>
  );
}

function x(at: number, length: number): number {
  return WIDTH - 2 - (length - 1 - at) * ((WIDTH - 4) / (PLACES - 1));
}

/** Breaks where there was no answer. */
function path(samples: readonly (number | null)[]): string {
  const longest = Math.max(1, ...samples.filter((sample) => sample !== null));
  let pen = "M";
  return samples
    .map((sample, at) => {
      if (sample === null) {
        pen = "M";
        return "";
      }
      const y = HEIGHT - 3 - (sample / longest) * (HEIGHT - 7);
      const step = `${pen}${x(at, samples.length).toFixed(1)} ${y.toFixed(1)}`;
      pen = "L";
      return step;
    })
    .join("");
}
