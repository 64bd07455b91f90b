import type { Command } from 'commander';
import { isNode, LineCounter, parseDocument, stringify, type Document } from 'yaml';
import type { RouteCall } from '../../shared/contract/routeTypes.js';
import { AppError, type Problem } from '../../shared/errors.js';
import { action, type Context } from '../context.js';
import { readInput } from '../input.js';
import { inFile } from '../failures.js';
import type { Io } from '../io.js';
import { clean } from '../text.js';

interface Flags {
  product?: string;
}

export function addProduct(program: Command, io: Io): void {
  const product = program.command('product').description('a product and what it allows');
  product
    .command('show')
    .description('as it is; the output is what `aq product put` takes')
    .argument('[id]', 'which one (default: of the connection)')
    .addHelpText('after', '\nExamples:\n  aq product show\n  aq product show web > web.yaml')
    .action(action<[string | undefined], object>(io, show));
  product
    .command('put')
    .description('create or change one from a YAML or JSON file')
    .argument('<file>', 'its settings; - reads them from standard input')
    .option('-p, --product <id>', 'which one (default: productId in the file, or of the connection)')
    .addHelpText(
      'after',
      `
Examples:
  aq product put web.yaml --product web

A file:
  name: Web shop
  defaults:
    repo: https://example.com/shop.git
    verify: npm test`,
    )
    .action(action<[string], Flags>(io, put));
}

async function show(context: Context, _flags: object, id: string | undefined): Promise<void> {
  const productId = await context.product(id);
  const client = await context.client();
  const product = await client.getProduct({ params: { productId } });
  const { id: _id, type: _type, ...settings } = product;
  context.answer(product, () => clean(stringify(settings)).trimEnd());
}

async function put(context: Context, flags: Flags, file: string): Promise<void> {
  const text = await readInput(context.io, file);
  await save(context, flags, text).catch((error: unknown) => {
    throw inFile(error, file);
  });
}

async function save(context: Context, flags: Flags, text: string): Promise<void> {
  const lines = new LineCounter();
  // YAML contains JSON; both come with lines.
  const document = parseDocument(text, { lineCounter: lines });
  if (document.errors.length > 0)
    throw invalid(
      document.errors.map(({ message, pos }) => ({
        path: '',
        message: message.split('\n')[0] ?? '',
        ...at(lines, pos[0]),
      })),
    );
  const value: unknown = document.toJS();
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid([
      {
        path: '',
        message: 'the file is not a map of fields',
        expected: 'lines such as name: Web shop',
        line: 1,
        column: 1,
      },
    ]);
  const { productId: own, id: _id, type: _type, ...settings } = value as Record<string, unknown>;
  const productId = await context.product(flags.product ?? (typeof own === 'string' ? own : undefined));
  const client = await context.client();
  try {
    // The API validates and tells every problem; here they get their lines.
    const body = settings as RouteCall<'putProduct'>['body'];
    const product = await client.putProduct({ params: { productId }, body });
    context.answer(product, () => `product ${product.productId} is saved`);
  } catch (error) {
    if (!(error instanceof AppError) || !error.detail.problems) throw error;
    const problems = error.detail.problems.map((problem) => ({
      ...problem,
      ...placeOf(document, lines, problem.path),
    }));
    throw new AppError(error.code, error.message, { ...error.detail, problems }, { cause: error });
  }
}

const invalid = (problems: Problem[]): AppError =>
  new AppError('invalid-request', 'the product is not valid', { problems });

function at(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}

/** Where a path stands in the file, or the nearest part around it. */
function placeOf(document: Document.Parsed, lines: LineCounter, dotted: string): Partial<Problem> {
  for (let keys = dotted.split('.'); keys.length > 0; keys = keys.slice(0, -1)) {
    const node = document.getIn(keys, true);
    if (isNode(node) && node.range) return at(lines, node.range[0]);
  }
  return {};
}
