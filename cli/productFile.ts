// A product's settings as a file: YAML, or JSON, which is YAML too. Problems get the line that they are about.
import { isNode, LineCounter, parseDocument, stringify } from 'yaml';
import { AppError, type Problem } from '../shared/errors.js';
import { complaintOf } from '../shared/manifest/yamlErrors.js';

export interface ProductFile {
  /** `productId`, where the file names it. */
  productId: string | undefined;
  /** Everything else; the API validates it. */
  settings: object;
  /** The same problem with its place in the file, or of the nearest part around it. */
  placed: (problem: Problem) => Problem;
}

/** @throws AppError invalid-request with every problem of the syntax */
export function readProductFile(text: string): ProductFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const at = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  if (document.errors.length > 0)
    throw invalid(
      document.errors.map((error) => {
        const { offset, ...problem } = complaintOf(error);
        return { ...problem, ...at(offset) };
      }),
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
  // What `aq product show --json` writes can be put back as it is.
  const { productId, id: _id, type: _type, ...settings } = value as Record<string, unknown>;
  return {
    productId: typeof productId === 'string' ? productId : undefined,
    settings,
    placed: (problem) => {
      for (let keys = problem.path.split('.'); keys.length > 0; keys = keys.slice(0, -1)) {
        const node = document.getIn(keys, true);
        if (isNode(node) && node.range) return { ...problem, ...at(node.range[0]) };
      }
      return problem;
    },
  };
}

/** What `readProductFile` takes. */
export const writeProductFile = (settings: object): string => stringify(settings);

const invalid = (problems: Problem[]): AppError =>
  new AppError('invalid-request', 'the product is not valid', { problems });
