/** What differs between Linux, macOS and Windows, as tables: these run on whatever system the tests run on. */
import { describe, expect, it } from 'vitest';
import { lockAddress } from '../../../factory/instanceLock.js';
import { treeEndOf } from '../../../factory/processes/group.js';
import { invocationOf, placesOf } from '../../../factory/processes/program.js';
import { settingsOf } from '../../../factory/workspace/gitDir.js';
import { whyNoPlace } from '../../../factory/workspace/mirror.js';

describe('the end of a process tree', () => {
  it.each([
    ['linux', 'SIGTERM', true, { kind: 'signal', pid: -42, signal: 'SIGTERM' }],
    ['linux', 'SIGKILL', false, { kind: 'signal', pid: -42, signal: 'SIGKILL' }],
    ['darwin', 'SIGTERM', true, { kind: 'signal', pid: -42, signal: 'SIGTERM' }],
    ['darwin', 'SIGKILL', false, { kind: 'signal', pid: -42, signal: 'SIGKILL' }],
    ['win32', 'SIGTERM', true, { kind: 'program', command: 'taskkill', args: ['/pid', '42', '/T', '/F'] }],
    ['win32', 'SIGKILL', true, { kind: 'program', command: 'taskkill', args: ['/pid', '42', '/T', '/F'] }],
    // The id of a child that has ended may be a stranger's.
    ['win32', 'SIGKILL', false, undefined],
  ] as const)('on %s by %s, child alive %s', (platform, signal, isAlive, end) => {
    expect(treeEndOf(42, signal, isAlive, platform)).toEqual(end);
  });
});

describe('a program is looked for', () => {
  const windows = { Path: 'C:\\a;D:\\b', PATHEXT: '.EXE;.CMD' };
  it.each([
    ['linux', 'git', { PATH: '/a:/b' }, ['/a/git', '/b/git']],
    ['darwin', 'git', { PATH: '/opt/homebrew/bin:/usr/bin' }, ['/opt/homebrew/bin/git', '/usr/bin/git']],
    ['linux', 'git', { PATH: '.::bin:/a' }, ['/a/git']],
    ['linux', 'git', { Path: '/a' }, []],
    ['linux', 'git', {}, []],
    [
      'win32',
      'claude',
      windows,
      ['C:\\a\\claude.EXE', 'C:\\a\\claude.CMD', 'D:\\b\\claude.EXE', 'D:\\b\\claude.CMD'],
    ],
    ['win32', 'claude.cmd', windows, ['C:\\a\\claude.cmd', 'D:\\b\\claude.cmd']],
    ['win32', 'node', { PATH: 'C:\\n' }, ['.COM', '.EXE', '.BAT', '.CMD'].map((end) => `C:\\n\\node${end}`)],
    ['win32', 'node', { path: 'C:\\n', pathext: '.exe' }, ['C:\\n\\node.exe']],
    [
      'win32',
      'node',
      { PATH: '"C:\\a;b";"C:\\Program Files\\n"; ;bin;', PATHEXT: '.EXE' },
      ['C:\\a;b\\node.EXE', 'C:\\Program Files\\n\\node.EXE'],
    ],
    [
      'win32',
      'node',
      { PATH: '\\\\server\\tools;C:/t', PATHEXT: '.EXE' },
      ['\\\\server\\tools\\node.EXE', 'C:\\t\\node.EXE'],
    ],
  ] as const)('on %s %s with %o', (platform, name, env, places) => {
    expect(placesOf(name, env, platform)).toEqual(places);
  });
});

describe('a program is started', () => {
  const cmd = (line: string, command = 'cmd.exe') => ({
    command,
    args: ['/d', '/s', '/c', `"${line}"`],
    isVerbatim: true,
  });
  it.each([
    ['linux', '/bin/a.cmd', ['a b'], {}, { command: '/bin/a.cmd', args: ['a b'], isVerbatim: false }],
    [
      'win32',
      'C:\\n\\node.exe',
      ['a b'],
      {},
      { command: 'C:\\n\\node.exe', args: ['a b'], isVerbatim: false },
    ],
    ['win32', 'C:\\n\\claude.cmd', ['--version'], {}, cmd('C:\\n\\claude.cmd --version')],
    ['win32', 'C:\\n\\x.BAT', [], { ComSpec: 'C:\\w\\cmd.exe' }, cmd('C:\\n\\x.BAT', 'C:\\w\\cmd.exe')],
    [
      'win32',
      'C:\\Users\\Ann B\\npm\\codex.cmd',
      ['-C', 'D:\\w\\1'],
      {},
      cmd('C:\\Users\\Ann^ B\\npm\\codex.cmd -C D:\\w\\1'),
    ],
    ['win32', 'C:\\n\\codex.cmd', ['a&calc'], {}, cmd('C:\\n\\codex.cmd ^^^"a^^^&calc^^^"')],
    ['win32', 'C:\\n\\codex.cmd', ['p="g"'], {}, cmd('C:\\n\\codex.cmd ^^^"p=\\^^^"g\\^^^"^^^"')],
    ['win32', 'C:\\n\\codex.cmd', ['a b\\'], {}, cmd('C:\\n\\codex.cmd ^^^"a^^^ b\\\\^^^"')],
    ['win32', 'C:\\n\\codex.cmd', [''], {}, cmd('C:\\n\\codex.cmd ^^^"^^^"')],
    ['win32', 'C:\\n\\codex.cmd', ['%PATH%'], {}, cmd('C:\\n\\codex.cmd ^^^"^^^%PATH^^^%^^^"')],
  ] as const)('on %s %s %j', (platform, program, args, env, expected) => {
    expect(invocationOf(program, args, env, platform)).toEqual(expected);
  });
});

describe('a repository that a job names', () => {
  const relative = 'is a relative path: name an absolute one, or an address';
  const ofWindows = 'is a path of Windows, and this factory runs elsewhere';
  it.each([
    ['/srv/git/a.git', undefined, undefined],
    ['https://example.com/a.git', undefined, undefined],
    ['file:///C:/work/a', undefined, undefined],
    ['git@example.com:o/a.git', undefined, undefined],
    ['example:a', undefined, undefined],
    ['C:\\work\\a', ofWindows, undefined],
    ['c:/work/a', ofWindows, undefined],
    ['\\\\server\\share\\a', ofWindows, undefined],
    ['work/a', relative, relative],
    ['..\\a', relative, relative],
    ['c:work', undefined, relative],
  ])('%s: %s on Linux and macOS, %s on Windows', (repo, elsewhere, onWindows) => {
    expect(whyNoPlace(repo, 'linux')).toBe(elsewhere);
    expect(whyNoPlace(repo, 'darwin')).toBe(elsewhere);
    expect(whyNoPlace(repo, 'win32')).toBe(onWindows);
  });
});

describe('the settings of a repository of ours', () => {
  const common = ['repositoryformatversion = 0', 'bare = true', 'autocrlf = false'];
  it.each([
    ['linux', false, ['filemode = true']],
    ['linux', true, ['filemode = true', 'ignorecase = true']],
    ['darwin', true, ['filemode = true', 'ignorecase = true', 'precomposeunicode = true']],
    ['win32', true, ['filemode = false', 'ignorecase = true', 'symlinks = false', 'longpaths = true']],
  ] as const)('on %s, letters ignored: %s', (platform, ignoresCase, own) => {
    const [heading, ...lines] = settingsOf(true, ignoresCase, platform).trimEnd().split('\n');
    expect(heading).toBe('[core]');
    expect(lines.map((line) => line.trim()).toSorted()).toEqual([...common, ...own].toSorted());
  });
});

describe('what locks a data folder', () => {
  const long = `/Users/ann/${'deep/'.repeat(30)}factory`;
  it.each([
    ['linux', '/var/lib/factory', /^\/var\/lib\/factory\/lock$/],
    ['darwin', '/Users/ann/Library/factory', /^\/Users\/ann\/Library\/factory\/lock$/],
    // The address of a socket takes 104 bytes there.
    ['darwin', long, /\/gigafactory-[0-9a-f]{16}\.lock$/],
    ['win32', 'C:\\factory', /^\\\\\.\\pipe\\gigafactory-[0-9a-f]{16}$/],
  ] as const)('on %s, %s', (platform, folder, address) => {
    expect(lockAddress(folder, platform)).toMatch(address);
    expect(lockAddress(folder, platform).length).toBeLessThanOrEqual(104);
  });

  it('is one for a folder of Windows in whatever letters, and another for another folder', () => {
    expect(lockAddress('c:\\Factory', 'win32')).toBe(lockAddress('C:\\factory', 'win32'));
    expect(lockAddress('C:\\other', 'win32')).not.toBe(lockAddress('C:\\factory', 'win32'));
  });
});
