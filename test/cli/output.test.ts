import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exitCodeOf } from '../../cli/exitCodes.js';
import { describeFailure, describeProblem } from '../../cli/failures.js';
import { age, clean, cleanLog, cut, painter, table, took } from '../../cli/text.js';
import { AppError } from '../../shared/errors.js';
import { aq } from './system.js';

const plain = (_: string, text: string): string => text;

describe('aq manifest validate', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'aq-manifest-'));
    await writeFile(path.join(folder, 'good.md'), '---\nengine: shell\nrepo: /r\n---\necho\n');
    await writeFile(path.join(folder, 'bad.md'), '---\nrepo: /r\ntimeout: soon\n---\necho\n');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('needs no connection and names each problem of each file', async () => {
    const answer = await aq(['manifest', 'validate', 'good.md', 'bad.md'], { cwd: folder });
    expect([answer.code, answer.stderr]).toEqual([2, '']);
    expect(answer.stdout).toMatch(/^ok {2}good\.md\n1 problem {2}bad\.md\n {2}bad\.md:3:\d+: timeout/);
    const all = await aq(['manifest', 'validate', 'good.md', '--json'], { cwd: folder });
    expect([all.code, JSON.parse(all.stdout)]).toEqual([
      0,
      { files: [{ file: 'good.md', ok: true, problems: [], warnings: [] }] },
    ]);
  });

  it('reads standard input', async () => {
    expect((await aq(['manifest', 'validate', '-'], { stdin: '{"body":"x","repo":"/r"}' })).code).toBe(0);
  });
});

describe('the command line', () => {
  it('helps, with examples and exit codes', async () => {
    const help = await aq(['--help']);
    expect([help.code, help.stderr]).toEqual([0, '']);
    expect(help.stdout).toContain('Exit codes:');
    expect(help.stdout).not.toContain('__complete');
  });

  it('has examples in the help of every command and every group, down from the list of all', async () => {
    const seen: string[] = [];
    const look = async (...command: string[]): Promise<void> => {
      const { stdout } = await aq([...command, '--help']);
      expect([command, stdout]).toEqual([command, expect.stringMatching(/^Examples:\n {2}\S/m)]);
      seen.push(command.join(' '));
      const names = /^Commands:\n((?: .*\n)+)/m.exec(stdout)?.[1]?.matchAll(/^ {2}([a-z]+)/gm) ?? [];
      for (const [, name = ''] of names) if (name !== 'help') await look(...command, name);
    };
    await look();
    expect(seen).toEqual(expect.arrayContaining(['submit', 'budget', 'children add', 'audit verify']));
  });

  it('says what is wrong with it, and exits with 2', async () => {
    expect(await aq([])).toMatchObject({ code: 2, stdout: '' });
    const typo = await aq(['shpi']);
    expect([typo.code, typo.stderr]).toEqual([2, expect.stringContaining('Did you mean ship?')]);
    expect((await aq(['show'])).stderr).toBe(
      'Error: aq show needs <job>: its id, or the beginning of it.\n' +
        '  expected  aq show [options] <job>\n  example   aq show job-3f9a\n`aq show --help` tells more.\n',
    );
    expect(JSON.parse((await aq(['reject', '3f9a', '--json'])).stderr)).toMatchObject({
      error: { code: 'invalid-request', example: expect.stringContaining('aq reject 3f9a') as unknown },
    });
    expect((await aq(['list', '--wat'])).code).toBe(2);
  });
});

describe('a failure', () => {
  it('has an exit code by its kind', () => {
    expect(exitCodeOf('invalid-manifest')).toBe(2);
    expect(exitCodeOf('not-found')).toBe(3);
    expect(exitCodeOf('illegal-transition')).toBe(4);
    expect(exitCodeOf('unavailable')).toBe(5);
    expect(exitCodeOf('internal')).toBe(1);
  });

  it('says what, what is possible, when, and the cure', () => {
    const error = new AppError('unavailable', 'the bus is away', { retryAfterSeconds: 3 });
    expect(describeFailure(error, plain)).toMatch(
      /^Error: the bus is away\.\nTry again in 3 s\.\n.*npm start/,
    );
    const stage = new AppError('illegal-transition', 'no', { legal: ['ship', 'cancel'] });
    expect(describeFailure(stage, plain)).toBe('Error: no.\nPossible now: ship, cancel.');
  });

  it('of a field says where, what was expected, and the nearest name, each once', () => {
    expect(
      describeProblem(
        { path: 'budget.usd', message: 'is "x"', expected: 'an amount', line: 4 },
        plain,
        'a.md',
      ),
    ).toBe('  a.md:4:1: budget.usd: is "x"; expected an amount');
    expect(
      describeProblem(
        { path: 'engin', message: 'engin is unknown', nearest: 'engine', expected: 'x'.repeat(99) },
        plain,
      ),
    ).toBe('  engin is unknown; did you mean "engine"?');
  });
});

describe('text', () => {
  it('is coloured only where a person looks and wants it', () => {
    const sink = (isTTY: boolean): Parameters<typeof painter>[0] => ({ write: () => {}, isTTY, columns: 80 });
    expect(painter(sink(true), {})('red', 'x')).toBe('\u001B[31mx\u001B[39m');
    expect(painter(sink(false), {})('red', 'x')).toBe('x');
    expect(painter(sink(true), { NO_COLOR: '1' })('red', 'x')).toBe('x');
    expect(painter(sink(true), { TERM: 'dumb' })('red', 'x')).toBe('x');
  });

  it('of others keeps nothing that a terminal obeys', () => {
    const nasty = 'a\u001B]0;title\u0007b\u001B[2Jc\rd\u0000e\u009B31mf\u202Eg';
    expect(clean(nasty)).toBe('abcdefg');
    expect(cleanLog('\u001B[31mred\u001B[0m\u001B[2J 50%\r100%\u0007\n')).toBe(
      '\u001B[31mred\u001B[0m 50%\r100%\n',
    );
  });

  it('stands in columns, whatever its colours, and ends at the edge', () => {
    const rows = [
      ['A', 'LONG', 'TITLE'],
      ['\u001B[31mxx\u001B[39m', 'y', 'a title that is too long to fit'],
    ];
    expect(table(rows, 24)).toBe('A   LONG  TITLE\n\u001B[31mxx\u001B[39m  y     a title that…');
    expect(cut('abcdef', 4)).toBe('abc…');
  });

  it('says how long in one unit', () => {
    expect([900, 90_000, 5_400_000, 90_000_000, 900_000_000].map(age)).toEqual([
      '1 s',
      '90 s',
      '90 min',
      '25 h',
      '10 d',
    ]);
    expect([12, 3400, 125_000].map(took)).toEqual(['12 ms', '3.4 s', '2 min 5 s']);
  });
});
