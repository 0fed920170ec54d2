import { LineCounter, visit } from 'yaml';

import { present } from '../present.ts';
import { findOddCharacters } from '../text/decode-text.ts';
import { makeYamlTree } from './make-yaml-tree.ts';
import { parseLooselyIndented } from './parse-loosely-indented.ts';
import { findYamlProblems } from './yaml-problems.ts';

import type { Document } from 'yaml';

import type { YamlPlace, YamlProblem, YamlValue } from './yaml-tree.ts';

/** What a YAML file holds, and everything that is wrong or odd about its form. */
export interface YamlFile {
  /** Absent for an empty file, and for one that is not YAML. */
  readonly tree?: YamlValue;
  /** False where `tree` is absent because the file is not YAML. */
  readonly isYaml: boolean;
  readonly problems: readonly YamlProblem[];
}

/**
 * Reads YAML as PyYAML does, so that a file means the same to us as to the original, and says where the two of them, or
 * the author and YAML, may have meant different things. Never throws.
 *
 * @param source a byte order mark at its beginning is passed over
 */
export function readYaml(source: string): YamlFile {
  const whole = source.replace(/^\uFEFF/, '');
  const text = whole.replace(/\r\n?/g, '\n');
  const problems: YamlProblem[] = findOddCharacters(text).map(({ line, column, message, expected }) => ({
    severity: 'error',
    place: { line, column },
    message,
    expected,
  }));
  // Of a binary file there is nothing else to say.
  if (text.includes('\0')) return { isYaml: false, problems };
  if (whole.includes('\r')) {
    const message = 'The line breaks are CR or CR LF; they are read as LF';
    problems.push({ severity: 'warning', place: { line: 1, column: 1 }, message });
  }
  const lines = new LineCounter();
  const placeOf = (offset: number): YamlPlace => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const document = parseLooselyIndented(text, {
    schema: 'failsafe',
    resolveKnownTags: false,
    uniqueKeys: false,
    prettyErrors: false,
    lineCounter: lines,
    // Below this level a second document goes unmentioned.
    logLevel: 'error',
  });
  if (document.errors.length > 0) {
    const { errors } = document;
    const formProblems = findYamlProblems({
      errors,
      text,
      placeOf,
      openedBefore: (offset) => findQuoteStart(document, offset),
    });
    return { isYaml: false, problems: [...problems, ...formProblems] };
  }
  const { tree, problems: others } = makeYamlTree({ document, text, placeOf });
  return { ...present({ tree }), isYaml: true, problems: [...problems, ...others] };
}

function findQuoteStart(document: Document, offset: number): number {
  let begin = offset;
  visit(document, {
    Scalar: (_key, node) => {
      const isQuoted = node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE';
      if (isQuoted && node.range && node.range[0] <= offset && offset <= node.range[2]) begin = node.range[0];
    },
  });
  return begin;
}
