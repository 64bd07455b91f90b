/** The shell engine: the job's body is the script. It runs what it is told, so products must allow it by name. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Usage } from '../../shared/contract/job.js';
import { CHECKPOINT_VARIABLE } from '../processes/environment.js';
import { runChild } from '../processes/child.js';
import { findProgram } from '../processes/program.js';
import { Tail } from '../runs/tail.js';
import type { Engine } from './engine.js';

/** How much of the output a failure's message quotes. */
const MESSAGE_LINES = 15;
const MESSAGE_BYTES = 3000;

/** An opening fence with one of our languages, what is inside, and the same fence again. */
const BLOCK = /^ {0,3}(`{3,}|~{3,})[ \t]*(sh|bash|shell)\b[^\n]*\n(.*?)^ {0,3}\1[`~]*[ \t]*$/gms;

export interface Script {
  readonly text: string;
  /** `bash` as soon as one block asks for it: what `sh` understands, it does too. */
  readonly interpreter: 'sh' | 'bash';
}

/** The fenced `sh`, `bash` and `shell` blocks of a body, one after the other; the whole body when there are none. */
export function scriptOf(body: string): Script {
  const blocks = [...body.replaceAll('\r\n', '\n').matchAll(BLOCK)];
  if (blocks.length === 0) return { text: body, interpreter: 'sh' };
  return {
    text: blocks.map(([, , , text]) => text).join('\n'),
    interpreter: blocks.some(([, , language]) => language === 'bash') ? 'bash' : 'sh',
  };
}

export const shell: Engine = {
  name: 'shell',
  variables: [],

  // A script runs from its first line again: one that does not look would do things twice.
  goesOn: (body) => body.includes(CHECKPOINT_VARIABLE),

  async probe(env) {
    const at = await findProgram('sh', env);
    return at === undefined ? undefined : { at, loggedIn: true, credential: 'none is needed' };
  },

  async run(request, signal) {
    const script = scriptOf(request.body);
    if (script.text.trim() === '') {
      return { kind: 'unfit', message: 'the job has no script: its body is empty' };
    }
    const interpreter = await findProgram(script.interpreter, request.env);
    if (interpreter === undefined) {
      return { kind: 'unfit', message: `${script.interpreter} is not on this factory's PATH` };
    }
    const file = path.join(request.scratch, 'job.sh');
    await writeFile(file, script.text);
    const tail = new Tail(MESSAGE_BYTES);
    const running = runChild(
      {
        command: interpreter,
        args: ['-eu', file],
        cwd: request.worktree,
        env: request.env,
        timeoutMs: request.limits.wallSeconds * 1000,
        run: request.run,
        folders: [request.worktree, request.scratch],
        mergeOutput: true,
        onOutput(chunk) {
          tail.add(chunk);
          return request.onOutput(chunk);
        },
      },
      signal,
    );
    request.onStart();
    const end = await running;
    const usage: Usage = { wallSeconds: end.durationMs / 1000, tokens: 0, usd: 0, accuracy: 'exact' };
    switch (end.cause) {
      case 'aborted':
        return { kind: 'aborted', usage };
      case 'timeout':
        return { kind: 'ended', ceiling: 'wall', message: tail.text(MESSAGE_LINES), usage };
      case 'exit': {
        if (end.exitCode === 0) return { kind: 'completed', usage };
        const how = end.signal ? `was killed by ${end.signal}` : `ended with exit code ${end.exitCode}`;
        const message = `the script ${how}\n${tail.text(MESSAGE_LINES)}`.trim();
        return { kind: 'failed', exitCode: end.exitCode, message, usage };
      }
    }
  },
};
