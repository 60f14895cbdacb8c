/** A look at the text of a message for what parsing it does not show: its depth, and keys that stand twice. */

/** What a scan has seen. */
export interface Outline {
  /** The deepest nesting. */
  depth: number;
  /** Keys of the frame, and of its `meta`, counted as often as they stand there. */
  keys: number;
  metaKeys: number;
}

/** What can be read of a message that is broken, too deep or cut off, as far as it stands before the damage. */
export interface Head {
  kind?: string | undefined;
  cid?: string | undefined;
  dir?: string | undefined;
}

/** Scans a message; `head`, where given, learns the texts that stand in the frame itself. */
export function scan(text: string, head?: Head): Outline {
  let [level, depth, keys, metaKeys, key, isValue] = [0, 0, 0, 0, "", false];
  loop: for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 34: {
        const end = closing(text, at);
        if (end < 0) break loop;
        if (level === 1 && (!isValue || head)) {
          const word = unescaped(text.slice(at, end + 1));
          if (!isValue) key = word;
          // A cid that stands twice cannot be read: whose call it is would depend on the reader.
          else head![key as "cid"] = key === "cid" && key in head! ? undefined : word;
        }
        at = end;
        break;
      }
      case 58: // :
        if (level === 1) {
          keys++;
          isValue = true;
        } else if (level === 2 && key === "meta") metaKeys++;
        break;
      case 44: // ,
        if (level === 1) isValue = false;
        break;
      case 123: // {
      case 91: // [
        if (++level > depth) depth = level;
        break;
      case 125: // }
      case 93: // ]
        if (!--level) break loop;
    }
  }
  return { depth, keys, metaKeys };
}

/** The index of the quote that ends the string which begins at `at`; negative where there is none. */
function closing(text: string, at: number): number {
  for (;;) {
    at = text.indexOf('"', at + 1);
    let slash = at;
    while (text[slash - 1] === "\\") slash--;
    if (at < 0 || (at - slash) % 2 === 0) return at;
  }
}

function unescaped(quoted: string): string {
  try {
    return quoted.includes("\\") ? (JSON.parse(quoted) as string) : quoted.slice(1, -1);
  } catch {
    return "";
  }
}
