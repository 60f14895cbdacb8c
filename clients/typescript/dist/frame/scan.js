/** A look at the text of a message for what parsing it does not show: its depth, and keys that stand twice. */
/** Scans a message; `head`, where given, learns the texts that stand in the frame itself. */
export function scan(text, head) {
    let [level, depth, keys, metaKeys, key, isValue] = [0, 0, 0, 0, "", false];
    loop: for (let at = 0; at < text.length; at++) {
        switch (text.charCodeAt(at)) {
            case 34: {
                const end = closing(text, at);
                if (end < 0)
                    break loop;
                if (level === 1 && (!isValue || head)) {
                    const word = unescaped(text.slice(at, end + 1));
                    if (!isValue)
                        key = word;
                    // A cid that stands twice cannot be read: whose call it is would depend on the reader.
                    else
                        head[key] = key === "cid" && key in head ? undefined : word;
                }
                at = end;
                break;
            }
            case 58: // :
                if (level === 1) {
                    keys++;
                    isValue = true;
                }
                else if (level === 2 && key === "meta")
                    metaKeys++;
                break;
            case 44: // ,
                if (level === 1)
                    isValue = false;
                break;
            case 123: // {
            case 91: // [
                if (++level > depth)
                    depth = level;
                break;
            case 125: // }
            case 93: // ]
                if (!--level)
                    break loop;
        }
    }
    return { depth, keys, metaKeys };
}
/** The index of the quote that ends the string which begins at `at`; negative where there is none. */
function closing(text, at) {
    for (;;) {
        at = text.indexOf('"', at + 1);
        let slash = at;
        while (text[slash - 1] === "\\")
            slash--;
        if (at < 0 || (at - slash) % 2 === 0)
            return at;
    }
}
function unescaped(quoted) {
    try {
        return quoted.includes("\\") ? JSON.parse(quoted) : quoted.slice(1, -1);
    }
    catch {
        return "";
    }
}
//# sourceMappingURL=scan.js.map