/** Changes in the text of a frame that leave every other byte of it alone. It expects text that was decoded before. */

/** What a relay says of a window on every request: who it is, and in front of which lanes. */
export interface Stamp {
  readonly senderId: string | number;
  readonly doc: string;
  /** Stands in front of the name of a lane. */
  readonly lane: string;
}

/** A text in the place of another, which is empty where a text is inserted. */
type Edit = readonly [start: number, end: number, text: string];

/** The frame under another `cid`; a request, where there is a stamp, also stamped. */
export function splice(text: string, cid: string, stamp?: Stamp): string {
  const edits: Edit[] = [];
  let gap = 0;
  let hasMeta = false;
  for (const [key, start, end] of members(text, space(text, 0))) {
    if (key === "cid") edits.push([start, end, JSON.stringify(cid)]);
    if (key === "method") gap = end;
    if (key !== "meta" || stamp === undefined) continue;
    hasMeta = true;
    if (text[start] === "{") stampMeta(text, start, stamp, edits);
    else edits.push([start, end, `{${fields(stamp)}}`]);
  }
  if (!hasMeta && stamp !== undefined) edits.push([gap, gap, `,"meta":{${fields(stamp)}}`]);
  return written(text, edits);
}

function stampMeta(text: string, open: number, stamp: Stamp, edits: Edit[]): void {
  const missing = new Set(["senderId", "doc"]);
  let isEmpty = true;
  for (const [key, start, end] of members(text, open)) {
    isEmpty = false;
    if (key === "senderId" || key === "doc") {
      missing.delete(key);
      edits.push([start, end, JSON.stringify(stamp[key])]);
    }
    if (key === "lane" && text[start] === '"') {
      edits.push([start + 1, start + 1, JSON.stringify(stamp.lane).slice(1, -1)]);
    }
  }
  const added = [...missing].map((key) => `"${key}":${JSON.stringify(stamp[key as "senderId" | "doc"])}`).join(",");
  if (added !== "") edits.push([open + 1, open + 1, isEmpty ? added : `${added},`]);
}

function fields({ senderId, doc }: Stamp): string {
  return `"senderId":${JSON.stringify(senderId)},"doc":${JSON.stringify(doc)}`;
}

function written(text: string, edits: Edit[]): string {
  let out = "";
  let from = 0;
  for (const [start, end, by] of edits.sort((one, other) => one[0] - other[0])) {
    out += text.slice(from, start) + by;
    from = end;
  }
  return out + text.slice(from);
}

/** The keys of the object that opens at `open`, escapes resolved, and where their values stand. */
function* members(text: string, open: number): Generator<readonly [key: string, start: number, end: number]> {
  let at = space(text, open + 1);
  while (text[at] === '"') {
    const keyEnd = stringEnd(text, at);
    const key = text.slice(at + 1, keyEnd - 1);
    const start = space(text, space(text, keyEnd) + 1);
    const end = valueEnd(text, start);
    yield [key.includes("\\") ? (JSON.parse(`"${key}"`) as string) : key, start, end];
    at = space(text, end);
    if (text[at] === ",") at = space(text, at + 1);
  }
}

function valueEnd(text: string, start: number): number {
  if (text[start] === '"') return stringEnd(text, start);
  let level = 0;
  for (let at = start; at < text.length; at += 1) {
    switch (text[at]) {
      case '"':
        at = stringEnd(text, at) - 1;
        break;
      case "{":
      case "[":
        level += 1;
        break;
      case "}":
      case "]":
        if (level <= 1) return level === 1 ? at + 1 : at;
        level -= 1;
        break;
      case ",":
      case " ":
      case "\t":
      case "\n":
      case "\r":
        if (level === 0) return at;
    }
  }
  return text.length;
}

/** The index behind the quote that ends the string which begins at `start`. */
function stringEnd(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let slash = at;
    while (text[slash - 1] === "\\") slash -= 1;
    if ((at - slash) % 2 === 0) return at + 1;
  }
  return text.length;
}

function space(text: string, at: number): number {
  while (at < text.length && " \t\n\r".includes(text[at] ?? "")) at += 1;
  return at;
}
