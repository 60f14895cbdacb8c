// Made by `sixframe types` from what the peer says of itself. Do not edit: make it again.

/** The `methodsHash` of `rpc.hello` that these types belong to. */
export const methodsHash = "8919b958646ca501";

/** One change. */
export interface Change {
  /** What happened. */
  kind: ChangeKind;
  /** To what, as absolute paths. */
  paths: string[];
  /** The two halves of a rename, `removed` and `created`, have the same number here. */
  rename?: number | null;
}

/** What happened to a file. */
export type ChangeKind =
  /** Nothing yet: from now on every change is told. */
  | "watching"
  /** It is there. */
  | "created"
  /** Its content or its attributes are others. */
  | "modified"
  /** It is gone from here. */
  | "removed"
  /** Changes were missed: look at everything below the path again. */
  | "overflow";

/** Some bytes of a file or of a program's output. */
export interface Chunk {
  /** The bytes, written as `encoding` says. */
  data: string;
  /** How `data` is written. */
  encoding: Encoding;
}

/** What `console.ticket` answers. */
export interface ConsoleTicket {
  /** How long it does, in milliseconds from now. */
  expiresInMs: number;
  /** The secret that lets in, once. */
  ticket: string;
  /** Where the console is. */
  url: string;
}

/** Which way a message went. */
export type Direction =
  /** From the peer. */
  | "received"
  /** To the peer. */
  | "sent";

/** An end of a file. */
export type Edge =
  /** Its first byte. */
  | "start"
  /** Behind its last byte. */
  | "end";

/** How bytes are written as a JSON string. */
export type Encoding =
  /** As the text that they are. */
  | "utf8"
  /** In Base64 with padding, RFC 4648 section 4. */
  | "base64";

/** How a program ended: by itself with a code, or by a signal. */
export interface Exit {
  /** The code, where it ended by itself. */
  code: number | null;
  /** The signal that ended it, on Unix. */
  signal: number | null;
}

/** What `rpc.hello` takes. */
export interface Hello {
  /** The names of the capabilities that the caller has. */
  capabilities?: string[];
  /** The session that owns the caller's work: a secret of the caller's own choosing, at most 128 bytes. */
  session?: string | null;
}

/** What a program that runs has to say. */
export type Output =
  /** Some of what it wrote. */
  | {
      /** The bytes, written as `encoding` says. */
      data: string;
      /** How `data` is written. */
      encoding: Encoding;
      /** Where. */
      stream: OutputStream;
    }
  /** Its end; the last item. */
  | {
      /** How it ended. */
      exit: Exit;
    };

/** Where a program writes. */
export type OutputStream =
  /** Its standard output. */
  | "stdout"
  /** Its standard error. */
  | "stderr";

/** What `process.run` takes. */
export interface RunParams {
  /** Its arguments, each passed as it stands. */
  args?: string[];
  /** The folder to start in; the daemon's own by default. */
  cwd?: string | null;
  /** Variables set on top of the daemon's own. */
  env?: { [key: string]: string };
  /** The program: a path, or a name that is looked up in `PATH`. */
  program: string;
}

/** Where a tail begins. */
export type TailFrom =
  /** At this offset in bytes. */
  | number
  /** At an end of the file. */
  | Edge
  /** At the file's end. */
  | null;

/** What `fs.tail` takes. */
export interface TailParams {
  /** Where to begin: a byte offset, `"start"` or `"end"`. */
  from?: TailFrom;
  /** The file; a relative path begins at the first of `fs.roots`. */
  path: string;
}

/** One frame of another connection. */
export interface TappedFrame {
  /** The connection's number, in the order in which they came. */
  connection: number;
  /** Which way the frame went, as the daemon sees it. */
  direction: Direction;
  /** The frame, secrets redacted; text where it is no JSON. */
  frame: unknown;
  /** The process at its other end, where the system tells. */
  pid?: number | null;
  /** How the connection came: `unix`, `pipe`, `ws`, `stdio`. */
  transport: string;
  /** When, in milliseconds since 1970. */
  ts: number;
}

/** What `fs.watch` takes. */
export interface WatchParams {
  /** The file or folder; a relative path begins at the first of `fs.roots`. */
  path: string;
  /** Whether folders below it are watched too. */
  recursive?: boolean;
}

/** What `rpc.hello` answers. */
export interface Welcome {
  /** The names of the capabilities: `fc`, `up`, `resume`, `lane`. */
  capabilities: string[];
  /** The life of the server's state: another one means that everything known of it is void. */
  epoch: string;
  /** The limits of the connection. */
  limits: WelcomeLimits;
  /** Changes when a method or a type of one does; words about them do not count. */
  methodsHash: string;
  /** Who the server is: the same until it restarts. */
  serverId: string;
  /** The versions of the protocol that are served. */
  versions: string[];
}

/** The limits that a caller may want to know. */
export interface WelcomeLimits {
  /** The deepest nesting. */
  depth: number;
  /** Requests that may be unanswered at once. */
  inFlight: number;
  /** The longest message, in bytes. */
  messageBytes: number;
  /** Streams that may be open at once. */
  streams: number;
}

/** What each method takes and gives. */
export interface Api {
  /** Makes a ticket that lets a browser into the console once, within a minute: the link is url + "#ticket=" + ticket. */
  "console.ticket": {
    kind: "unary";
    params: null;
    result: ConsoleTicket;
  };
  /** Follows a file as it grows, over rotation and truncation; an item's pos is the byte offset behind it. */
  "fs.tail": {
    kind: "stream";
    params: TailParams;
    item: Chunk | null;
  };
  /** Watches a file or folder; an item for each change, and one that says `overflow` where changes were missed. */
  "fs.watch": {
    kind: "stream";
    params: WatchParams;
    item: Change;
  };
  /** Runs a program without a shell; items of its output, the last one with its exit. Needs --allow process.run. */
  "process.run": {
    kind: "stream";
    params: RunParams;
    item: Output;
  };
  /** Describes every method as an OpenRPC document. */
  "rpc.discover": {
    kind: "unary";
    params: null;
    result: unknown;
  };
  /** Introduces the caller; answers with what the server can do. */
  "rpc.hello": {
    kind: "unary";
    params: Hello;
    result: Welcome;
  };
  /** Counts requests, failures, bytes and durations by method. */
  "rpc.metrics": {
    kind: "unary";
    params: null;
    result: unknown;
  };
  /** Answers with what it was given, before anything that waits. */
  "rpc.ping": {
    kind: "unary";
    params: unknown;
    result: unknown;
  };
  /** Shows the frames of all other connections as they pass, without secrets. */
  "rpc.tap": {
    kind: "stream";
    params: null;
    item: TappedFrame;
  };
}

/** How each method is called: whether it may be repeated, and whether its stream goes on after a break. */
export const methods = {
  "console.ticket": { kind: "unary", idempotent: false, resumable: false },
  "fs.tail": { kind: "stream", idempotent: true, resumable: true },
  "fs.watch": { kind: "stream", idempotent: true, resumable: false },
  "process.run": { kind: "stream", idempotent: false, resumable: false },
  "rpc.discover": { kind: "unary", idempotent: true, resumable: false },
  "rpc.hello": { kind: "unary", idempotent: true, resumable: false },
  "rpc.metrics": { kind: "unary", idempotent: true, resumable: false },
  "rpc.ping": { kind: "unary", idempotent: true, resumable: false },
  "rpc.tap": { kind: "stream", idempotent: false, resumable: false },
} as const;
