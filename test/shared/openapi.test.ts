// `UPDATE_SCHEMAS=1 npx vitest run test/shared/openapi.test.ts` writes the published files anew.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ManifestSchema } from '../../shared/contract/manifest.js';
import { ROUTES, type RouteSpec } from '../../shared/contract/routes.js';
import { manifestJsonSchema, planJsonSchema } from '../../shared/manifest/jsonSchema.js';
import { openApi } from '../../shared/openapi.js';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const published = [
  { file: 'docs/openapi.json', generate: () => openApi(version) },
  { file: 'docs/schemas/manifest.json', generate: manifestJsonSchema },
  { file: 'docs/schemas/plan.json', generate: planJsonSchema },
];
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

if (process.env.UPDATE_SCHEMAS) {
  for (const { file, generate } of published)
    writeFileSync(file, `${JSON.stringify(generate(), undefined, 2)}\n`);
  execFileSync('npx', ['oxfmt', ...published.map(({ file }) => file)]);
}

interface Operation {
  operationId: string;
  parameters: { name: string; in: string }[];
  security: object[];
  responses: Record<string, object>;
}
const api = openApi(version) as {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object> };
};

describe('what is published', () => {
  it.each(published)('$file is what the code says', ({ file, generate }) => {
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(plain(generate()));
  });
});

describe('the OpenAPI description', () => {
  it.each(Object.entries(ROUTES) as [string, RouteSpec][])('has %s as the table has it', (name, route) => {
    const operation = api.paths[`/api/${route.path}`]?.[route.method.toLowerCase()];
    expect(operation).toMatchObject({ operationId: name, summary: route.summary });
    const inPath = operation?.parameters.filter((one) => one.in === 'path').map((one) => one.name);
    expect(inPath).toEqual([...route.path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter));
    expect(operation?.responses).toHaveProperty(String(route.status ?? 200));
    const open = route.access.some((who) => ['anyone', 'signature', 'enrolment'].includes(who));
    expect(operation?.security.length === 0).toBe(open);
  });

  it('refers to nothing that is not there', () => {
    const references = [...JSON.stringify(api).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)];
    expect(references.length).toBeGreaterThan(20);
    const missing = references.filter(([, id = '']) => api.components.schemas[id] === undefined);
    expect(missing).toEqual([]);
  });
});

describe('the JSON Schema of a manifest', () => {
  const schema = manifestJsonSchema() as {
    properties: Record<string, { description?: string }>;
    required: string[];
  };

  it('has every field, each with what it takes, and asks for the prompt alone', () => {
    expect(Object.keys(schema.properties)).toEqual(Object.keys(ManifestSchema.shape));
    const bare = Object.entries(schema.properties).filter(([, { description }]) => !description);
    expect(bare).toEqual([]);
    expect(schema.required).toEqual(['body']);
  });
});
