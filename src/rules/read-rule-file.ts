import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
  type Scalar,
  visit,
} from 'yaml';
import type { Complaint } from '#model/complaint.ts';
import { RuleError } from '#model/errors.ts';
import type { Place, Rule, TextSegment } from '#model/rule.ts';
import { explainError } from '#util/explain-error.ts';
import { makeRules } from './make-rules.ts';
import { alignText, type ScalarStyle } from './text/align-text.ts';
import { type PlainScalar, resolvePlainScalar } from './text/plain-scalar.ts';
import { tellYamlMistakes } from './text/yaml-mistakes.ts';
import type { YamlEntry, YamlMap, YamlScalar, YamlValue } from './text/yaml-tree.ts';

/** The rules of a file in its order, and everything that is wrong or odd about their form. */
export interface RuleFile {
  /** Absolute. */
  readonly file: string;
  readonly rules: readonly Rule[];
  readonly complaints: readonly Complaint[];
}

/**
 * Reads a rule file. Mistakes in it are complaints, all at once; a rule of which no sense can be made is left out with
 * an error.
 *
 * @throws RuleError where the file cannot be read at all
 * @see docs/rule-files.md
 */
export async function readRuleFile(file: string): Promise<RuleFile> {
  const path = resolve(file);
  try {
    return parseRuleFile(await readFile(path, 'utf8'), path);
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    throw new RuleError(`Cannot read the rule file '${file}': ${explainError(error, path)}`, {
      code: 'rule-file-unreadable',
      cause: error,
      facts: { file: path },
      advice: 'Give the path of a rule file with --config',
    });
  }
}

/** Reads the text of a rule file. Values are what PyYAML makes of them. Never throws. */
export function parseRuleFile(source: string, file: string): RuleFile {
  const text = source.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n');
  const lines = new LineCounter();
  const complaints: Complaint[] = [];
  const placeOf = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const complain: Complain = (severity, place, message, expected) => {
    complaints.push({ severity, file, ...place, message, ...(expected === undefined ? {} : { expected }) });
  };
  if (text.length !== source.replace(/^\uFEFF/, '').length || source.includes('\r')) {
    complain('warning', { line: 1, column: 1 }, 'The lines end in CR or CR LF; they are read as if they ended in LF');
  }
  const document = parseDocument(text, {
    schema: 'failsafe',
    uniqueKeys: false,
    prettyErrors: false,
    lineCounter: lines,
    // Below this level a second document goes unmentioned.
    logLevel: 'error',
  });
  const mistakes = tellYamlMistakes({
    ...{ errors: document.errors, text, placeOf },
    openedBefore: (offset) => openedBefore(document, offset),
  });
  for (const { place, message, expected } of mistakes) {
    complain('error', place, message, expected);
  }
  if (document.errors.length > 0) return { file, rules: [], complaints };
  const tree = makeTree(document, text, placeOf, complain);
  const { rules, complaints: others } = makeRules(tree, file);
  return { file, rules, complaints: [...complaints, ...others] };
}

function openedBefore(document: Document, offset: number): number {
  let begin = offset;
  visit(document, {
    Scalar: (_key, node) => {
      const isQuoted = node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE';
      if (isQuoted && node.range && node.range[0] <= offset && offset <= node.range[2]) begin = node.range[0];
    },
  });
  return begin;
}

type Complain = (severity: Complaint['severity'], place: Place, message: string, expected?: string) => void;

const styles: Readonly<Record<string, ScalarStyle>> = {
  QUOTE_SINGLE: 'single-quoted',
  QUOTE_DOUBLE: 'double-quoted',
  BLOCK_LITERAL: 'block',
  BLOCK_FOLDED: 'block',
};

/** The text of a scalar: the failsafe schema gives nothing else. */
function sourceOf(node: Scalar): string {
  return typeof node.value === 'string' ? node.value : '';
}

/** What a scalar is, by its tag or its looks; undefined for a tag that rules do not know. */
function scalarOf(node: Scalar): PlainScalar | undefined {
  const source = sourceOf(node);
  const kinds: Readonly<Record<string, PlainScalar['kind']>> = {
    int: 'integer',
    float: 'float',
    bool: 'boolean',
    null: 'null',
  };
  const tag = node.tag?.replace(/^tag:yaml\.org,2002:/, '');
  if (tag !== undefined && tag !== 'str') {
    const scalar = resolvePlainScalar(source);
    return tag in kinds && scalar.kind === kinds[tag] ? scalar : undefined;
  }
  const isPlain = node.type === 'PLAIN' || node.type === undefined;
  return isPlain && tag === undefined ? resolvePlainScalar(source) : { kind: 'text', text: source };
}

/** How much aliases may repeat: aliases of aliases grow without end, and no rule file repeats a hundredth of this. */
const mostRepeated = 100_000;

/** Turns a parsed document into our own tree; undefined for an empty file. */
function makeTree(
  document: Document,
  text: string,
  placeOf: (offset: number) => Place,
  complain: Complain,
): YamlValue | undefined {
  const open = new Set<unknown>();
  const targets = new Map<Alias, unknown>();
  let aliasDepth = 0;
  let repeated = 0;

  const scalar = (node: Scalar): YamlScalar => {
    const start = node.range?.[0] ?? 0;
    const place = placeOf(start);
    const value = scalarOf(node);
    if (value === undefined) complain('error', place, `Unknown tag '${node.tag}' or unfit value`, 'plain YAML');
    const { kind, text: meant } = value ?? { kind: 'text', text: sourceOf(node) };
    return { shape: 'scalar', kind, text: meant, source: sourceOf(node), place, segments: segmentsOf(node, start) };
  };

  const segmentsOf = (node: Scalar, start: number): readonly TextSegment[] => {
    const style = styles[node.type ?? ''] ?? 'plain';
    const content = style === 'block' ? text.indexOf('\n', start) + 1 : style === 'plain' ? start : start + 1;
    const alignments = alignText(text, content, sourceOf(node), style);
    return alignments.map(({ at, source }) => ({ at, ...placeOf(source) }));
  };

  const map = (pairs: readonly Pair[], place: Place): YamlMap => {
    const entries = new Map<string, YamlEntry>();
    const merged = new Map<string, YamlEntry>();
    for (const pair of pairs) {
      const keyNode = isAlias(pair.key) ? pair.key.resolve(document) : pair.key;
      if (!isScalar(keyNode)) {
        complain('error', place, 'A key is a list or a mapping', 'a word');
        continue;
      }
      const key = { ...scalar(keyNode) };
      const value = convert(pair.value, key.place);
      if (key.source === '<<' && keyNode.type === 'PLAIN') {
        mergeInto(merged, value);
        continue;
      }
      const before = entries.get(key.text);
      if (before !== undefined) {
        const where = `lines ${before.key.line} and ${key.place.line}`;
        complain('warning', key.place, `'${key.text}' is given twice, in ${where}; the last one holds`);
      }
      entries.set(key.text, { key: key.place, value });
    }
    return { shape: 'map', place, entries: new Map([...merged, ...entries]) };
  };

  /** `<<`: keys of the mapping's own go before, earlier mappings of a list before later ones. */
  const mergeInto = (merged: Map<string, YamlEntry>, value: YamlValue): void => {
    if (value.shape === 'list') for (const item of value.items) mergeInto(merged, item);
    else if (value.shape === 'map') {
      for (const [key, entry] of value.entries) if (!merged.has(key)) merged.set(key, entry);
    } else complain('error', value.place, "'<<' takes in what is no mapping", 'an alias of a mapping');
  };

  const convert = (node: unknown, near: Place): YamlValue => {
    if (!isAlias(node)) return convertTarget(node, near);
    // To resolve one walks through the whole document.
    if (!targets.has(node)) targets.set(node, node.resolve(document));
    aliasDepth += 1;
    const value = convertTarget(targets.get(node), near);
    aliasDepth -= 1;
    return value;
  };

  const convertTarget = (target: unknown, near: Place): YamlValue => {
    const nothing: YamlScalar = { shape: 'scalar', kind: 'null', text: 'None', source: '', place: near, segments: [] };
    if (aliasDepth > 0) {
      repeated += 1;
      if (repeated === mostRepeated) complain('error', near, 'Aliases of aliases repeat too much', 'fewer of them');
      if (repeated >= mostRepeated) return nothing;
    }
    if (isScalar(target)) return scalar(target);
    if (!isMap(target) && !isSeq(target)) return nothing;
    const place = target.range ? placeOf(target.range[0]) : near;
    if (open.has(target)) {
      complain('error', near, 'An alias holds itself', 'an end');
      return nothing;
    }
    open.add(target);
    const value: YamlValue = isMap(target)
      ? map(target.items, place)
      : { shape: 'list', place, items: target.items.map((item) => convert(item, place)) };
    open.delete(target);
    return value;
  };

  return document.contents === null ? undefined : convert(document.contents, { line: 1, column: 1 });
}
