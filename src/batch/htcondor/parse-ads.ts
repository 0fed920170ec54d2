import * as z from 'zod';

const adSchema = z.record(z.string(), z.unknown());
const adsSchema = z.array(z.unknown());

/** The attributes of one job or cluster, as condor prints them with `-json`. */
export type Ad = z.infer<typeof adSchema>;

/** What an answer of `condor_q` or `condor_history` contains: the readable ads, and those that are not JSON. */
export interface ParsedAds {
  readonly ads: readonly Ad[];
  /** The texts of ads that are not JSON, each about one job or cluster. */
  readonly unread: readonly string[];
}

/**
 * Parses what `condor_q -json` and `condor_history -json` print: a list, or nothing at all where nothing matched. Control
 * characters that condor left in a string are read as they are, and an ad that is not JSON does not hide the others.
 *
 * @throws SyntaxError for anything else, such as a list that was cut off
 */
export function parseAds(text: string): ParsedAds {
  const list = text.trim();
  if (list === '') return { ads: [], unread: [] };
  if (!list.startsWith('[') || !list.endsWith(']')) throw new SyntaxError('Incomplete list of ads');
  const whole = parseJson(list) ?? parseJson(escapeControls(list));
  if (whole !== undefined) return sortAds(adsSchema.parse(whole.value).map((value) => ({ value, text: '' })));
  return sortAds(
    splitAds(list).map((piece) => ({
      value: (parseJson(piece) ?? parseJson(escapeControls(piece)))?.value,
      text: piece,
    })),
  );
}

function parseJson(text: string): { readonly value: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return { value };
  } catch {
    return undefined;
  }
}

function sortAds(found: readonly { readonly value: unknown; readonly text: string }[]): ParsedAds {
  const ads: Ad[] = [];
  const unread: string[] = [];
  for (const { value, text } of found) {
    const ad = adSchema.safeParse(value);
    if (ad.success) ads.push(ad.data);
    else unread.push(text === '' ? JSON.stringify(value) : text);
  }
  return { ads, unread };
}

/** Writes control characters within strings the way JSON wants them. */
function escapeControls(text: string): string {
  return text.replaceAll(/"(?:[^"\\]|\\[^])*"/gu, (string) =>
    string.replaceAll(
      /[\u0000-\u001F]/gu,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    ),
  );
}

/** Condor puts a comma on a line of its own between two ads, and their brackets too. */
function splitAds(list: string): readonly string[] {
  const pieces = list.slice(1, -1).split(/(?<=^\}[ \t]*)\r?\n,[ \t]*\r?\n(?=\{)/mu);
  if (pieces.length === 1 && !pieces[0]?.trim().startsWith('{')) throw new SyntaxError('Not a list of ads');
  return pieces;
}
