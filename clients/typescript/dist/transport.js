/**
 * What carries frames. A transport knows nothing of calls: frames go in by `post` and come out by `onFrame`, whole and in
 * order. Version 0.2's transports, `{start(onFrame), post(frame), stop()}`, are transports.
 */
export {};
//# sourceMappingURL=transport.js.map