/** Processes that carry a mark in their environment, which all below a daemon inherit. */

import { readdirSync, readFileSync } from "node:fs";

import { isAlive } from "./processes.js";

/** Their ids; zombies are none. */
export function marked(name: string, value: string): number[] {
  const mark = `${name}=${value}`;
  const pids = readdirSync("/proc").map(Number).filter(Number.isInteger);
  return pids.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(mark) && isAlive(pid);
    } catch {
      return false;
    }
  });
}

/** Those of them that were started by a command line with this in it. */
export function markedAs(name: string, value: string, program: string): number[] {
  return marked(name, value).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").includes(program);
    } catch {
      return false;
    }
  });
}
