import { ShieldAlert, ShieldCheck } from "lucide-react";
import { useEffect, useState, type ReactNode } from "react";

import { failureOf, type Failure } from "../methods/run.js";
import { visible } from "../render/plain.js";
import { useEnvironment } from "../shell/environment.js";
import { useHas } from "./hooks.js";
import { ignoreEnter } from "./keys.js";

/** What `trust.status` answers. */
interface Status {
  cwd: string;
  isTrusted: boolean;
  sha256?: string | null;
  files: readonly { path: string; what: string; sha256?: string | null }[];
}

/** How long somebody must have stopped typing a folder before it is looked into. */
const TYPED_MS = 400;

/** What says that the folder cannot be one to work in: it is being typed, and the session's beginning says so in any case. */
const OF_FOLDER: readonly string[] = ["INVALID_PAYLOAD", "FORBIDDEN"];

/**
 * Settings for agents that lie in a folder: programs that they start, among others. They are loaded only once a person trusts
 * them, just as they are. That it is looked for them, and that there are none, is said only where somebody has asked for that.
 */
export function FolderTrust({ cwd, isOpen, isAsked = false }: { cwd: string; isOpen: boolean; isAsked?: boolean }): ReactNode {
  const { link, toasts } = useEnvironment();
  const isKnown = useHas("trust.status");
  const [status, setStatus] = useState<Status | undefined>(undefined);
  const [failure, setFailure] = useState<Failure | undefined>(undefined);
  const [asked, ask] = useState(0);
  useEffect(() => {
    setStatus(undefined);
    setFailure(undefined);
    if (!isKnown || !isOpen || cwd === "") return undefined;
    let isWanted = true;
    const timer = setTimeout(() => {
      link.request<Status>("trust.status", { cwd }).then(
        (told) => isWanted && setStatus(told),
        (error: unknown) => isWanted && setFailure(failureOf(error)),
      );
    }, TYPED_MS);
    return () => {
      isWanted = false;
      clearTimeout(timer);
    };
  }, [link, cwd, isKnown, isOpen, asked]);
  if (failure && (isAsked || !OF_FOLDER.includes(failure.code)))
    return (
      <p className="notice notice-bad" role="alert">
        {`It cannot be told whether settings for agents lie in this folder. ${failure.code}: ${visible(failure.message)}`}{" "}
        <button type="button" className="link-button" onClick={() => ask((times) => times + 1)}>
          Look again
        </button>
      </p>
    );
  if (!status) return isAsked && !failure ? <p className="quiet">{isOpen ? "Looking into the folder…" : "The daemon cannot be reached."}</p> : null;
  if (status.files.length === 0) return isAsked ? <p className="quiet">No settings for agents lie in it.</p> : null;
  const { isTrusted, sha256, files } = status;
  const change = async (method: "trust.grant" | "trust.revoke", payload: object): Promise<void> => {
    try {
      await link.request(method, payload);
    } catch (error) {
      const { code, message } = failureOf(error);
      toasts.say(`${message} (${code})`, undefined, "bad");
    }
    ask((times) => times + 1);
  };
  const Mark = isTrusted ? ShieldCheck : ShieldAlert;
  return (
    <section className="trust" data-trusted={isTrusted} aria-label="Settings in the folder">
      <p className="trust-head">
        <Mark size={16} aria-hidden />
        {isTrusted
          ? "Agents load the settings in this folder, as you trust them."
          : "Settings for agents lie in this folder. They may start programs, and are not loaded unless you trust them."}
      </p>
      <ul>
        {files.map(({ path, what }) => (
          <li key={path}>
            <code>{visible(path)}</code> <span className="quiet">{visible(what)}</span>
          </li>
        ))}
      </ul>
      {isTrusted ? (
        <button type="button" className="button button-small" onClick={() => void change("trust.revoke", { cwd })}>
          Trust them no more
        </button>
      ) : sha256 ? (
        <button
          type="button"
          className="button button-small"
          onKeyDown={ignoreEnter}
          onClick={() => void change("trust.grant", { cwd, sha256 })}
        >
          Trust them as they are now
        </button>
      ) : (
        <p className="quiet">They cannot be trusted: not all of them can be read.</p>
      )}
    </section>
  );
}
