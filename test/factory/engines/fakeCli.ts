/** A CLI that plays what a real one said: a script on a PATH of its own, and an engine's request that finds it. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Engine, EngineLimits, EngineResult } from '../../../factory/engines/engine.js';
import { EngineSettingsSchema } from '../../../factory/engines/settings.js';
import { TemporaryFolder } from '../support/repository.js';

const STREAMS = path.resolve('test/factory/engines/streams');

/** A recorded stream: `claude-works` and so on. */
export const recorded = (name: string): string => path.join(STREAMS, `${name}.jsonl`);
export const recordedLines = (name: string): string[] =>
  readFileSync(recorded(name), 'utf8').trim().split('\n');

export class FakeCli implements Disposable {
  readonly folder = new TemporaryFolder();
  readonly worktree = path.join(this.folder.path, 'worktree');
  log = '';
  started = 0;
  private readonly bin = path.join(this.folder.path, 'bin');
  private readonly scratch = path.join(this.folder.path, 'scratch');

  /** @param script for `sh`; `$@` are the arguments, standard input is the prompt, `$RUNS` counts the processes */
  constructor(program: string, script: string) {
    for (const folder of [this.bin, this.worktree, this.scratch]) mkdirSync(folder);
    const count = `RUNS=$(cat ${this.path('runs')} 2>/dev/null || echo 0); RUNS=$((RUNS + 1)); echo $RUNS > ${this.path('runs')}`;
    writeFileSync(path.join(this.bin, program), `#!/bin/sh\n${count}\n${script}\n`, { mode: 0o755 });
  }

  path(name: string): string {
    return path.join(this.folder.path, name);
  }

  read(name: string): string {
    return readFileSync(this.path(name), 'utf8');
  }

  async run(
    engine: Engine,
    more: {
      limits?: Partial<EngineLimits>;
      stallSeconds?: number;
      signal?: AbortSignal;
      yolo?: boolean;
    } = {},
  ): Promise<EngineResult> {
    const env = { PATH: `${this.bin}:/usr/bin:/bin`, HOME: this.folder.path, HERE: this.folder.path };
    return engine.run(
      {
        body: 'the job',
        prompt: 'Please do the job',
        run: `job-fake${process.pid}.1`,
        worktree: this.worktree,
        scratch: this.scratch,
        repo: '/nowhere',
        baseCommit: '0'.repeat(40),
        env,
        settings: EngineSettingsSchema.parse({ stallSeconds: more.stallSeconds ?? 30 }),
        limits: { wallSeconds: 30, ...more.limits },
        yolo: more.yolo ?? false,
        onOutput: (chunk) => {
          this.log += chunk.toString();
          return undefined;
        },
        onStart: () => {
          this.started += 1;
        },
      },
      more.signal ?? new AbortController().signal,
    );
  }

  [Symbol.dispose](): void {
    this.folder[Symbol.dispose]();
  }
}
