import { memo, useState, type ReactNode } from "react";

import { Blocks, type Block } from "./blocks.js";
import { shownBlock } from "./elements.js";

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
  const blocks = reader.read(text, isStreaming);
  const groups = Array.from({ length: Math.ceil(blocks.length / GROUP) }, (_, at) => blocks.slice(at * GROUP, (at + 1) * GROUP));
  return (
    <div className="markdown" dir="auto">
      {groups.map((group, at) => (
        <Group key={at} blocks={group} isOpen={isStreaming && at === groups.length - 1} />
      ))}
    </div>
  );
});

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
