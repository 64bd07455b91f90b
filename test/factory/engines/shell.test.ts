import { expect, test } from 'vitest';
import { scriptOf } from '../../../factory/engines/shell.js';

test('takes the whole body when it has no block', () => {
  expect(scriptOf('echo one\necho two')).toEqual({ text: 'echo one\necho two', interpreter: 'sh' });
});

test('takes the sh, bash and shell blocks, one after the other, and nothing else', () => {
  const body = [
    'Please do this:',
    '```sh',
    'echo one',
    '```',
    'and not this:',
    '```js',
    'process.exit()',
    '```',
    '```',
    'neither this',
    '```',
    '~~~shell',
    'echo two',
    '~~~',
  ].join('\n');
  expect(scriptOf(body)).toEqual({ text: 'echo one\n\necho two\n', interpreter: 'sh' });
});

test('asks for bash as soon as one block does', () => {
  expect(scriptOf('```sh\na\n```\n```bash title="x"\nb\n```').interpreter).toBe('bash');
});

test('reads what a web form sends, with carriage returns', () => {
  expect(scriptOf('```sh\r\necho one\r\n```\r\n').text).toBe('echo one\n');
});

test('keeps a shorter fence inside of a block', () => {
  expect(scriptOf('````sh\ncat <<X\n```\nX\n````').text).toBe('cat <<X\n```\nX\n');
});

test('does not take a language that only begins alike', () => {
  expect(scriptOf('```shellsession\n$ ls\n```').text).toContain('shellsession');
});
