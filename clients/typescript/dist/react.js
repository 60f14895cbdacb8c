/**
 * `sixframe/react`: the hub, calls and streams as React hooks. Everything that one render shows is of one moment
 * (`useSyncExternalStore`).
 */
import { createContext, createElement, useCallback, useContext, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { Selection } from "./hub/selection.js";
import { StreamStore } from "./hub/stream-store.js";
const HubContext = createContext(undefined);
/** Gives `hub` to the components below. It does not close it. */
export function HubProvider(properties) {
    return createElement(HubContext.Provider, { value: properties.hub }, properties.children);
}
/** The hub of the nearest {@link HubProvider}, to change its state with. */
export function useHubHandle() {
    const hub = useContext(HubContext);
    if (!hub)
        throw new Error("there is no HubProvider above this component");
    return hub;
}
/**
 * The part of the hub's state that `selector`, a pure function, picks; undefined before the state is known. The component
 * renders again only when that part is another value, whatever the selector builds anew.
 */
export function useHub(selector) {
    const hub = useHubHandle();
    const shown = useRef(undefined);
    const selection = useMemo(() => new Selection(hub, selector, shown.current), [hub, selector]);
    const subscribe = useCallback((changed) => hub.onChange(changed), [hub]);
    const value = useSyncExternalStore(subscribe, () => selection.value);
    useEffect(() => {
        shown.current = value;
    });
    return value;
}
export function useStream(method, payload, fold, options = {}) {
    const peer = usePeer(options.peer);
    const key = JSON.stringify(payload);
    const first = useRef(fold);
    const store = useMemo(() => new StreamStore(peer, method, key === undefined ? undefined : JSON.parse(key), first.current ?? newest), [peer, method, key]);
    return useSyncExternalStore(store.subscribe, store.view);
}
/** Calls a method on demand and shows how the last call stands. Unmounting cancels it. */
export function useCall(method, options = {}) {
    const peer = usePeer(options.peer);
    const [view, show] = useState({ state: "idle" });
    const running = useRef(undefined);
    useEffect(() => () => running.current?.abort(), []);
    const cancel = useCallback(() => running.current?.abort(), []);
    const call = useCallback(async (payload) => {
        running.current?.abort();
        const own = new AbortController();
        running.current = own;
        const showOwn = (next) => {
            if (running.current === own)
                show(next);
        };
        show((last) => ({ ...last, state: "pending" }));
        try {
            const value = await peer.request(method, payload, undefined, { signal: own.signal });
            showOwn({ state: "done", value });
            return value;
        }
        catch (error) {
            showOwn({ state: "failed", error });
            throw error;
        }
    }, [peer, method]);
    return { ...view, call, cancel };
}
const newest = { initial: undefined, reduce: (_, item) => item };
function usePeer(given) {
    const hub = useContext(HubContext);
    const peer = given ?? hub?.peer;
    if (!peer)
        throw new Error("there is no HubProvider above this component, and no peer was given");
    return peer;
}
//# sourceMappingURL=react.js.map