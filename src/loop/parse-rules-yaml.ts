import { readYaml } from '#util/yaml/read-yaml.ts';

import type { YamlMap, YamlScalar, YamlValue } from '#util/yaml/yaml-tree.ts';

/** A rule of a list, with the options of `kaedama` that the list gives it. */
export interface ListedRule {
  readonly rule: string;
  readonly args: readonly string[];
}

/** What is known of the options of `kaedama`, by their long form. */
export interface OptionForms {
  readonly isManyValued: (option: string) => boolean;
  readonly isKnown: (option: string) => boolean;
}

/** The rules of a list, and everything that is wrong with it. A list with a problem must not be used. */
export interface RulesYaml {
  readonly rules: readonly ListedRule[];
  /** A sentence each, with the line. */
  readonly problems: readonly string[];
}

/**
 * Parses a list of rules with their options: `RULE: {option: value, …}`. An underscore in an option's name is a dash.
 * `true` gives the option alone, `false` its `--no-…` if there is one, null nothing, and a list each of its items. A
 * string is split at spaces if the option takes several values; otherwise it is one value.
 */
export function parseRulesYaml(text: string, forms: OptionForms): RulesYaml {
  const { tree, problems: ofForm } = readYaml(text);
  const problems = ofForm
    .filter(({ severity }) => severity === 'error')
    .map(({ place, message }) => `line ${place.line}: ${message}`);
  if (problems.length > 0 || tree === undefined) return { rules: [], problems };
  if (tree.shape !== 'map')
    return { rules: [], problems: ['The file is not a list of rules: expected RULE: {option: value}'] };
  const rules: ListedRule[] = [];
  for (const [rule, { value }] of tree.entries) {
    if (isNull(value)) rules.push({ rule, args: [] });
    else if (value.shape === 'map') rules.push({ rule, args: makeArguments(value, forms, problems) });
    else problems.push(`line ${value.place.line}: '${rule}' has no options: expected {option: value}`);
  }
  return { rules, problems };
}

function makeArguments(options: YamlMap, forms: OptionForms, problems: string[]): readonly string[] {
  return [...options.entries].flatMap(([key, { value }]) => {
    const option = `--${key.replaceAll('_', '-')}`;
    if (value.shape === 'map') {
      problems.push(`line ${value.place.line}: '${key}' is a mapping: expected a value or a list`);
      return [];
    }
    if (value.shape === 'list') {
      const items = value.items.filter((item): item is YamlScalar => item.shape === 'scalar');
      if (items.length === value.items.length) return items.length === 0 ? [] : [option, ...items.map(textOf)];
      problems.push(`line ${value.place.line}: '${key}' is a nested list: expected a list of values`);
      return [];
    }
    if (value.kind === 'null') return [];
    if (value.kind === 'boolean') {
      if (value.text === 'True') return [option];
      const negation = option.replace(/^--/u, '--no-');
      return forms.isKnown(negation) ? [negation] : [];
    }
    return [
      option,
      ...(forms.isManyValued(option)
        ? textOf(value)
            .split(/\s+/u)
            .filter((word) => word !== '')
        : [textOf(value)]),
    ];
  });
}

/** As written: `010` may be a tag, not the number 8. */
function textOf({ kind, source, text }: YamlScalar): string {
  return kind === 'text' ? text : source;
}

function isNull(value: YamlValue): boolean {
  return value.shape === 'scalar' && value.kind === 'null';
}
