/**
 * `sixframe/react`: the hub, calls and streams as React hooks. Everything that one render shows is of one moment
 * (`useSyncExternalStore`).
 */

import {
  createContext,
  createElement,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";
import type { ReactNode } from "react";

import type { Hub, HubPeer, HubState } from "./hub.js";
import { Selection } from "./hub/selection.js";
import { StreamStore, type StreamFold, type StreamView } from "./hub/stream-store.js";

export type { StreamFold, StreamState, StreamView } from "./hub/stream-store.js";

const HubContext = createContext<unknown>(undefined);

/** Gives `hub` to the components below. It does not close it. */
export function HubProvider<S>(properties: { hub: Hub<S>; children?: ReactNode }): ReactNode {
  return createElement(HubContext.Provider, { value: properties.hub }, properties.children);
}

/** The hub of the nearest {@link HubProvider}, to change its state with. */
export function useHubHandle<S = HubState>(): Hub<S> {
  const hub = useContext(HubContext);
  if (!hub) throw new Error("there is no HubProvider above this component");
  return hub as Hub<S>;
}

/**
 * The part of the hub's state that `selector`, a pure function, picks; undefined before the state is known. The component
 * renders again only when that part is another value, whatever the selector builds anew.
 */
export function useHub<T, S = HubState>(selector: (state: S) => T): T | undefined {
  const hub = useHubHandle<S>();
  const shown = useRef<T | undefined>(undefined);
  const selection = useMemo(() => new Selection<S, T>(hub, selector, shown.current), [hub, selector]);
  const subscribe = useCallback((changed: () => void) => hub.onChange(changed), [hub]);
  const picked = (): T | undefined => selection.value;
  // On a server too, where a component would fail without: the state is not known there.
  const value = useSyncExternalStore(subscribe, picked, picked);
  useEffect(() => {
    shown.current = value;
  });
  return value;
}

/** Options of {@link useCall}. */
export interface UseCallOptions {
  /** The connection to call on; the hub's by default. */
  peer?: HubPeer;
}

/** Options of {@link useStream}. */
export interface UseStreamOptions extends UseCallOptions {
  /** As the endpoint's: true for a stream that may be opened again after a break although no item came yet. */
  resume?: boolean;
}

/**
 * Calls a streaming method while the component is shown, and again when the method or the payload (by value) is another
 * one. The value is the newest item, or, with a `fold`, whatever that makes of all of them.
 */
export function useStream<T>(
  method: string,
  payload?: unknown,
  fold?: undefined,
  options?: UseStreamOptions,
): StreamView<T | undefined>;
/** The items folded into one value. The first fold is used for the whole stream. */
export function useStream<T, A>(
  method: string,
  payload: unknown,
  fold: StreamFold<T, A>,
  options?: UseStreamOptions,
): StreamView<A>;
export function useStream<T>(
  method: string,
  payload?: unknown,
  fold?: StreamFold<T, unknown>,
  options: UseStreamOptions = {},
): StreamView<unknown> {
  const peer = usePeer(options.peer);
  const key = JSON.stringify(payload);
  const first = useRef(fold);
  const { resume } = options;
  const store = useMemo(() => {
    const value: unknown = key === undefined ? undefined : JSON.parse(key);
    return new StreamStore<T, unknown>(peer, method, value, first.current ?? newest, resume === undefined ? {} : { resume });
  }, [peer, method, key, resume]);
  return useSyncExternalStore(store.subscribe, store.view, store.view);
}

/** What {@link useCall} answers. */
export interface UseCall<T> {
  /** Calls the method; a call that still runs is cancelled. Rejects as the call does. */
  call: (payload?: unknown) => Promise<T>;
  /** Cancels the call that runs. */
  cancel: () => void;
  state: "idle" | "pending" | "done" | "failed";
  /** The last answer. */
  value?: T;
  /** Why the last call failed. */
  error?: unknown;
}

type CallView<T> = Pick<UseCall<T>, "state" | "value" | "error">;

/** Calls a method on demand and shows how the last call stands. Unmounting cancels it. */
export function useCall<T>(method: string, options: UseCallOptions = {}): UseCall<T> {
  const peer = usePeer(options.peer);
  const [view, show] = useState<CallView<T>>({ state: "idle" });
  const running = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => running.current?.abort(), []);
  const cancel = useCallback(() => running.current?.abort(), []);
  const call = useCallback(
    async (payload?: unknown): Promise<T> => {
      running.current?.abort();
      const own = new AbortController();
      running.current = own;
      const showOwn = (next: CallView<T>): void => {
        if (running.current === own) show(next);
      };
      show((last) => ({ ...last, state: "pending" }));
      try {
        const value = await peer.request<T>(method, payload, undefined, { signal: own.signal });
        showOwn({ state: "done", value });
        return value;
      } catch (error) {
        showOwn({ state: "failed", error });
        throw error;
      }
    },
    [peer, method],
  );
  return { ...view, call, cancel };
}

const newest: StreamFold<unknown, unknown> = { initial: undefined, reduce: (_, item) => item };

function usePeer(given: HubPeer | undefined): HubPeer {
  const hub = useContext(HubContext) as Hub<unknown> | undefined;
  const peer = given ?? hub?.peer;
  if (!peer) throw new Error("there is no HubProvider above this component, and no peer was given");
  return peer;
}
