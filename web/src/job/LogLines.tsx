import { memo } from 'react';
import { parseAnsi } from '../view/ansi.js';
import { shownLine, type LogBlock } from '../view/logBuffer.js';
import { AnsiText } from './AnsiText.js';

interface BlockProps {
  block: LogBlock;
  query: string;
  /** The line of the current match, if it is in this block. */
  current: number | undefined;
}

/** Blocks out of sight cost no layout (`content-visibility`), and a full block never renders again. */
const Block = memo(function Block({ block, query, current }: BlockProps) {
  return (
    <div className="log-block" style={{ containIntrinsicBlockSize: `auto ${block.lines.length * 18}px` }}>
      {block.lines.map((line, index) => {
        const number = block.first + index;
        return (
          <div key={number} id={`line-${number}`} className={number === current ? 'line current' : 'line'}>
            <span className="line-number" data-n={number + 1} aria-hidden="true" />
            <span className="line-text">
              <AnsiText segments={parseAnsi(shownLine(line))} query={query} />
            </span>
          </div>
        );
      })}
    </div>
  );
});

/** The lines of a log with their numbers. */
export function LogLines({
  blocks,
  query,
  current,
}: {
  blocks: readonly LogBlock[];
  query: string;
  current: number | undefined;
}) {
  return blocks.map((block) => {
    const inside =
      current !== undefined && current >= block.first && current < block.first + block.lines.length;
    return <Block key={block.first} block={block} query={query} current={inside ? current : undefined} />;
  });
}
