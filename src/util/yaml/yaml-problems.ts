import type { YamlPlace, YamlProblem } from './yaml-tree.ts';

/** What the parser reports. */
interface ParserError {
  readonly code: string;
  readonly message: string;
  /** Offsets of its begin and its end. */
  readonly pos: readonly [number, number];
}

/** A text with mistakes, and how to find places in it. */
export interface UnreadableYaml {
  readonly errors: readonly ParserError[];
  readonly text: string;
  readonly placeOf: (offset: number) => YamlPlace;
  /** Where the quoted text begins that goes on at an offset; the offset itself if there is none. */
  readonly openedBefore: (offset: number) => number;
}

const keyAndValue = "'KEY: value' with a space after the colon, or the line indented like the value above it";

const quotes = 'quotes around the whole value';

type Unplaced = Omit<YamlProblem, 'severity'>;

/**
 * Finds what keeps a file from being YAML, in words for its author. Of each line the first mistake: a parser has several
 * errors for one, and is confused by it further down.
 */
export function findYamlProblems(source: UnreadableYaml): readonly YamlProblem[] {
  const { errors, placeOf } = source;
  const lines = source.text.split('\n');
  const isTooDeep = (error: ParserError): boolean =>
    error.code === 'MULTILINE_IMPLICIT_KEY' &&
    errors.some(({ code, pos }) => code === 'BLOCK_AS_IMPLICIT_KEY' && pos[0] === error.pos[0]);
  const deep = errors.filter(isTooDeep);
  const reportedLines = new Set<number>();
  const found = errors.flatMap((error): readonly Unplaced[] => {
    const isSaid = !deep.includes(error) && deep.some(({ pos }) => pos[0] === error.pos[0]);
    const problems = deep.includes(error)
      ? describeTooDeep(error, lines, placeOf)
      : isSaid
        ? []
        : [describeProblem(error, lines, source)];
    const { line } = placeOf(error.pos[0]);
    if (problems.length === 0 || reportedLines.has(line)) return [];
    reportedLines.add(line);
    return problems;
  });
  // However they follow from each other: a file with errors has a mistake.
  const problems = found.length > 0 ? found : errors.slice(0, 1).map((error) => describeProblem(error, lines, source));
  return problems.map((problem) => ({ severity: 'error', ...problem }));
}

function indentOf(line: string | undefined): number {
  return (line ?? '').search(/[^ ]|$/u);
}

/** A key below a value: of its neighbours, only the first is out of line. */
function describeTooDeep(
  { pos }: ParserError,
  lines: readonly string[],
  placeOf: UnreadableYaml['placeOf'],
): readonly Unplaced[] {
  const above = placeOf(pos[0]).line;
  const { line } = placeOf(pos[1]);
  const indent = indentOf(lines[line - 1]);
  if (indent <= indentOf(lines[above - 1])) return [];
  const message = `Indented more than line ${above}, whose key already has a value`;
  return [{ place: { line, column: indent + 1 }, message, expected: 'keys of one mapping in one column' }];
}

function describeProblem(
  { code, message, pos }: ParserError,
  lines: readonly string[],
  source: UnreadableYaml,
): Unplaced {
  const { placeOf, openedBefore } = source;
  const place = placeOf(pos[0]);
  const words = (lines[place.line - 1] ?? '').slice(place.column - 1).trim();
  switch (code) {
    case 'TAB_AS_INDENT':
      return { place, message: 'This line is indented with a tab', expected: 'spaces' };
    case 'MULTIPLE_DOCS':
      return { place, message: 'A second document starts here', expected: 'one document in a file' };
    case 'BLOCK_AS_IMPLICIT_KEY':
      return { place, message: "Second ': ' in a value without quotes", expected: quotes };
    case 'MULTILINE_IMPLICIT_KEY':
      return { place, message: `'${words}' has no value`, expected: keyAndValue };
    case 'BAD_INDENT': {
      if (!message.startsWith('All mapping items')) break;
      const column = indentOf(lines[place.line - 1]) + 1;
      const expected = 'keys of one mapping in one column';
      return { place: { ...place, column }, message: 'The indentation matches none of the keys above', expected };
    }
    case 'BAD_SCALAR_START':
      return { place, message: `The value without quotes starts with '${words.charAt(0)}'`, expected: quotes };
    case 'UNEXPECTED_TOKEN':
      if (!message.endsWith('at node end')) break;
      return { place, message: `'${words}' follows the end of a value`, expected: quotes };
    case 'MISSING_CHAR':
      if (message.startsWith('Implicit map keys')) {
        return { place, message: `'${words}' has no value`, expected: keyAndValue };
      }
      if (/^Missing closing ["']quote/.test(message)) {
        const opened = placeOf(openedBefore(pos[0]));
        const expected = 'a closing quote';
        return { place: opened, message: 'The quote opened here is not closed', expected };
      }
      break;
    default:
      break;
  }
  return { place, message: `YAML syntax error: ${message.replace(/\s+/g, ' ').replace(/\.$/, '')}` };
}
