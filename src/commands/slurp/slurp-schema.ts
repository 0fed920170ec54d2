import * as z from 'zod';

import { writeOutput } from '#cli/output.ts';
import { siteFileSchema } from '#config/site-file/site-schema.ts';
import { ruleShape } from '#rules/rule-shape.ts';

/** The files that there is a schema for. */
export const schemaNames = ['rule', 'site'] as const;

/** Makes the JSON Schema of a kind of file, as it is written: for editors, which then complete and complain. */
export function makeFileSchema(name: (typeof schemaNames)[number]): z.core.JSONSchema.BaseSchema {
  const schema = name === 'site' ? siteFileSchema : z.record(z.string(), ruleShape);
  const title = name === 'site' ? 'Site file of SLURP' : 'Rule file of SLURP';
  return { title, ...z.toJSONSchema(schema, { io: 'input' }) };
}

/** Prints the JSON Schema of a kind of file. */
export async function runSlurpSchema(name: (typeof schemaNames)[number]): Promise<void> {
  await writeOutput(`${JSON.stringify(makeFileSchema(name), null, 2)}\n`);
}
