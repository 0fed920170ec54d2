/** One thing that is wrong with an event. */
export interface EventComplaint {
  /** The field, e.g. `detail.nevents`; empty for the event as a whole. */
  readonly path: string;
  /** What is there and what was expected; continues a sentence that begins with the field. */
  readonly message: string;
}

/** What a whole number may be, both ends included. */
export interface WholeRange {
  readonly least: number;
  readonly most: number;
}

/**
 * The fields of one JSON object. What is wrong with a field is added to the complaints of the whole event, and a
 * stand-in is returned, so that one reading finds everything.
 */
export interface EventFields {
  /** False where the field is absent; `null` is present. */
  has(key: string): boolean;
  whole(key: string, range: WholeRange): number;
  /** A finite number of 0 or more. */
  amount(key: string): number;
  isSet(key: string): boolean;
  /** Any string; what the database cannot hold is replaced, and what is very long is cut. */
  text(key: string): string;
  texts(key: string): readonly string[];
  /** A string on one line, not empty; the length is in bytes of UTF-8. @param form what else it has to be */
  name(key: string, mostBytes: number, form?: NameForm): string;
  oneOf<T extends string>(key: string, choices: readonly [T, ...T[]]): T;
  /** A value that is read elsewhere; `undefined` from there is a complaint. */
  read<T>(key: string, reader: (value: unknown) => T | undefined, expected: string): T | undefined;
  nested(key: string): EventFields;
}

/** What a name has to look like. */
export interface NameForm {
  readonly pattern: RegExp;
  readonly expected: string;
}

/** Longer texts are cut: the argument of a command is at most 131,071 bytes long, so this is a text that we made. */
const mostTextCharacters = 200_000;

/** PostgreSQL holds neither NUL nor half a surrogate pair; a text with such a character is still worth keeping. */
const unstorable = /\0|\p{Cs}/gu;

const oneLine = /^[^\p{Cc}\p{Cs}]+$/u;

const mostShownCharacters = 60;

/**
 * Reads the fields of a value of unknown shape. Unknown keys are ignored. Never throws.
 *
 * @param path of the value within the event; empty for the event itself
 * @param complaints everything that is wrong is added here
 */
export function readFields(value: unknown, path: string, complaints: EventComplaint[]): EventFields {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const fields: Readonly<Record<string, unknown>> = isObject ? { ...value } : {};
  const complain = (place: string, found: unknown, expected: string): void => {
    complaints.push({ path: place, message: `${describe(found)}: expected ${expected}` });
  };
  if (!isObject) complain(path, value, 'a JSON object');
  const placeOf = (key: string): string => (path === '' ? key : `${path}.${key}`);

  function read<T>(key: string, reader: (found: unknown) => T | undefined, expected: string): T | undefined {
    if (!isObject) return undefined;
    const read = reader(fields[key]);
    if (read === undefined) complain(placeOf(key), fields[key], expected);
    return read;
  }

  return {
    read,
    has: (key) => fields[key] !== undefined,
    whole: (key, { least, most }) =>
      read(
        key,
        (found) =>
          typeof found === 'number' && Number.isSafeInteger(found) && found >= least && found <= most
            ? found
            : undefined,
        most === Number.MAX_SAFE_INTEGER
          ? `a whole number of ${least} or more`
          : `a whole number from ${least} to ${most}`,
      ) ?? 0,
    amount: (key) =>
      read(
        key,
        (found) => (typeof found === 'number' && Number.isFinite(found) && found >= 0 ? found : undefined),
        'a number of 0 or more',
      ) ?? 0,
    isSet: (key) => read(key, (found) => (typeof found === 'boolean' ? found : undefined), 'true or false') ?? false,
    text: (key) => read(key, (found) => (typeof found === 'string' ? toStorable(found) : undefined), 'a string') ?? '',
    texts: (key) =>
      read(
        key,
        (found) => {
          if (!Array.isArray(found)) return undefined;
          const texts = found.filter((entry) => typeof entry === 'string');
          return texts.length === found.length ? texts.map(toStorable) : undefined;
        },
        'a list of strings',
      ) ?? [],
    name: (key, mostBytes, form) =>
      read(
        key,
        (found) =>
          typeof found === 'string' &&
          oneLine.test(found) &&
          (form?.pattern.test(found) ?? true) &&
          new TextEncoder().encode(found).length <= mostBytes
            ? found
            : undefined,
        `${form?.expected ?? 'a name'} of 1 to ${mostBytes} bytes without control characters`,
      ) ?? '',
    oneOf: (key, choices) =>
      read(key, (found) => choices.find((choice) => choice === found), `one of ${choices.join(', ')}`) ?? choices[0],
    nested: (key) => (isObject ? readFields(fields[key], placeOf(key), complaints) : readFields({}, '', [])),
  };
}

function toStorable(text: string): string {
  if (text.length <= mostTextCharacters) return text.replace(unstorable, '\uFFFD');
  const cut = text.slice(0, mostTextCharacters).replace(/\p{Cs}$/u, '');
  return `${cut.replace(unstorable, '\uFFFD')}…`;
}

/** Reports what a field holds, in few characters and on one line. */
function describe(found: unknown): string {
  if (found === undefined) return 'is missing';
  if (found === '') return 'is empty';
  if (Array.isArray(found)) return 'is a list';
  if (typeof found === 'object' && found !== null) return 'is an object';
  const isPlain = typeof found === 'string' || typeof found === 'number' || typeof found === 'boolean';
  const text = isPlain ? String(found) : found === null ? 'null' : typeof found;
  const shown = text.length > mostShownCharacters ? `${text.slice(0, mostShownCharacters)}…` : text;
  return `is '${shown.replaceAll(/[\p{Cc}\p{Cs}]/gu, escapeCharacter)}'`;
}

function escapeCharacter(character: string): string {
  const known: Readonly<Record<string, string>> = { '\n': String.raw`\n`, '\r': String.raw`\r`, '\t': String.raw`\t` };
  return known[character] ?? String.raw`\u` + character.charCodeAt(0).toString(16).padStart(4, '0');
}
