/** A look at the text of a message for what parsing it does not show: its depth, and keys that stand twice. */
/** Scans a message; `head`, where given, learns the texts that stand in the frame itself. */
export function scan(text, head) {
    const outline = { depth: 0, keys: 0, metaKeys: 0 };
    let level = 0;
    let key = "";
    let inMeta = false;
    let isValue = false;
    let twice = false;
    for (let at = 0; at < text.length; at++) {
        switch (text.charCodeAt(at)) {
            case 34: {
                const end = closing(text, at);
                if (end < 0)
                    return outline;
                if (level === 1) {
                    const word = unescape(text, at + 1, end, isValue && !head);
                    if (!isValue) {
                        key = word;
                    }
                    else if (head && (key === "kind" || key === "cid" || key === "dir")) {
                        // A cid that stands twice cannot be read: whose call it is would depend on the reader.
                        head[key] = key === "cid" && twice ? undefined : word;
                        if (key === "cid")
                            twice = true;
                    }
                }
                at = end;
                break;
            }
            case 58:
                if (level === 1) {
                    outline.keys++;
                    isValue = true;
                    inMeta = key === "meta";
                }
                else if (level === 2 && inMeta) {
                    outline.metaKeys++;
                }
                break;
            case 44:
                if (level === 1)
                    isValue = false;
                break;
            case 123:
            case 91:
                if (++level > outline.depth)
                    outline.depth = level;
                break;
            case 125:
            case 93:
                if (!--level)
                    return outline;
        }
    }
    return outline;
}
/** The index of the quote that ends the string which begins at `at`; negative where there is none. */
function closing(text, at) {
    for (;;) {
        at = text.indexOf('"', at + 1);
        let slash = at;
        while (text.charCodeAt(slash - 1) === 92)
            slash--;
        if (at < 0 || (at - slash) % 2 === 0)
            return at;
    }
}
function unescape(text, start, end, unread) {
    if (unread)
        return "";
    const word = text.slice(start, end);
    if (!word.includes("\\"))
        return word;
    try {
        return JSON.parse(`"${word}"`);
    }
    catch {
        return "";
    }
}
//# sourceMappingURL=scan.js.map