import { isAlias, isMap, isScalar, isSeq } from 'yaml';

import { assertPresent } from '../assert-present.ts';
import { present } from '../present.ts';
import { findOddCharacters } from '../text/decode-text.ts';
import { findAlignments } from './find-alignments.ts';
import { findAnchors } from './find-anchors.ts';
import { resolvePlainScalar } from './plain-scalar.ts';

import type { Document, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml';

import type { ScalarStyle } from './find-alignments.ts';
import type { PlainScalar } from './plain-scalar.ts';
import type { YamlEntry, YamlMap, YamlPlace, YamlProblem, YamlScalar, YamlSegment, YamlValue } from './yaml-tree.ts';

const styles: Readonly<Record<string, ScalarStyle>> = {
  QUOTE_SINGLE: 'single-quoted',
  QUOTE_DOUBLE: 'double-quoted',
  BLOCK_LITERAL: 'block',
  BLOCK_FOLDED: 'block',
};

/** How much aliases may repeat: aliases of aliases grow without end, and no file of ours repeats a hundredth of this. */
const mostRepeated = 100_000;

/** The text of a scalar: the failsafe schema gives nothing else. */
function sourceOf(node: Scalar): string {
  return typeof node.value === 'string' ? node.value : '';
}

/** A tag without the prefix of YAML's own; undefined where there is none, or `!`, which says nothing to PyYAML. */
function tagOf({ tag }: Scalar | YAMLMap | YAMLSeq): string | undefined {
  return tag === '!' ? undefined : tag?.replace(/^tag:yaml\.org,2002:/, '');
}

/** A tag as it is usually written. */
function shortTagOf({ tag = '' }: Scalar | YAMLMap | YAMLSeq): string {
  return tag.replace(/^tag:yaml\.org,2002:/, '!!');
}

const kindsOfTags: Readonly<Record<string, PlainScalar['kind']>> = {
  int: 'integer',
  float: 'float',
  bool: 'boolean',
  null: 'null',
};

/** What a scalar is, by its tag or its looks; undefined for a tag that we do not know, or whose value is another. */
function scalarOf(node: Scalar): PlainScalar | undefined {
  const source = sourceOf(node);
  const tag = tagOf(node);
  if (tag !== undefined && tag !== 'str') {
    const scalar = resolvePlainScalar(source);
    return scalar.kind === kindsOfTags[tag] ? scalar : undefined;
  }
  const isPlain = node.type === 'PLAIN' || node.type === undefined;
  return isPlain && tag === undefined ? resolvePlainScalar(source) : { kind: 'text', text: source };
}

/** Letters that cannot be seen, or look like a space and are none. */
const invisible = /[\p{Cf}\p{Zs}]/u;

function nameOf(character: string): string {
  return `U+${assertPresent(character.codePointAt(0), 'a character').toString(16).toUpperCase().padStart(4, '0')}`;
}

/** The inputs of {@link makeYamlTree}: a document that was parsed without errors, and the text that it came from. */
export interface YamlSource {
  readonly document: Document;
  readonly text: string;
  readonly placeOf: (offset: number) => YamlPlace;
}

/**
 * Turns a document that the parser takes into our own tree, anchors and merged keys resolved; `undefined` for an empty
 * file. What cannot be read as it is meant is left out, and is a problem.
 */
export function makeYamlTree({ document, text, placeOf }: YamlSource): {
  readonly tree: YamlValue | undefined;
  readonly problems: readonly YamlProblem[];
} {
  const { targets, problems: anchorProblems } = findAnchors(document, placeOf);
  const problems = [...anchorProblems];
  const open = new Set<unknown>();
  let aliasDepth = 0;
  let repeated = 0;

  const complain = (severity: YamlProblem['severity'], place: YamlPlace, message: string, expected?: string): void => {
    problems.push({ severity, place, message, ...present({ expected }) });
  };

  const segmentsOf = (node: Scalar, start: number): readonly YamlSegment[] => {
    const style = styles[node.type ?? ''] ?? 'plain';
    const content = style === 'block' ? text.indexOf('\n', start) + 1 : style === 'plain' ? start : start + 1;
    const alignments = findAlignments(text, content, sourceOf(node), style);
    return alignments.map(({ at, source }) => ({ at, ...placeOf(source) }));
  };

  const scalar = (node: Scalar): YamlScalar => {
    const [start] = assertPresent(node.range, 'the place of a value');
    const place = placeOf(start);
    const value = scalarOf(node);
    const source = sourceOf(node);
    if (value === undefined) {
      const isKnown = (tagOf(node) ?? '') in kindsOfTags;
      const message = isKnown
        ? `'${source}' does not match its tag '${shortTagOf(node)}'`
        : `Unknown tag '${shortTagOf(node)}'`;
      complain('error', place, message, 'a value without a tag');
    }
    // What stands in the file itself is found when the file is read: this is about escape sequences.
    const [from, to] = node.range ?? [0, 0];
    const isEscaped = node.type === 'QUOTE_DOUBLE' && findOddCharacters(text.slice(from, to)).length === 0;
    const odd = aliasDepth > 0 || !isEscaped ? undefined : findOddCharacters(source)[0];
    if (odd !== undefined) complain('error', place, `${odd.message} from an escape sequence in '"…"'`, odd.expected);
    const { kind, text: meant } = value ?? { kind: 'text', text: source };
    return { shape: 'scalar', kind, text: meant, source, place, segments: segmentsOf(node, start) };
  };

  const valueOf = (node: Scalar): YamlScalar => {
    const value = scalar(node);
    const { index, 0: odd = '' } = invisible.exec(value.text.replaceAll(' ', 'x')) ?? {};
    if (index === undefined || aliasDepth > 0) return value;
    const { at, ...start } = value.segments.findLast((segment) => segment.at <= index) ?? { at: index, ...value.place };
    const place = { line: start.line, column: start.column + index - at };
    complain('warning', place, `Invisible character ${nameOf(odd)} in a value`, 'a space or nothing');
    return value;
  };

  const keyOf = (node: unknown): YamlScalar | undefined => {
    const keyNode = isAlias(node) ? targets.get(node) : node;
    // Of an alias of nothing that was said.
    if (keyNode === undefined) return undefined;
    const range = isScalar(keyNode) || isMap(keyNode) || isSeq(keyNode) ? keyNode.range : undefined;
    if (!isScalar(keyNode)) {
      complain(
        'error',
        placeOf(range === undefined || range === null ? 0 : range[0]),
        'A key is a list or a mapping',
        'a name',
      );
      return undefined;
    }
    const key = scalar(keyNode);
    const odd = invisible.exec(key.source.replaceAll(' ', ''))?.[0];
    if (odd !== undefined) {
      complain(
        'error',
        key.place,
        `Key '${key.source}' contains the invisible character ${nameOf(odd)}`,
        'a name without it',
      );
    }
    if (key.kind !== 'text' && key.text !== key.source) {
      const what = key.kind === 'null' ? 'no value' : `the ${key.kind} ${key.text}`;
      complain('error', key.place, `Key '${key.source}' is read as ${what}`, 'a name, or a name in quotes');
    }
    return key;
  };

  const map = (pairs: readonly Pair[], place: YamlPlace): YamlMap => {
    const entries = new Map<string, YamlEntry>();
    const merged = new Map<string, YamlEntry>();
    for (const { key: keyNode, value: valueNode } of pairs) {
      const key = keyOf(keyNode);
      if (key === undefined) continue;
      const value = convert(valueNode, key.place);
      if (value === undefined) continue;
      if (key.source === '<<' && isScalar(keyNode) && keyNode.type === 'PLAIN') {
        // Of two `<<` the later one holds; within a list, the earlier mapping.
        for (const [name, entry] of mergedBy(value)) merged.set(name, entry);
        continue;
      }
      const before = entries.get(key.text);
      if (before !== undefined) {
        const where = `lines ${before.key.line} and ${key.place.line}`;
        complain('warning', key.place, `'${key.text}' is given twice, in ${where}; the last one is used`);
      }
      entries.set(key.text, { key: key.place, value });
    }
    return { shape: 'map', place, entries: new Map([...merged, ...entries]) };
  };

  const mergedBy = (value: YamlValue): ReadonlyMap<string, YamlEntry> => {
    if (value.shape === 'map') return value.entries;
    const merged = new Map<string, YamlEntry>();
    for (const item of value.shape === 'list' ? value.items.toReversed() : [value]) {
      if (item.shape === 'map') for (const [key, entry] of item.entries) merged.set(key, entry);
      else complain('error', item.place, "'<<' merges a value that is not a mapping", 'an alias of a mapping');
    }
    return merged;
  };

  const convert = (node: unknown, near: YamlPlace): YamlValue | undefined => {
    if (!isAlias(node)) return convertTarget(node, near);
    const target = targets.get(node);
    if (target === undefined) return undefined;
    aliasDepth += 1;
    const value = convertTarget(target, near);
    aliasDepth -= 1;
    return value;
  };

  const convertTarget = (target: unknown, near: YamlPlace): YamlValue => {
    const nothing: YamlScalar = { shape: 'scalar', kind: 'null', text: 'None', source: '', place: near, segments: [] };
    if (aliasDepth > 0) {
      repeated += 1;
      if (repeated === mostRepeated)
        complain('error', near, 'Aliases of aliases expand to too many values', 'fewer of them');
      if (repeated >= mostRepeated) return nothing;
    }
    if (isScalar(target)) return valueOf(target);
    if (!isMap(target) && !isSeq(target)) return nothing;
    const place = target.range ? placeOf(target.range[0]) : near;
    const tag = tagOf(target);
    if (tag !== undefined && tag !== (isMap(target) ? 'map' : 'seq')) {
      complain('error', place, `Unknown tag '${shortTagOf(target)}'`, 'a value without a tag');
    }
    if (open.has(target)) {
      complain('error', near, 'An alias contains itself', 'an alias of something else');
      return nothing;
    }
    open.add(target);
    const value: YamlValue = isMap(target)
      ? map(target.items, place)
      : { shape: 'list', place, items: target.items.flatMap((item) => convert(item, place) ?? []) };
    open.delete(target);
    return value;
  };

  const tree = document.contents === null ? undefined : convert(document.contents, { line: 1, column: 1 });
  return { tree, problems };
}
