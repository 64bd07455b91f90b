import type { Command } from 'commander';
import { allProducts } from '../../shared/client/allProducts.js';
import type { RouteCall } from '../../shared/contract/routeTypes.js';
import { AppError } from '../../shared/errors.js';
import { action, type Context } from '../context.js';
import { readInput } from '../input.js';
import { inFile } from '../failures.js';
import type { Io } from '../io.js';
import { clean, oneLine, table } from '../text.js';

interface Flags {
  product?: string;
}

export function addProduct(program: Command, io: Io): void {
  const product = program.command('product').description('a product and what it allows');
  product
    .command('list')
    .description('those that you may look at')
    .addHelpText(
      'after',
      '\nExamples:\n  aq product list\n  aq product list --json | jq -r .products[].productId',
    )
    .action(action<[], object>(io, list));
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
    verify: npm test
  pushPolicy: branch        # direct: profiles with push-policy direct push to the base branch`,
    )
    .action(action<[string], Flags>(io, put));
}

async function list(context: Context): Promise<void> {
  const client = await context.client();
  const products = await allProducts(client);
  context.answer({ products }, () =>
    products.length === 0
      ? 'no products yet; an admin makes one: aq product put FILE -p ID'
      : table(
          products.map(({ productId, name, paused }) => [
            productId,
            oneLine(name),
            paused ? context.paint('yellow', `paused: ${oneLine(paused.reason)}`) : '',
          ]),
          context.io.stdout.columns,
        ),
  );
}

async function show(context: Context, _flags: object, id: string | undefined): Promise<void> {
  const client = await context.client();
  const product = await client.getProduct({ params: { productId: await context.product(id) } });
  const { productId, name, ...settings } = product;
  const { writeProductFile } = await import('../productFile.js');
  context.answer(product, () => clean(writeProductFile({ productId, name, ...settings })).trimEnd());
}

async function put(context: Context, flags: Flags, file: string): Promise<void> {
  const text = await readInput(context.io, file);
  await save(context, flags, text).catch((error: unknown) => {
    throw inFile(error, file);
  });
}

async function save(context: Context, flags: Flags, text: string): Promise<void> {
  const { readProductFile } = await import('../productFile.js');
  const file = readProductFile(text);
  const productId = await context.product(flags.product ?? file.productId);
  const client = await context.client();
  const body = file.settings as RouteCall<'putProduct'>['body'];
  const product = await client.putProduct({ params: { productId }, body }).catch((error: unknown) => {
    if (!(error instanceof AppError) || !error.detail.problems) throw error;
    const problems = error.detail.problems.map(file.placed);
    throw new AppError(error.code, error.message, { ...error.detail, problems }, { cause: error });
  });
  context.answer(product, () => `product ${product.productId} is saved`);
}
