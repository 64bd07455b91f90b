import { memo } from 'react';
import { parseAnsi } from '../view/ansi.js';
import { blockOf, shownLine, type LogBlock } from '../view/logBuffer.js';
import { AnsiText } from './AnsiText.js';

/** As in log.css; the browser takes it for the height of a block until it was in sight. */
const LINE_PX = 18;

interface BlockProps {
  block: LogBlock;
  /** Empty where the block has no match, so that a search renders those with matches alone. */
  query: string;
  /** The line of the current match, if it is in this block. */
  current: number | undefined;
}

/** Blocks out of sight cost no layout (`content-visibility`), and a full block never renders again. */
const Block = memo(function Block({ block, query, current }: BlockProps) {
  return (
    <div
      className="log-block"
      style={{ containIntrinsicBlockSize: `auto ${block.lines.length * LINE_PX}px` }}
    >
      {block.lines.map((line, index) => {
        const number = block.first + index;
        return (
          <div
            key={number}
            id={`line-${number}`}
            className={number === current ? 'line current' : 'line'}
            data-n={number + 1}
          >
            <AnsiText segments={parseAnsi(shownLine(line))} query={query} />
          </div>
        );
      })}
    </div>
  );
});

interface Props {
  blocks: readonly LogBlock[];
  query: string;
  /** Numbers of the lines that match. */
  matches: readonly number[];
  current: number | undefined;
}

/** The lines of a log with their numbers. */
export function LogLines({ blocks, query, matches, current }: Props) {
  const matching = new Set(matches.map(blockOf));
  return blocks.map((block) => (
    <Block
      key={block.first}
      block={block}
      query={matching.has(block.first) ? query : ''}
      current={current !== undefined && blockOf(current) === block.first ? current : undefined}
    />
  ));
}
