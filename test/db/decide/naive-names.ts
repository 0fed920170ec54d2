import { streamMacro } from '#model/dst-name.ts';

/** Puts a stream into a rule's name, wherever it stands there. */
export function fillStream(pattern: string, stream: string): string {
  return pattern.split(streamMacro).join(stream);
}

/** Prints run and segment behind a dstname, as C does with `%08i` and `%05i`: a sign takes one of the places. */
export function printDstfile(dstname: string, run: number, segment: number): string {
  const padded = (value: number, digits: number): string =>
    value < 0 ? `-${String(-value).padStart(digits - 1, '0')}` : String(value).padStart(digits, '0');
  return `${dstname}-${padded(run, 8)}-${padded(segment, 5)}`;
}
