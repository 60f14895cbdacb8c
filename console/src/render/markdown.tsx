import { memo, useState, type ReactNode } from "react";

import { count } from "../shell/units.js";
import { Blocks, type Block } from "./blocks.js";
import { shownBlock } from "./elements.js";

/** Blocks that are compared at once when a text goes on. */
const GROUP = 32;
/** What the blocks of a text weigh, together, that are shown before more are asked for. */
const AT_ONCE = 4_000;

/**
 * A text of Markdown, which is not trusted: HTML in it is text, pictures are links, links lead to the web and to mail alone and
 * say where. While it is streamed, what nobody has finished writing is shown as what it is about to be; parts that are done
 * are not touched again.
 */
export const Markdown = memo(function Markdown({
  text,
  isStreaming = false,
}: {
  text: string;
  isStreaming?: boolean;
}): ReactNode {
  const [reader] = useState(() => new Blocks());
  const [room, setRoom] = useState(AT_ONCE);
  const all = reader.read(text, isStreaming);
  const fitting = fit(all, room);
  const left = all.length - fitting;
  const blocks = left === 0 ? all : all.slice(0, fitting);
  const groups = Array.from({ length: Math.ceil(blocks.length / GROUP) }, (_, at) => blocks.slice(at * GROUP, (at + 1) * GROUP));
  return (
    <div className="markdown" dir="auto">
      {groups.map((group, at) => (
        <Group key={at} blocks={group} isOpen={isStreaming && left === 0 && at === groups.length - 1} />
      ))}
      {left > 0 && (
        <p className="md-more">
          <button type="button" className="link-button" onClick={() => setRoom(room + 2 * AT_ONCE)}>
            {`${count(left)} more ${left === 1 ? "part" : "parts"} of the text`}
          </button>
        </p>
      )}
    </div>
  );
});

/** How many of the blocks there is room for, and one at least. */
function fit(blocks: readonly Block[], room: number): number {
  let taken = 0;
  for (const [at, block] of blocks.entries()) {
    taken += weightOf(block);
    if (taken > room && at > 0) return at;
  }
  return blocks.length;
}

const weights = new WeakMap<Block, number>();

/** The most that a block weighs: of lists and tables the first parts are shown, of whatever length they are. */
const HEAVIEST = AT_ONCE / 2;

/** About how many elements a block becomes. */
function weightOf(block: Block): number {
  const known = weights.get(block);
  if (known !== undefined) return known;
  const weight = block.tokens.reduce((sum, { nesting, children }) => sum + (nesting < 0 ? 0 : 1) + (children?.length ?? 0), 0);
  weights.set(block, Math.min(weight, HEAVIEST));
  return Math.min(weight, HEAVIEST);
}

const Group = memo(
  function Group({ blocks, isOpen }: { blocks: readonly Block[]; isOpen: boolean }): ReactNode {
    return blocks.map((block, at) => <Shown key={at} block={block} isOpen={isOpen && at === blocks.length - 1} />);
  },
  (was, is) =>
    was.isOpen === is.isOpen && was.blocks.length === is.blocks.length && was.blocks.every((block, at) => block === is.blocks[at]),
);

const Shown = memo(function Shown({ block, isOpen }: { block: Block; isOpen: boolean }): ReactNode {
  return shownBlock(block.tokens, isOpen);
});
