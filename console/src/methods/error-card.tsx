import { CircleAlert } from "lucide-react";
import type { ReactNode } from "react";

import { JsonTree, ROW } from "../json/json-tree.js";
import { jsonRows } from "../json/json-rows.js";
import type { Failure } from "./run.js";

/** An error: its code, its words, whose it is, and its data. */
export function ErrorCard({ failure: { code, message, domain, details } }: { failure: Failure }): ReactNode {
  const rows = Math.min(10, jsonRows(details, { depth: 3, chosen: new Map() }).length);
  return (
    <section className="error-card" role="alert">
      <div className="error-head">
        <CircleAlert size={16} aria-hidden />
        <code className="error-code">{code}</code>
        <span className="error-domain">{domain}</span>
      </div>
      <p className="error-message">{message === "" ? "There is no message." : message}</p>
      {details !== undefined && details !== null && (
        <div className="error-details" style={{ height: rows * ROW + 8 }}>
          <JsonTree value={details} label="Details of the error" rootName="details" depth={3} />
        </div>
      )}
    </section>
  );
}
