import type { YamlEntry, YamlScalar } from '#util/yaml/yaml-tree.ts';

import type { AddComplaint } from './check-keys.ts';

/** Parts of the names of products. */
const nameParts: readonly string[] = ['name', 'build', 'build_name', 'dbtag'];

/** Params whose checks say themselves what is wrong with a number or with an empty value. */
const checkedElsewhere: readonly string[] = ['version', 'mem', 'disk', 'script', 'payload', 'dump', 'dbinput'];

const kindNames: Readonly<Record<YamlScalar['kind'], string>> = {
  text: 'text',
  integer: 'number',
  float: 'number',
  boolean: 'boolean',
  null: 'empty value',
  timestamp: 'date',
};

/**
 * Complains of params that YAML reads as something else than what is written. In the name of a product that is an error:
 * `build: 1.10` is the number 1.1, and its products would be those of another build. Elsewhere the rule may have been
 * written for it, as the original reads it so too.
 *
 * @param params the entries of `params`
 * @param used the names in fields and macros of the rule's texts
 */
export function checkScalars(
  params: ReadonlyMap<string, YamlEntry>,
  used: ReadonlySet<string>,
  add: AddComplaint,
): void {
  for (const [key, { value }] of params) {
    const items = value.shape === 'list' ? value.items : [value];
    for (const item of items) if (item.shape === 'scalar') checkScalar(key, item, used, add);
  }
}

function checkScalar(key: string, value: YamlScalar, used: ReadonlySet<string>, add: AddComplaint): void {
  const { kind, text, source, place } = value;
  const path = `params.${key}`;
  if (kind === 'text') return;
  const what = text === source ? `a ${kindNames[kind]}` : `the ${kindNames[kind]} ${text}`;
  if (nameParts.includes(key)) {
    if (kind !== 'null') add('error', path, `${path}: ${source} is read as ${what}`, `quotes: '${source}'`, place);
  } else if (checkedElsewhere.includes(key) || !used.has(key)) {
    return;
  } else if (kind === 'null') {
    add('warning', path, `${path} is empty and is read as '${text}'`, "a value, or ''", place);
  } else if (text !== source && text !== source.replaceAll('_', '')) {
    add('warning', path, `${path}: ${source} is read as ${what}`, 'quotes to keep it as written', place);
  }
}
