import { Play, Radio as Antenna } from "lucide-react";
import { useMemo, useState, type ReactNode } from "react";

import { isComposing, pressed } from "../chat/keys.js";
import { shortcutLabel } from "../commands/shortcuts.js";
import { Radio, RadioGroup } from "../shell/radio-group.js";
import type { MethodInfo } from "./catalogue.js";
import { Field } from "./field.js";
import { JsonInput } from "./json-input.js";
import { SHAPES } from "./method-list.js";
import { problemsOf, shapeOf, type Problem } from "./schema.js";

/** A method: what it is, its form, and the buttons that call it. The parent keeps the payload. */
export function MethodPage(properties: {
  method: MethodInfo;
  payload: unknown;
  onPayload: (payload: unknown) => void;
  onCall: (mode: "call" | "stream") => void;
  /** What the responder found wrong with the last payload. */
  refused: readonly Problem[];
}): ReactNode {
  const { method, payload, onPayload, onCall, refused } = properties;
  const [raw, setRaw] = useState(false);
  const [tried, setTried] = useState(false);
  const problems = useMemo(() => problemsOf(method.params, method.params, payload), [method, payload]);
  const takesNothing = shapeOf(method.params, method.params).kind === "nothing";
  const streams = method.shape === "stream" || method.shape === "duplex";
  const takesItems = method.shape === "upload" || method.shape === "duplex";
  const call = (mode: "call" | "stream"): void => {
    setTried(true);
    if (raw || problems.length === 0) onCall(mode);
  };
  const { icon: Icon, word } = SHAPES[method.shape];
  return (
    <form
      className="method-page"
      aria-label={method.name}
      onSubmit={(event) => {
        event.preventDefault();
        call(streams ? "stream" : "call");
      }}
      onKeyDown={(event) => {
        if (event.key !== "Enter" || !(event.metaKey || event.ctrlKey) || isComposing(pressed(event))) return;
        event.preventDefault();
        call(streams ? "stream" : "call");
      }}
    >
      <div className="method-title">
        <h2>{method.name}</h2>
        <div className="badges">
          <span className="badge" data-shape={method.shape}>
            <Icon size={12} aria-hidden /> {word}
          </span>
          {method.scope && <span className="badge">{method.scope}</span>}
          {method.idempotent && <span className="badge">idempotent</span>}
          {method.resumable && <span className="badge">resumable</span>}
        </div>
      </div>
      {method.summary !== "" && <p className="method-summary">{method.summary}</p>}
      <div className="form-bar">
        <h3>Payload</h3>
        <span className="spacer" />
        {!takesNothing && (
          <RadioGroup label="How the payload is written">
            <Radio isChosen={!raw} onChoose={() => setRaw(false)}>
              Form
            </Radio>
            <Radio isChosen={raw} onChoose={() => setRaw(true)}>
              JSON
            </Radio>
          </RadioGroup>
        )}
      </div>
      {takesNothing && <p className="empty-line">It takes nothing.</p>}
      {!takesNothing && raw && <JsonInput value={payload} onChange={onPayload} rows={8} />}
      {!takesNothing && !raw && (
        <Field
          schema={method.params}
          root={method.params}
          value={payload}
          path=""
          label=""
          required
          problems={tried ? [...problems, ...refused] : refused}
          onChange={onPayload}
        />
      )}
      {takesItems && (
        <p className="notice">
          It takes items from its caller. The console sends none: it is called with its payload alone.
        </p>
      )}
      <div className="form-actions">
        <button type="submit" className="button button-primary" title={shortcutLabel("Enter")}>
          {streams ? <Antenna size={14} aria-hidden /> : <Play size={14} aria-hidden />}
          {streams ? "Stream" : "Call"}
        </button>
        <button
          type="button"
          className="button"
          onClick={() => call(streams ? "call" : "stream")}
          title={streams ? "Ask for one answer, which a stream is not" : "Take the answer as a stream of one item"}
        >
          {streams ? "Call" : "Stream"}
        </button>
        {tried && !raw && problems.length > 0 && (
          <span className="form-problem">
            {problems.length === 1 ? "One field needs a look." : `${problems.length} fields need a look.`}
          </span>
        )}
      </div>
    </form>
  );
}
