// Made by `sixframe types` from what the peer says of itself. Do not edit: make it again.

/** The `methodsHash` of `rpc.hello` that these types belong to. */
export const methodsHash = "d8fc47bd2df87785";

/** Where what the sidecars offer comes from. */
export type AppMode =
  /** From nowhere else: no sidecars run. */
  | "standalone"
  /** From the sidecars of this daemon. */
  | "service"
  /** From a server; no sidecars run. */
  | "connected";

/** A switch that is under way. */
export interface AppModeChange {
  /** Since when, in milliseconds since 1970. */
  since: number;
  /** The mode that it leads to. */
  to: AppMode;
}

/** The mode, and who answers for which sidecar. */
export interface AppModeState {
  /** The switch that is under way. */
  changing?: AppModeChange | null;
  /** Where the sidecars that can be used are reached, by name. */
  endpoints: { [key: string]: SidecarEndpoint };
  /** Which it is. */
  mode: AppMode;
  /** In the mode `connected`: the server. */
  serverUrl?: string | null;
  /** In the mode `service`: where the sidecars are reached together, where that was given. */
  serviceUrl?: string | null;
}

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

/** Who has a port. */
export interface PortHolder {
  /** Its process. */
  pid: number;
  /** Its program, as the system calls it. */
  program: string;
}

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

/** What `sidecar.setMode` takes. */
export type SetModeParams =
  /** No sidecars run. */
  | {
      mode: "standalone";
    }
  /** The sidecars of this daemon run. */
  | {
      mode: "service";
      /** Where they are reached together, for whom it may concern; told, and not used. */
      serviceUrl?: string | null;
    }
  /** A server is used. */
  | {
      /** The `serverId` that its `rpc.hello` must tell, which a daemon keeps with its state; any where it is not given. */
      identity?: string | null;
      mode: "connected";
      /** Its address: `wss://host`, or `ws://` to this machine. */
      serverUrl: string;
    };

/**
 * A program that is kept running. Only `name` and one of `program` and `binary` are required. Each name is written as here
 * (`auto_start`) or as JSON has it (`autoStart`). Shown without the values of its variables, which may be secrets.
 */
export interface SidecarConfig {
  /**
   * Its arguments, each passed as it stands, but for `{port}`, which is the port that it was given. Other users of the
   * machine can read them: secrets belong into `env`.
   */
  args?: string[];
  /** Whether it is started with the daemon. Default no. */
  autoStart?: boolean;
  /** A bundled program by its name, looked up beside the daemon with and without the target's triple as suffix. */
  binary?: string | null;
  /** The folder to start in; the daemon's own by default. */
  cwd?: string | null;
  /** The sidecars that must be ready before it is started. */
  dependsOn?: string[];
  /** Variables set on top of the daemon's own; `{port}` is replaced likewise. Never shown. */
  env?: { [key: string]: string };
  /** Whether it still lives: a word, or a table with `kind`. Default `"none"`. */
  health?: SidecarHealthOrWord;
  /** Bytes of each of its outputs that are kept for readers. Default 4 MiB. */
  logBytes?: number;
  /** What it is called: a letter or digit, then up to 63 letters, digits, `.`, `_` and `-`. */
  name: string;
  /** The port that it is to listen on: `"none"` (default), `"auto"` for a free one, or a number. */
  port?: SidecarPort;
  /** The program: a path, or a name that is looked up in `PATH`. */
  program?: string | null;
  /**
   * When it is ready: a word, or a table with `kind`. By default when `health` says so, and at its start where there is
   * none.
   */
  ready?: SidecarReadyOrWord | null;
  /** What happens when it ends: a word, or a table with `policy`. Default `"on-failure"`. */
  restart?: SidecarRestartOrWord;
  /** How it is asked to stop, step by step. */
  stop?: SidecarStop;
}

/** Where a sidecar is reached. */
export interface SidecarEndpoint {
  /** Whose process answers there. */
  owner: SidecarOwner;
  /** Its address. */
  url: string;
}

/** How a run ended: by itself with a code, or by a signal. */
export interface SidecarExit {
  /** The code, where it ended by itself. */
  code?: number | null;
  /** The signal that ended it, on Unix. */
  signal?: number | null;
}

/** Why a sidecar failed. */
export interface SidecarFailure {
  /** What programs branch on. */
  code: SidecarFailureCode;
  /** What is known beside that. */
  details?: SidecarFailureDetails | null;
  /** What people read; it says what to change. */
  message: string;
}

/** What kind of failure it is. */
export type SidecarFailureCode =
  /** The system would not start the program. */
  | "SPAWN"
  /** There is no such program, or no such folder to start in. */
  | "NOT_FOUND"
  /** It ended by itself. */
  | "EXITED"
  /** It ended by itself again and again. */
  | "CRASH_LOOP"
  /** Another program has its port. */
  | "PORT_IN_USE"
  /** What listens on its port is not below it. */
  | "NOT_OURS"
  /** It was not ready in time. */
  | "START_TIMEOUT"
  /** It did not answer any more. */
  | "UNHEALTHY"
  /** What it depends on is not there. */
  | "DEPENDENCY"
  /** This daemon could not do its part. */
  | "HOST";

/** What is known of a failure. */
export interface SidecarFailureDetails {
  /** What it depends on and is not there. */
  dependency?: string | null;
  /** How the last run ended. */
  exit?: SidecarExit | null;
  /** Who has the port. */
  holder?: PortHolder | null;
  /** Where a program was looked for. */
  paths?: string[];
  /** The last lines that it wrote to standard error, at most 20. The values of its variables are blacked out. */
  stderr?: string[];
}

/** How it is found out whether a sidecar still lives. */
export interface SidecarHealth {
  /** For `exec`: its arguments; `{port}` is replaced. */
  args?: string[];
  /** Failures in a row after which it is stopped and, as `restart` says, started again. Default 3. */
  failures?: number;
  /** Milliseconds between two looks. Default 5000. */
  intervalMs?: number;
  /** By what. */
  kind: SidecarHealthKind;
  /** For `http`: the one path to ask for, instead of `/health`, `/docs` and `/` in turn. */
  path?: string | null;
  /** For `exec`: the program whose exit with 0 means life. */
  program?: string | null;
  /** Milliseconds that one look may take. Default 2000. */
  timeoutMs?: number;
}

/** By what a sidecar's life is known. */
export type SidecarHealthKind =
  /** By nothing but its process. */
  | "none"
  /** It answers HTTP with a status below 400. */
  | "http"
  /** It takes connections. */
  | "tcp"
  /** A program says so. */
  | "exec";

/** A table that one word may stand for. */
export type SidecarHealthOrWord =
  /** The word, everything else by default. */
  | SidecarHealthKind
  /** The table. */
  | SidecarHealth;

/** Where the outputs of a run end, in bytes. */
export interface SidecarLastOffset {
  /** Standard error. */
  stderr: number;
  /** Standard output. */
  stdout: number;
}

/** What `sidecar.list` answers. */
export interface SidecarList {
  /** The mode. */
  mode: AppModeState;
  /** The sidecars, by name. */
  sidecars: SidecarState[];
}

/** One item of `sidecar.logs`. */
export type SidecarLogItem =
  /** A line. */
  | {
      /** In which run. */
      generation: number;
      kind: "line";
      /** The offset of its first byte. */
      offset: number;
      /** Whether it goes on in the next item, or its end was not written yet. */
      partial?: boolean;
      /** Where it was written. */
      stream: SidecarLogStream;
      /** Without its end. What is no UTF-8 is shown as replacement characters. */
      text: string;
    }
  /** Bytes that are not kept any more. */
  | {
      /** The offset of the first of them. */
      from: number;
      /** In which run. */
      generation: number;
      kind: "gap";
      /** Where they were written. */
      stream: SidecarLogStream;
      /** The offset behind the last. */
      to: number;
    }
  /** A run began. */
  | {
      /** Which. */
      generation: number;
      kind: "started";
      /** Its process, where it is known by now. */
      pid?: number | null;
    }
  /** A run has ended, and nothing more comes of it. */
  | {
      /** How its program ended. */
      exit: SidecarExit;
      /** Which. */
      generation: number;
      kind: "exited";
      /** Where its outputs end. */
      lastOffset: SidecarLastOffset;
    };

/** One output. */
export type SidecarLogStream =
  /** Standard output. */
  | "stdout"
  /** Standard error. */
  | "stderr";

/** Which outputs are meant. */
export type SidecarLogStreams =
  /** Standard output. */
  | "stdout"
  /** Standard error. */
  | "stderr"
  /** Both. */
  | "both";

/** An end of the logs. */
export type SidecarLogsEdge =
  /** The oldest line that is kept, of earlier runs too. */
  | "start"
  /** What comes from now on. */
  | "end";

/** Where logs begin. */
export type SidecarLogsFrom =
  /** At an end of what is kept. */
  | SidecarLogsEdge
  /** With the last bytes of the newest run. */
  | {
      /** How many bytes of each output. */
      last: number;
    }
  /** With a place in a run. */
  | {
      /** Which run; the newest where it is not said. */
      generation?: number | null;
      /** The offset in each output, in bytes. */
      offset: number;
    };

/** What `sidecar.logs` takes. */
export interface SidecarLogsParams {
  /** Whether to go on with what comes, over restarts too. Default yes. */
  follow?: boolean;
  /** Where to begin. Default with the oldest line that is kept. */
  from?: SidecarLogsFrom;
  /** Its name. */
  name: string;
  /** Only lines that contain this, in whichever case. Gaps, starts and exits are told all the same. */
  search?: string | null;
  /** Which output. Default both. */
  stream?: SidecarLogStreams;
}

/** A sidecar by its name. */
export interface SidecarName {
  /** Its name. */
  name: string;
}

/** Whose process answers for a sidecar. */
export type SidecarOwner =
  /** This daemon's. */
  | "this"
  /** That of the server this daemon is connected to. */
  | "remote"
  /** Nobody's. */
  | "none";

/** How a port is written. */
export type SidecarPort =
  /** None, or any free one. */
  | SidecarPortWord
  /** A number from 1 to 65535. */
  | number;

/** A port in a word. */
export type SidecarPortWord = "none" | "auto";

/** When a sidecar is ready. */
export interface SidecarReady {
  /** For `exec`: its arguments; `{port}` is replaced. */
  args?: string[];
  /** By what. */
  kind: SidecarReadyKind;
  /** For `http`: the one path to ask for, instead of `/health`, `/docs` and `/` in turn. */
  path?: string | null;
  /** For `line`: what a line must contain, or `/…/` around a regular expression. */
  pattern?: string | null;
  /** For `exec`: the program whose exit with 0 means that it is ready. */
  program?: string | null;
  /** For `line`: where. Default both. */
  stream?: SidecarLogStreams;
  /** Milliseconds that it may take until it is ready; then it is stopped. Default 30,000. */
  timeoutMs?: number;
}

/** By what it is known that a sidecar is ready. */
export type SidecarReadyKind =
  /** It was started; nothing more is asked. */
  | "started"
  /** It answers HTTP with a status below 400. */
  | "http"
  /** It takes connections. */
  | "tcp"
  /** A program says so. */
  | "exec"
  /** It writes a line. */
  | "line"
  /** It writes one line of JSON on standard output, an object with its `port`, and listens there. */
  | "handshake";

/** A table that one word may stand for. */
export type SidecarReadyOrWord =
  /** The word, everything else by default. */
  | SidecarReadyKind
  /** The table. */
  | SidecarReady;

/** What happens when a sidecar ends by itself. */
export interface SidecarRestart {
  /**
   * Milliseconds before the first restart, at most: the wait is a random part of it, and it doubles each time.
   * Default 250.
   */
  backoffMs?: number;
  /** What it doubles up to. Default 30,000. */
  maxBackoffMs?: number;
  /** Whether it is started again. */
  policy: SidecarRestartPolicy;
  /** Milliseconds for which a run must be ready to count as stable. Default 30,000. */
  stableMs?: number;
  /** Starts in vain after which it is not started again: within `window_ms`, or without a stable run in between. Default 5. */
  starts?: number;
  /** Milliseconds within which starts count, though runs in between were stable. Default 60,000. */
  windowMs?: number;
}

/** A table that one word may stand for. */
export type SidecarRestartOrWord =
  /** The word, everything else by default. */
  | SidecarRestartPolicy
  /** The table. */
  | SidecarRestart;

/** Whether a sidecar that ended is started again. */
export type SidecarRestartPolicy =
  /** No. */
  | "never"
  /** If it exited with another code than 0, was ended by a signal, lived no more, or was not ready yet. */
  | "on-failure"
  /** Yes. */
  | "always";

/** How a sidecar is. */
export interface SidecarState {
  /** Whether it is started with the daemon. */
  autoStart: boolean;
  /** When its status changed last, in milliseconds since 1970. */
  changedAt: number;
  /** What it depends on. */
  dependsOn: string[];
  /** How its last run ended. */
  exit?: SidecarExit | null;
  /** Why it failed, or why its last run did, while it waits for the next one. */
  failure?: SidecarFailure | null;
  /** Counts its runs since the daemon was started; 0 before the first. */
  generation: number;
  /** Looks at its health that failed in a row, where there are any. */
  healthFailures?: number | null;
  /** Its name. */
  name: string;
  /** When it is started again, in milliseconds since 1970, while it waits for that. */
  nextStartAt?: number | null;
  /** Whose process answers for it. */
  owner: SidecarOwner;
  /** Its program's process, while there is one. */
  pid?: number | null;
  /** The port that it was given, or that it told, while it runs. */
  port?: number | null;
  /** When this run became ready, in milliseconds since 1970. */
  readyAt?: number | null;
  /** How many of these starts were restarts after it had ended by itself. */
  restarts: number;
  /** When this run began, in milliseconds since 1970. */
  startedAt?: number | null;
  /** How often it was started. */
  starts: number;
  /** How far it is. */
  status: SidecarStatus;
  /** Where it is reached, while it runs and has a port. */
  url?: string | null;
  /** What its processes use; only while somebody follows `sidecar.watch`. */
  usage?: SidecarUsage | null;
}

/** How far a sidecar is. */
export type SidecarStatus =
  /** It is being started, or waits to be started again. */
  | "starting"
  /** It runs, and was found to be ready. */
  | "ready"
  /** It runs; when it is ready nobody asked to know. */
  | "running"
  /** It is being stopped. */
  | "stopping"
  /** No process of it is left. */
  | "stopped"
  /** No process of it is left, and it will not be started again by itself. */
  | "failed";

/** How a sidecar is asked to stop, step by step; what is left of it after the last step is killed. */
export interface SidecarStop {
  /** Milliseconds after its input was closed. Default 2000. */
  closeStdinMs?: number;
  /** A request to its port, as in `"POST /shutdown"`; it has two seconds to act on it. Default none. */
  http?: string | null;
  /** The signal that every process of its tree is sent. Default `"terminate"`. */
  signal?: SidecarStopSignal;
  /** Milliseconds after that, before what is left is killed. Default 3000. */
  signalMs?: number;
}

/** What `sidecar.stop` takes. */
export interface SidecarStopParams {
  /** Whether what depends on it is stopped first. Default yes. */
  dependents?: boolean;
  /** Its name. */
  name: string;
}

/** A signal that asks to stop. */
export type SidecarStopSignal =
  /** `SIGTERM`. */
  | "terminate"
  /** `SIGINT`, what ^C sends. */
  | "interrupt"
  /** `SIGQUIT`. */
  | "quit"
  /** `SIGHUP`. */
  | "hangup";

/** What the processes of a sidecar use together. */
export interface SidecarUsage {
  /** Time on processors during the last seconds, 100 for one of them. */
  cpuPercent: number;
  /** Memory that is resident, in bytes. */
  memoryBytes: number;
  /** How many processes. */
  processes: number;
}

/** What `sidecar.waitReady` takes. */
export interface SidecarWaitParams {
  /** Its name. */
  name: string;
  /** How long to wait at most, in milliseconds. Default 30,000. */
  timeoutMs?: number;
}

/** What `sidecar.watch` takes. */
export interface SidecarWatchParams {
  /** Which to follow; all, later ones too, where none are given. */
  names?: string[] | null;
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
  /** The life of the server's process: another one means that everything known of it is void. */
  epoch: string;
  /** The limits of the connection. */
  limits: WelcomeLimits;
  /**
   * Changes when a method or a type of one does; words about them do not count. Empty, and left out, where the methods
   * are another one's: of a relay.
   */
  methodsHash?: string;
  /**
   * Who the server is. Of one that keeps its name, as the daemon does with its state, the same after a restart; of others
   * the same until they restart. A name and no proof.
   */
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
  /** Adds a sidecar, or changes one that is stopped. Needs --allow sidecar.define. */
  "sidecar.define": {
    kind: "unary";
    params: SidecarConfig;
    result: SidecarState;
  };
  /** Lists the sidecars with their states, and the mode. */
  "sidecar.list": {
    kind: "unary";
    params: null;
    result: SidecarList;
  };
  /** Follows what a sidecar writes, line by line, over restarts; what is not kept any more is told as a gap. */
  "sidecar.logs": {
    kind: "stream";
    params: SidecarLogsParams;
    item: SidecarLogItem;
  };
  /** Stops a sidecar and starts it again; answers as soon as it is starting. What depends on it is left alone. */
  "sidecar.restart": {
    kind: "unary";
    params: SidecarName;
    result: SidecarState;
  };
  /** Switches between standalone, service and connected; where the target cannot be made ready nothing changes. */
  "sidecar.setMode": {
    kind: "unary";
    params: SetModeParams;
    result: AppModeState;
  };
  /** Starts a sidecar, and first what it depends on; answers as soon as it is starting. */
  "sidecar.start": {
    kind: "unary";
    params: SidecarName;
    result: SidecarState;
  };
  /** Tells the state of a sidecar. */
  "sidecar.status": {
    kind: "unary";
    params: SidecarName;
    result: SidecarState;
  };
  /** Stops a sidecar, and first what depends on it; answers when no process of it is left. */
  "sidecar.stop": {
    kind: "unary";
    params: SidecarStopParams;
    result: SidecarState;
  };
  /** Waits until a sidecar is ready; fails at once, with the reason, when this run of it will not be. */
  "sidecar.waitReady": {
    kind: "unary";
    params: SidecarWaitParams;
    result: SidecarState;
  };
  /** Follows the states of the sidecars: all current ones first, then each that changes. */
  "sidecar.watch": {
    kind: "stream";
    params: SidecarWatchParams;
    item: SidecarState;
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
  "sidecar.define": { kind: "unary", idempotent: false, resumable: false },
  "sidecar.list": { kind: "unary", idempotent: true, resumable: false },
  "sidecar.logs": { kind: "stream", idempotent: true, resumable: false },
  "sidecar.restart": { kind: "unary", idempotent: false, resumable: false },
  "sidecar.setMode": { kind: "unary", idempotent: false, resumable: false },
  "sidecar.start": { kind: "unary", idempotent: true, resumable: false },
  "sidecar.status": { kind: "unary", idempotent: true, resumable: false },
  "sidecar.stop": { kind: "unary", idempotent: true, resumable: false },
  "sidecar.waitReady": { kind: "unary", idempotent: true, resumable: false },
  "sidecar.watch": { kind: "stream", idempotent: true, resumable: false },
} as const;
