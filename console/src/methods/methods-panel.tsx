import { Search } from "lucide-react";
import { useEffect, useMemo, useState, type ReactNode } from "react";

import { Ring } from "../ring.js";
import { useEnvironment } from "../shell/environment.js";
import { Radio, RadioGroup } from "../shell/radio-group.js";
import { Store, useStore } from "../store.js";
import type { MethodInfo } from "./catalogue.js";
import { chosenMethod } from "./chosen-method.js";
import { ErrorCard } from "./error-card.js";
import { HistoryList } from "./history-list.js";
import { MethodList } from "./method-list.js";
import { MethodPage } from "./method-page.js";
import { Result } from "./result.js";
import { failureOf, type Failure, type Run, type RunView } from "./run.js";
import { firstValue, type Problem } from "./schema.js";

const IDLE = new Store<RunView>({ state: "done", items: new Ring(), count: 0 });

/** The methods, a form for each, and what came of calling it. */
export function MethodsPanel(): ReactNode {
  const { catalogue, history } = useEnvironment();
  const view = useStore(catalogue.view);
  const runs = useStore(history.runs);
  const chosen = useStore(chosenMethod);
  const [query, setQuery] = useState("");
  const [list, setList] = useState<"methods" | "history">("methods");
  const [payloads, setPayloads] = useState<ReadonlyMap<string, unknown>>(new Map());
  const [shownRun, setShownRun] = useState<Run | undefined>(undefined);
  const [narrow, setNarrow] = useState<"list" | "method">("list");

  const methods = view.state === "ready" ? view.methods : [];
  const shown = useMemo(() => matching(methods, query), [methods, query]);
  const method = methods.find(({ name }) => name === chosen) ?? methods[0];
  useEffect(() => {
    if (chosen !== "") setNarrow("method");
  }, [chosen]);
  const run =
    runs.find((known) => known === shownRun && known.method === method?.name) ??
    runs.find((known) => known.method === method?.name);
  const { failure } = useStore(run?.view ?? IDLE);

  if (view.state === "loading") return <p className="empty-page">Asking for the methods…</p>;
  if (view.state === "failed") {
    return (
      <div className="empty-page">
        <ErrorCard failure={failureOf(view.error)} />
        <button type="button" className="button" onClick={() => void catalogue.load()}>
          Ask again
        </button>
      </div>
    );
  }

  const select = (name: string): void => {
    chosenMethod.set(name);
    setNarrow("method");
  };
  const payload =
    method && (payloads.has(method.name) ? payloads.get(method.name) : firstValue(method.params, method.params));
  const refused = failure && run?.payload === payload ? refusedBy(failure) : [];
  return (
    <div className="panel methods" data-narrow={narrow}>
      <aside className="side" aria-label="Methods and calls">
        <div className="search">
          <Search size={14} aria-hidden />
          <input
            type="search"
            data-search
            aria-label="Search methods"
            placeholder="Search methods"
            value={query}
            onChange={(event) => setQuery(event.target.value)}
          />
          <kbd>/</kbd>
        </div>
        <RadioGroup label="What the list shows" className="segments segments-wide">
          <Radio isChosen={list === "methods"} onChoose={() => setList("methods")}>
            Methods <span className="segment-count">{shown.length}</span>
          </Radio>
          <Radio isChosen={list === "history"} onChoose={() => setList("history")}>
            History <span className="segment-count">{runs.length}</span>
          </Radio>
        </RadioGroup>
        {list === "methods" && shown.length > 0 && (
          <MethodList methods={shown} selected={method?.name ?? ""} onSelect={select} />
        )}
        {list === "methods" && shown.length === 0 && <p className="empty-line">No method is called that.</p>}
        {list === "history" && (
          <HistoryList
            runs={runs}
            selected={run}
            onSelect={(old) => {
              select(old.method);
              setShownRun(old);
              setPayloads((known) => new Map(known).set(old.method, old.payload));
            }}
          />
        )}
      </aside>
      {method && (
        <div className="method-main">
          <button type="button" className="link-button back" onClick={() => setNarrow("list")}>
            ← All methods
          </button>
          <MethodPage
            key={method.name}
            method={method}
            payload={payload}
            onPayload={(next) => setPayloads((known) => new Map(known).set(method.name, next))}
            onCall={(mode) => {
              setPayloads((known) => new Map(known).set(method.name, payload));
              setShownRun(history.start(method.name, payload, mode));
            }}
            refused={refused}
          />
          {run ? <Result run={run} /> : <p className="result result-empty">What it answers is shown here.</p>}
        </div>
      )}
    </div>
  );
}

function matching(methods: readonly MethodInfo[], query: string): readonly MethodInfo[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return methods.filter(({ name, summary }) => words.every((word) => `${name} ${summary}`.toLowerCase().includes(word)));
}

/** Where an `INVALID_PAYLOAD` says what is wrong. */
function refusedBy({ code, details, message }: Failure): readonly Problem[] {
  if (code !== "INVALID_PAYLOAD" || typeof details !== "object" || details === null) return [];
  const { path, expected, paths } = details as { path?: unknown; expected?: unknown; paths?: unknown };
  if (Array.isArray(paths))
    return paths.map((one: { path?: unknown; message?: unknown }) => ({
      path: pointer(one.path),
      message: String(one.message ?? message),
    }));
  return path === undefined
    ? []
    : [{ path: pointer(path), message: typeof expected === "string" ? `expected ${expected}` : message }];
}

/** A place in a payload, be it written as a pointer or as `args[0].name`. */
function pointer(path: unknown): string {
  const text = String(path ?? "");
  if (text === "" || text === "." || text.startsWith("/")) return text === "." ? "" : text;
  return `/${text.replaceAll("[", ".").replaceAll("]", "").split(".").filter(Boolean).join("/")}`;
}
