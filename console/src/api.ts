// Made by `sixframe types` from what the peer says of itself. Do not edit: make it again.

/** The `methodsHash` of `rpc.hello` that these types belong to. */
export const methodsHash = "5555fd92fc1ccd59";

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

/** What `hub.commit` takes. */
export interface CommitParams {
  /** What the caller looked at. Where that changed since, the answer is `CONFLICT` with `{current}`. */
  expect?: Expect | null;
  /** Makes the commit safe to repeat: a mutation that was carried out is answered as it was the first time. */
  mutation?: Mutation | null;
  /** What to change, in this order. */
  ops: Op[];
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

/** It is done. */
export interface Done {
  /** True. */
  ok: boolean;
}

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

/** Something that happened. */
export interface Event {
  /** What about it. */
  payload: unknown;
  /** When, in milliseconds since 1970. */
  ts: number;
  /** What, in words with dots between them: `agent.session.ended`. */
  type: string;
}

/** A place among the events. */
export interface EventPlace {
  /** The life of the channel. */
  epoch: string;
  /** Counts events. */
  position: number;
}

/** What `events.watch` takes. */
export interface EventsParams {
  /** Behind which event to begin; without it, with what is emitted from now on. */
  since?: EventPlace | null;
  /** The types to follow, all where none are given. One that ends with a dot means all that begin with it. */
  types?: string[] | null;
}

/** How a program ended: by itself with a code, or by a signal. */
export interface Exit {
  /** The code, where it ended by itself. */
  code: number | null;
  /** The signal that ended it, on Unix. */
  signal: number | null;
}

/** A condition on what happened since a version. */
export interface Expect {
  /** The epoch of the version; that of the state where it is not given. */
  epoch?: string | null;
  /** What must not have changed since, beside what the operations read and write. The empty pointer means everything. */
  paths?: Pointer[];
  /** The revision of the version. */
  revision: number;
}

/** What `fs.watch` takes. */
export interface FsWatchParams {
  /** The file or folder; a relative path begins at the first of `fs.roots`. */
  path: string;
  /** Whether folders below it are watched too. */
  recursive?: boolean;
}

/** What `rpc.hello` takes. */
export interface Hello {
  /** The names of the capabilities that the caller has. */
  capabilities?: string[];
  /** What the caller calls itself, for people: at most 128 bytes. Shown to others. */
  name?: string | null;
  /** The session that owns the caller's work: a secret of the caller's own choosing, at most 128 bytes. */
  session?: string | null;
}

/** What `hub.watch` takes. */
export interface HubWatchParams {
  /**
   * The shortest time between two items, in milliseconds, at most a minute; changes in between come together. 16 to 33
   * suit a window.
   */
  minIntervalMs?: number | null;
  /** What the items are. */
  mode?: Mode;
  /** The places to follow; the whole state where neither this nor `session` is given. */
  paths?: Pointer[] | null;
  /** A session to follow, as `/sessions/<id>` among the paths does. */
  session?: string | null;
  /** The version that the consumer has: it gets what changed since. */
  since?: Version | null;
}

/** What the items of `hub.watch` are. */
export type Mode =
  /** Patches, and snapshots where these are shorter or there is no other way. */
  | "patch"
  /** Snapshots alone. */
  | "state";

/** The identity of a commit. */
export interface Mutation {
  /** Who makes it: a name of the client's own choosing, unique among clients, at most 64 bytes. */
  client: string;
  /** Counts the client's mutations upwards. */
  id: number;
}

/** One operation. Paths are absolute. */
export type Op =
  /**
   * Adds or sets a member of an object, or puts an element into an array, in front of the one at the index; `-` is the
   * end.
   */
  | {
      op: "add";
      /** Where. */
      path: Pointer;
      /** What. */
      value: unknown;
    }
  /** Sets what is there already. */
  | {
      op: "replace";
      /** Where. */
      path: Pointer;
      /** What. */
      value: unknown;
    }
  /** Takes away what is there. */
  | {
      op: "remove";
      /** Where. */
      path: Pointer;
    }
  /**
   * Changes nothing; where the value is another one, the whole commit is refused with `CONFLICT`. Only ever sent to the
   * hub.
   */
  | {
      op: "test";
      /** Where. */
      path: Pointer;
      /** What must be there. */
      value: unknown;
    }
  /**
   * Merges as RFC 7396 has it: members of objects are merged, null removes. Only ever sent to the hub, which writes it
   * down as the operations above.
   */
  | {
      op: "merge";
      /** Where; the empty path merges into the state itself. */
      path: Pointer;
      /** What. */
      value: unknown;
    }
  /** In an array of objects, replaces the element whose member `by` is that of `value`, or adds it. */
  | {
      /** The key of the element that it goes in front of. Without it, it keeps its place, or goes to the end. */
      before?: unknown;
      /** The member that tells elements apart. */
      by: string;
      op: "put";
      /** The array. */
      path: Pointer;
      /** The element. */
      value: unknown;
    }
  /** In an array of objects, takes the element away whose member `by` is `key`. */
  | {
      /** The member that tells elements apart. */
      by: string;
      /** Which element. */
      key: unknown;
      op: "drop";
      /** The array. */
      path: Pointer;
    }
  /** In an array of objects, moves the element whose member `by` is `key`. */
  | {
      /** The key of the element that it goes in front of; the end without it. */
      before?: unknown;
      /** The member that tells elements apart. */
      by: string;
      /** Which element. */
      key: unknown;
      op: "move";
      /** The array. */
      path: Pointer;
    };

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

export type Pointer = string;

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

/** One session. */
export interface SessionParams {
  /** Its id. */
  sessionId: string;
}

/** What `hub.updateSession` takes. */
export interface SessionUpdate {
  /** The session's id. */
  sessionId: string;
  [key: string]: unknown;
}

/** What `hub.getSnapshot` answers. */
export interface Snapshot {
  /** The life of the state. */
  epoch: string;
  /** Counts commits. */
  revision: number;
  /** The same as `revision`, by the name that 0.2 gave it. */
  version: number;
  [key: string]: unknown;
}

/** One item of `hub.watch`. */
export type StateChange =
  /** What the followed part of the state is. */
  | {
      /** The life of the state. */
      epoch: string;
      /** Which state it is. */
      revision: number;
      /** The state, pruned to what is followed: an object with the shape of the state. */
      value: unknown;
    }
  /** What changed. */
  | {
      /** The highest mutation of each client between the two revisions, where there were any. */
      acks?: { [key: string]: number };
      /** The revision that it applies to. */
      from: number;
      /** How. None means that nothing changed that is followed. */
      ops: Op[];
      /** The revision that it leads to. */
      to: number;
    };

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

/** A version of the state. Revisions of one epoch are ordered; those of different epochs have nothing to do with each other. */
export interface Version {
  /** The life of the state. Another one means that what is known of it may be void. */
  epoch: string;
  /** Counts commits. */
  revision: number;
}

/** What `rpc.hello` answers. */
export interface Welcome {
  /** The names of the capabilities: `fc`, `ahead`, `up`, `resume`, `lane`. */
  capabilities: string[];
  /** The life of the server's state: another one means that everything known of it is void. */
  epoch: string;
  /** The limits of the connection. */
  limits: WelcomeLimits;
  /**
   * Changes when a method or a type of one does; words about them do not count. Empty, and left out, where the methods
   * are another one's: of a relay.
   */
  methodsHash?: string;
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
  /** Follows the events of the given types; one that ends with a dot means all that begin with it. */
  "events.watch": {
    kind: "stream";
    params: EventsParams;
    item: Event;
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
    params: FsWatchParams;
    item: Change;
  };
  /** Changes the state by operations that are carried out all or none, if asked only where nobody else did meanwhile. */
  "hub.commit": {
    kind: "unary";
    params: CommitParams;
    result: Version;
  };
  /** Answers with the whole state and its version. */
  "hub.getSnapshot": {
    kind: "unary";
    params: null;
    result: Snapshot;
  };
  /** Takes a session away. */
  "hub.removeSession": {
    kind: "unary";
    params: SessionParams;
    result: Done;
  };
  /** Merges into the global settings; null removes. */
  "hub.updateGlobal": {
    kind: "unary";
    params: unknown;
    result: Done;
  };
  /** Merges into a session, which is made where it is not there; null removes. */
  "hub.updateSession": {
    kind: "unary";
    params: SessionUpdate;
    result: Done;
  };
  /** Follows the state, or parts of it: a snapshot or the patches since a version, then patches. */
  "hub.watch": {
    kind: "stream";
    params: HubWatchParams;
    item: StateChange;
  };
  /** Follows the global settings as plain values, the current one first. */
  "hub.watchGlobal": {
    kind: "stream";
    params: null;
    item: unknown;
  };
  /** Follows one session as plain values, the current one first; null while it is not there. */
  "hub.watchSession": {
    kind: "stream";
    params: SessionParams;
    item: unknown;
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
  "events.watch": { kind: "stream", idempotent: true, resumable: true },
  "fs.tail": { kind: "stream", idempotent: true, resumable: true },
  "fs.watch": { kind: "stream", idempotent: true, resumable: false },
  "hub.commit": { kind: "unary", idempotent: false, resumable: false },
  "hub.getSnapshot": { kind: "unary", idempotent: true, resumable: false },
  "hub.removeSession": { kind: "unary", idempotent: true, resumable: false },
  "hub.updateGlobal": { kind: "unary", idempotent: false, resumable: false },
  "hub.updateSession": { kind: "unary", idempotent: false, resumable: false },
  "hub.watch": { kind: "stream", idempotent: true, resumable: true },
  "hub.watchGlobal": { kind: "stream", idempotent: true, resumable: true },
  "hub.watchSession": { kind: "stream", idempotent: true, resumable: true },
  "process.run": { kind: "stream", idempotent: false, resumable: false },
  "rpc.discover": { kind: "unary", idempotent: true, resumable: false },
  "rpc.hello": { kind: "unary", idempotent: true, resumable: false },
  "rpc.metrics": { kind: "unary", idempotent: true, resumable: false },
  "rpc.ping": { kind: "unary", idempotent: true, resumable: false },
  "rpc.tap": { kind: "stream", idempotent: false, resumable: false },
} as const;
