/** What the hub's slice `sidecars` tells, read whatever it leaves out, and what can be done with a sidecar as it stands. */

export type Status = "starting" | "ready" | "running" | "stopping" | "stopped" | "failed";
export type Owner = "this" | "remote" | "none";
export type ModeName = "standalone" | "service" | "connected";
export type Action = "start" | "stop" | "restart";

/** How a run ended. */
export interface Exit {
  code: number | undefined;
  signal: number | string | undefined;
}

/** Why one failed. */
export interface Reason {
  code: string;
  /** Says what to change. */
  message: string;
  exit: Exit | undefined;
  /** The last lines of its stderr. */
  stderr: readonly string[];
  /** Who has its port. */
  holder: { pid: number | undefined; program: string | undefined } | undefined;
  /** Where its program was looked for. */
  paths: readonly string[];
  /** The one that it needs, and that does not run. */
  dependency: string | undefined;
}

/** What its processes take. */
export interface Usage {
  cpuPercent: number;
  memoryBytes: number;
  processes: number;
}

/** One sidecar. Times are milliseconds since 1970. */
export interface Sidecar {
  name: string;
  status: Status;
  reason: Reason | undefined;
  generation: number;
  restarts: number;
  pid: number | undefined;
  port: number | undefined;
  url: string | undefined;
  startedAt: number | undefined;
  changedAt: number | undefined;
  /** When it is started again, while it waits for that. */
  nextStartAt: number | undefined;
  /** What it waits for before it is started, in words, while it does. */
  waitsFor: string | undefined;
  owner: Owner;
  exit: Exit | undefined;
  dependsOn: readonly string[];
  autoStart: boolean;
  healthFailures: number;
  usage: Usage | undefined;
}

/** How the daemon runs what it needs. */
export interface Mode {
  name: ModeName;
  serviceUrl: string | undefined;
  serverUrl: string | undefined;
  /** Why the remote daemon is not one whose sidecars can be used, while it is not. */
  serverFailure: string | undefined;
  /** Where to, while it switches. */
  changing: { to: string; since: number | undefined } | undefined;
}

export interface Sidecars {
  mode: Mode;
  /** By name. */
  sidecars: readonly Sidecar[];
}

const STATUSES: readonly Status[] = ["starting", "ready", "running", "stopping", "stopped", "failed"];
const MODES: readonly ModeName[] = ["standalone", "service", "connected"];
const OWNERS: readonly Owner[] = ["this", "remote", "none"];

/** Reads the slice; undefined where there is none. */
export function sidecarsOf(slice: unknown): Sidecars | undefined {
  if (!isRecord(slice)) return undefined;
  const mode = recordOf(slice["mode"]);
  const endpoints = recordOf(mode["endpoints"]);
  const services = Object.entries(recordOf(slice["services"]));
  const sidecars = services.map(([name, told]) => sidecarOf({ ...recordOf(endpoints[name]), ...known(recordOf(told)), name }));
  return { mode: modeOf(mode), sidecars: sidecars.sort((one, other) => one.name.localeCompare(other.name, "en")) };
}

/** Reads one sidecar. */
export function sidecarOf(told: unknown): Sidecar {
  const said = recordOf(told);
  const status = oneOf(STATUSES, said["status"]) ?? "stopped";
  return {
    name: text(said["name"]) ?? "",
    status,
    reason: status === "failed" || isRecord(said["failure"]) ? reasonOf(recordOf(said["failure"])) : undefined,
    generation: number(said["generation"]) ?? 0,
    restarts: number(said["restarts"]) ?? 0,
    pid: number(said["pid"]),
    port: number(said["port"]),
    url: text(said["url"]),
    startedAt: number(said["startedAt"]),
    changedAt: number(said["changedAt"]),
    nextStartAt: number(said["nextStartAt"]),
    waitsFor: text(said["waitsFor"]),
    owner: oneOf(OWNERS, said["owner"]) ?? "none",
    exit: exitOf(said["exit"]),
    dependsOn: texts(said["dependsOn"]),
    autoStart: said["autoStart"] === true,
    healthFailures: number(said["healthFailures"]) ?? 0,
    usage: usageOf(said["usage"]),
  };
}

/** Whether it runs, as far as its owner knows. */
export function isUp({ status }: Sidecar): boolean {
  return status === "ready" || status === "running";
}

/** Whether `action` makes sense as it stands. What a remote daemon owns is started and stopped there. */
export function applies(action: Action, { status, owner }: Sidecar): boolean {
  if (owner === "remote") return false;
  switch (action) {
    case "start":
      return status === "stopped" || status === "failed";
    case "stop":
      return status === "starting" || status === "ready" || status === "running";
    case "restart":
      return status === "starting" || status === "ready" || status === "running";
  }
}

/** Those that run and need `name`, by themselves or through others. */
export function dependentsOf(name: string, sidecars: readonly Sidecar[]): string[] {
  const needing = new Set([name]);
  for (let before = 0; before !== needing.size; ) {
    before = needing.size;
    for (const one of sidecars) if (one.dependsOn.some((other) => needing.has(other))) needing.add(one.name);
  }
  needing.delete(name);
  return sidecars.filter((one) => needing.has(one.name) && applies("stop", one)).map((one) => one.name);
}

/** How a run ended, in words. */
export function ending({ code, signal }: Exit): string {
  if (signal !== undefined) return `ended by ${typeof signal === "number" ? `signal ${signal}` : signal}`;
  return code === undefined ? "ended" : `exited with code ${code}`;
}

function modeOf(told: Record<string, unknown>): Mode {
  const changing = told["changing"];
  return {
    name: oneOf(MODES, told["mode"]) ?? "standalone",
    serviceUrl: text(told["serviceUrl"]),
    serverUrl: text(told["serverUrl"]),
    serverFailure: text(told["serverFailure"]),
    changing: isRecord(changing) ? { to: text(changing["to"]) ?? "", since: number(changing["since"]) } : undefined,
  };
}

function reasonOf(told: Record<string, unknown>): Reason {
  const details = recordOf(told["details"]);
  const holder = details["holder"];
  return {
    code: text(told["code"]) ?? "FAILED",
    message: text(told["message"]) ?? "",
    exit: exitOf(details["exit"]),
    stderr: texts(details["stderr"]),
    holder: isRecord(holder) ? { pid: number(holder["pid"]), program: text(holder["program"]) } : undefined,
    paths: texts(details["paths"]),
    dependency: text(details["dependency"]),
  };
}

function exitOf(told: unknown): Exit | undefined {
  if (!isRecord(told)) return undefined;
  return { code: number(told["code"]), signal: number(told["signal"]) ?? text(told["signal"]) };
}

function usageOf(told: unknown): Usage | undefined {
  if (!isRecord(told)) return undefined;
  return {
    cpuPercent: number(told["cpuPercent"]) ?? 0,
    memoryBytes: number(told["memoryBytes"]) ?? 0,
    processes: number(told["processes"]) ?? 0,
  };
}

/** Without what is null, which says as little as what is absent. */
function known(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function recordOf(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

function number(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

function oneOf<T extends string>(names: readonly T[], value: unknown): T | undefined {
  return names.find((name) => name === value);
}
