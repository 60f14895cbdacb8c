import { memo, useState, type ReactNode } from "react";

import { count } from "../shell/units.js";
import { Blocks, type Block } from "./blocks.js";
import { shownBlock } from "./elements.js";
import { weightOf, WEIGHT_AT_ONCE } from "./weight.js";

/** Blocks that are compared at once when a text goes on. */
const GROUP = 32;

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
  const [room, setRoom] = useState(WEIGHT_AT_ONCE);
  const all = reader.read(text, isStreaming);
  const { fitting, roomOfLast } = fit(all, room);
  const left = all.length - fitting;
  const blocks = left === 0 ? all : all.slice(0, fitting);
  const groups = Array.from({ length: Math.ceil(blocks.length / GROUP) }, (_, at) => blocks.slice(at * GROUP, (at + 1) * GROUP));
  return (
    <div className="markdown" dir="auto">
      {groups.map((group, at) => (
        <Group
          key={at}
          blocks={group}
          isOpen={isStreaming && left === 0 && at === groups.length - 1}
          roomOfLast={at === groups.length - 1 ? roomOfLast : Infinity}
        />
      ))}
      {left > 0 && (
        <p className="md-more">
          <button type="button" className="link-button" onClick={() => setRoom(room + 2 * WEIGHT_AT_ONCE)}>
            {`${count(left)} more ${left === 1 ? "part" : "parts"} of the text`}
          </button>
        </p>
      )}
    </div>
  );
});

/** How many of the blocks there is room for, and the room of the last of them, which may have to do with less than it would take. */
function fit(blocks: readonly Block[], room: number): { fitting: number; roomOfLast: number } {
  let left = room;
  for (const [at, block] of blocks.entries()) {
    if (left <= 0) return { fitting: at, roomOfLast: Infinity };
    if (shareOf(block) > left) return { fitting: at + 1, roomOfLast: left };
    left -= shareOf(block);
  }
  return { fitting: blocks.length, roomOfLast: Infinity };
}

const shares = new WeakMap<Block, number>();

/** What a block takes of the room where there is enough of it. One that weighs more shows the rest of it when that is asked for. */
function shareOf(block: Block): number {
  const share = shares.get(block) ?? Math.min(weightOf(block.tokens), WEIGHT_AT_ONCE);
  shares.set(block, share);
  return share;
}

const Group = memo(
  function Group({ blocks, isOpen, roomOfLast }: { blocks: readonly Block[]; isOpen: boolean; roomOfLast: number }): ReactNode {
    return blocks.map((block, at) => {
      const isLast = at === blocks.length - 1;
      return <Shown key={at} block={block} isOpen={isOpen && isLast} room={Math.min(isLast ? roomOfLast : Infinity, shareOf(block))} />;
    });
  },
  (was, is) =>
    was.isOpen === is.isOpen &&
    was.roomOfLast === is.roomOfLast &&
    was.blocks.length === is.blocks.length &&
    was.blocks.every((block, at) => block === is.blocks[at]),
);

const Shown = memo(function Shown({ block, isOpen, room }: { block: Block; isOpen: boolean; room: number }): ReactNode {
  return shownBlock(block.tokens, isOpen, room);
});
