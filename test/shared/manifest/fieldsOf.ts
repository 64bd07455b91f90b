import { z } from 'zod';

/** Dotted paths of every field that a schema knows, through its defaults, options and unions. */
export function fieldsOf(schema: z.core.$ZodType, above = ''): string[] {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional)
    return fieldsOf(schema.unwrap() as z.core.$ZodType, above);
  if (schema instanceof z.ZodUnion)
    return [...new Set(schema.options.flatMap((option) => fieldsOf(option as z.core.$ZodType, above)))];
  if (!(schema instanceof z.ZodObject)) return [];
  return Object.entries(schema.shape).flatMap(([name, inner]) => [
    above + name,
    ...fieldsOf(inner as z.core.$ZodType, `${above}${name}.`),
  ]);
}
