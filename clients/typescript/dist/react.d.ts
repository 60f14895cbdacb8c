/**
 * `sixframe/react`: the hub, calls and streams as React hooks. Everything that one render shows is of one moment
 * (`useSyncExternalStore`).
 */
import type { ReactNode } from "react";
import type { Hub, HubPeer, HubState } from "./hub.js";
import { type StreamFold, type StreamView } from "./hub/stream-store.js";
export type { StreamFold, StreamState, StreamView } from "./hub/stream-store.js";
/** Gives `hub` to the components below. It does not close it. */
export declare function HubProvider<S>(properties: {
    hub: Hub<S>;
    children?: ReactNode;
}): ReactNode;
/** The hub of the nearest {@link HubProvider}, to change its state with. */
export declare function useHubHandle<S = HubState>(): Hub<S>;
/**
 * The part of the hub's state that `selector`, a pure function, picks; undefined before the state is known. The component
 * renders again only when that part is another value, whatever the selector builds anew.
 */
export declare function useHub<T, S = HubState>(selector: (state: S) => T): T | undefined;
/** Options of {@link useStream}. */
export interface UseStreamOptions {
    /** The connection to call on; the hub's by default. */
    peer?: HubPeer;
}
/**
 * Calls a streaming method while the component is shown, and again when the method or the payload (by value) is another
 * one. The value is the newest item, or, with a `fold`, whatever that makes of all of them.
 */
export declare function useStream<T>(method: string, payload?: unknown, fold?: undefined, options?: UseStreamOptions): StreamView<T | undefined>;
/** The items folded into one value. The first fold is used for the whole stream. */
export declare function useStream<T, A>(method: string, payload: unknown, fold: StreamFold<T, A>, options?: UseStreamOptions): StreamView<A>;
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
/** Calls a method on demand and shows how the last call stands. Unmounting cancels it. */
export declare function useCall<T>(method: string, options?: UseStreamOptions): UseCall<T>;
