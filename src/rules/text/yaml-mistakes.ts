import type { Place } from '#model/rule.ts';

/** What keeps a file from being YAML, in words for its author. */
export interface YamlMistake {
  readonly place: Place;
  readonly message: string;
  readonly expected?: string;
}

/** What the parser says. */
interface ParserError {
  readonly code: string;
  readonly message: string;
  /** Offsets of its begin and its end. */
  readonly pos: readonly [number, number];
}

/** The text in which mistakes are, and how to find one's way in it. */
export interface YamlSource {
  readonly errors: readonly ParserError[];
  readonly text: string;
  readonly placeOf: (offset: number) => Place;
  /** Where the quoted text begins that goes on at an offset; the offset itself if there is none. */
  readonly openedBefore: (offset: number) => number;
}

const keyAndValue = "'KEY: value', with a blank behind the colon; a further line of a text is indented like its first";

const quotes = 'quotes around the whole value';

/**
 * Tells the mistakes of a YAML file, the first of each line: a parser has several words for one, and is confused by it
 * further down.
 */
export function tellYamlMistakes(source: YamlSource): readonly YamlMistake[] {
  const { errors, placeOf } = source;
  const lines = source.text.split('\n');
  const isTooDeep = (error: ParserError): boolean =>
    error.code === 'MULTILINE_IMPLICIT_KEY' &&
    errors.some(({ code, pos }) => code === 'BLOCK_AS_IMPLICIT_KEY' && pos[0] === error.pos[0]);
  const deep = errors.filter(isTooDeep);
  const told = new Set<number>();
  return errors.flatMap((error): readonly YamlMistake[] => {
    const isSaid = !deep.includes(error) && deep.some(({ pos }) => pos[0] === error.pos[0]);
    const mistakes = deep.includes(error)
      ? tellTooDeep(error, lines, placeOf)
      : isSaid
        ? []
        : [tell(error, lines, source)];
    const { line } = placeOf(error.pos[0]);
    if (mistakes.length === 0 || told.has(line)) return [];
    told.add(line);
    return mistakes;
  });
}

function indentOf(line: string | undefined): number {
  return /^ */.exec(line ?? '')?.[0].length ?? 0;
}

/** A key below a value: of its neighbours, only the first is out of line. */
function tellTooDeep(
  { pos }: ParserError,
  lines: readonly string[],
  placeOf: YamlSource['placeOf'],
): readonly YamlMistake[] {
  const above = placeOf(pos[0]).line;
  const { line } = placeOf(pos[1]);
  const indent = indentOf(lines[line - 1]);
  if (indent <= indentOf(lines[above - 1])) return [];
  const message = `Indented deeper than line ${above}, whose key has a value already`;
  return [{ place: { line, column: indent + 1 }, message, expected: 'keys of one mapping in one column' }];
}

function tell({ code, message, pos }: ParserError, lines: readonly string[], source: YamlSource): YamlMistake {
  const { placeOf, openedBefore } = source;
  const place = placeOf(pos[0]);
  const words = (lines[place.line - 1] ?? '').slice(place.column - 1).trim();
  switch (code) {
    case 'TAB_AS_INDENT':
      return { place, message: 'A tab indents this line', expected: 'blanks, YAML does not indent by tabs' };
    case 'MULTIPLE_DOCS':
      return { place, message: "A second document begins here, after '---'", expected: 'all rules in one' };
    case 'BLOCK_AS_IMPLICIT_KEY':
      return { place, message: "A second ': ' in a value without quotes", expected: quotes };
    case 'MULTILINE_IMPLICIT_KEY':
      return { place, message: `No value behind '${words}'`, expected: keyAndValue };
    case 'BAD_INDENT': {
      if (!message.startsWith('All mapping items')) break;
      const column = indentOf(lines[place.line - 1]) + 1;
      const expected = 'keys of one mapping in one column';
      return { place: { ...place, column }, message: 'Indented like none of the keys above', expected };
    }
    case 'BAD_SCALAR_START':
      return { place, message: `A value without quotes begins with '${words.charAt(0)}'`, expected: quotes };
    case 'UNEXPECTED_TOKEN':
      if (!message.endsWith('at node end')) break;
      return { place, message: `'${words}' stands behind a value that has ended`, expected: quotes };
    case 'MISSING_CHAR':
      if (message.startsWith('Implicit map keys')) {
        return { place, message: `No value behind '${words}'`, expected: keyAndValue };
      }
      if (/^Missing closing ["']quote/.test(message)) {
        const opened = placeOf(openedBefore(pos[0]));
        return { place: opened, message: 'The quote that opens here is not closed', expected: 'one at the end' };
      }
      break;
    default:
      break;
  }
  return { place, message: `Not YAML: ${message.replace(/\s+/g, ' ').replace(/\.$/, '')}` };
}
