/**
 * The six frames, as they travel. `spec: frame.*`
 *
 * Payloads are whatever the transport carries: JSON values on text transports, structured clones on ports.
 */
export {};
//# sourceMappingURL=frame.js.map