/**
 * The hub with RxJS. In a project of your own the imports read `from "sixframe"` and `from "sixframe/hub"`.
 */

import { BehaviorSubject, defer, distinctUntilChanged, from, map, merge, share, type Observable } from "rxjs";

import type { Frames, Hub, HubState } from "../src/hub.js";
import type { RpcEndpoint } from "../src/index.js";

/** A part of the state as an observable: its value now, then each other one. */
export function model$(hub: Hub): Observable<string | undefined> {
  return from(hub.select((state) => state.global.defaultModel));
}

/** The snapshot first, then everything that the daemon says: what 0.2's windows did with their two calls. */
export function global$(endpoint: RpcEndpoint): Observable<HubState["global"]> {
  const snapshot$ = defer(() => endpoint.request<HubState>("hub.getSnapshot")).pipe(map((state) => state.global));
  const changes$ = defer(() => from(endpoint.stream<HubState["global"]>("hub.watchGlobal")));
  return merge(snapshot$, changes$).pipe(
    distinctUntilChanged((one, other) => JSON.stringify(one) === JSON.stringify(other)),
  );
}

/** A subject that is never without a value, for code that was written around one. */
export function subject(hub: Hub, first: HubState["global"]): BehaviorSubject<HubState["global"]> {
  const subject = new BehaviorSubject(first);
  from(hub.select((state) => state.global)).subscribe(subject);
  return subject;
}

/** The items of one method among all that a connection carries, or of all methods that begin with `agent.`. */
export function items$<T>(frames: Frames, method: string): Observable<T> {
  return defer(() => from(frames.of(method))).pipe(
    map(({ data }) => data as T),
    share(),
  );
}
