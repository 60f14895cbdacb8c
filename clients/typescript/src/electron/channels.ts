/** The names under which preload and main process speak. `bridge:post` and `bridge:frame` are those of version 0.2. */

/** From the window: `(frame)`. */
export const POST = "bridge:post";
/** To the window: `(frame, document)`; the second lets a window drop what was meant for the document before. */
export const FRAME = "bridge:frame";
/** From the window: `(document)`; it listens from now on. */
export const START = "bridge:start";
/** From the window: `(document)`; it listens no more. */
export const STOP = "bridge:stop";
/** From the window: `(document, id)`; it asks for a port. */
export const CONNECT = "bridge:connect";
/** To the window: `(id)` with the port. */
export const PORT = "bridge:port";
