import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Language, Parser, type Node } from 'web-tree-sitter';

// No Bicep compiler is needed to run the tests: the grammar says whether a file parses, and the checks below catch
// what a typo most often breaks. Where `bicep` is on the PATH, it compiles the whole as well.

const require = createRequire(import.meta.url);
const infra = path.resolve('infra');
const modules = readdirSync(path.join(infra, 'modules')).map((name) => path.join('modules', name));
const files = ['main.bicep', ...modules];
const read = (file: string): string => readFileSync(path.join(infra, file), 'utf8');

let parser: Parser;

beforeAll(async () => {
  await Parser.init();
  parser = new Parser();
  parser.setLanguage(await Language.load(require.resolve('tree-sitter-bicep/tree-sitter-bicep.wasm')));
});

const parse = (text: string): Node => {
  const tree = parser.parse(text);
  if (!tree) throw new Error('the parser gave no tree');
  return tree.rootNode;
};

const nodesOf = (root: Node, type: string): Node[] =>
  root.descendantsOfType(type).filter((node) => node !== null);

/** Parameters a module declares, and which of them have no default. */
const parametersOf = (file: string): { name: string; required: boolean }[] =>
  [...read(file).matchAll(/^param (\w+) \w+( =)?/gm)].map(([, name = '', fallback]) => ({
    name,
    required: !fallback,
  }));

const outputsOf = (file: string): string[] =>
  [...read(file).matchAll(/^output (\w+) /gm)].map(([, name = '']) => name);

describe('the infrastructure', () => {
  it.each(files)('%s parses without an error', (file) => {
    const root = parse(read(file));
    const errors = nodesOf(root, 'ERROR').map(
      (node) => `line ${node.startPosition.row + 1}: ${node.text.slice(0, 80)}`,
    );
    expect(errors).toEqual([]);
    expect(root.hasError).toBe(false);
  });

  it('finds an error where there is one', () => {
    expect(parse("resource x 'a@b' = {\n  name: \n").hasError).toBe(true);
  });

  it.each(files)('%s describes each parameter', (file) => {
    const undescribed = [...read(file).matchAll(/^((?:@.*\n)*)param (\w+)/gm)]
      .filter(([, decorators = '']) => !decorators.includes('@description('))
      .map(([, , name]) => name);
    expect(undescribed).toEqual([]);
  });

  it.each(modules)('%s gets every parameter it asks for, and no other', (file) => {
    const call = new RegExp(
      `module \\w+ '${file}' = (?:if \\(.*\\) )?\\{[\\s\\S]*?\\n  params: \\{\\n([\\s\\S]*?)\\n  \\}`,
    ).exec(read('main.bicep'));
    expect(call, `main.bicep does not use ${file}`).not.toBeNull();
    const passed = [...(call?.[1] ?? '').matchAll(/^ {4}(\w+):/gm)].map(([, name]) => name);
    const declared = parametersOf(file);
    expect(passed.filter((name) => !declared.some((parameter) => parameter.name === name))).toEqual([]);
    expect(declared.filter(({ name, required }) => required && !passed.includes(name))).toEqual([]);
  });

  it('uses only outputs that the modules have', () => {
    const main = read('main.bicep');
    const moduleFiles = new Map(
      [...main.matchAll(/^module (\w+) '([^']+)'/gm)].map(([, name = '', file = '']) => [name, file]),
    );
    const missing = [...main.matchAll(/\b(\w+)\.outputs\.(\w+)/g)]
      .filter(([, name = '', output = '']) => !outputsOf(moduleFiles.get(name) ?? '').includes(output))
      .map(([use]) => use);
    expect(missing).toEqual([]);
  });

  it('reads fields of the topology that exist', () => {
    const topology = JSON.parse(readFileSync('shared/topology.json', 'utf8')) as Record<string, unknown>;
    const fields = [...read('main.bicep').matchAll(/\btopology\.(?!json)(\w+)/g)].map(
      ([, field = '']) => field,
    );
    expect(fields.length).toBeGreaterThan(3);
    expect(fields.filter((field) => !(field in topology))).toEqual([]);
    const queueFields = [...read('modules/serviceBus.bicep').matchAll(/poolQueue\.(\w+)/g)].map(
      ([, field = '']) => field,
    );
    expect(queueFields.filter((field) => !(field in (topology.poolQueue as object)))).toEqual([]);
  });

  it('sets every setting that the sample settings name', () => {
    const sample = JSON.parse(readFileSync('local.settings.sample.json', 'utf8')) as {
      Values: Record<string, string>;
    };
    const app = read('modules/functionApp.bicep');
    const missing = Object.keys(sample.Values)
      .filter(
        (name) =>
          !['FUNCTIONS_WORKER_RUNTIME', 'AzureWebJobsStorage'].includes(name) && !name.startsWith('SAMPLE_'),
      )
      .filter((name) => !new RegExp(`\\b${name}(__\\w+)?:`).test(app));
    expect(missing).toEqual([]);
  });

  it('leaves no account open to keys', () => {
    expect(read('modules/storage.bicep')).toContain('allowSharedKeyAccess: false');
    expect(read('modules/serviceBus.bicep')).toContain('disableLocalAuth: true');
    expect(read('modules/cosmos.bicep')).toContain('disableLocalAuth: true');
    expect(read('modules/monitoring.bicep')).toContain('DisableLocalAuth: true');
  });

  it.runIf(hasBicep())('compiles', () => {
    expect(
      execFileSync('bicep', ['build', '--stdout', path.join(infra, 'main.bicep')], { encoding: 'utf8' }),
    ).toContain('$schema');
  });
});

function hasBicep(): boolean {
  try {
    execFileSync('bicep', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
