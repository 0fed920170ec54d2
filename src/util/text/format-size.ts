import { assertPresent } from '../assert-present.ts';
import { countOf } from '../count-of.ts';

const units = ['', 'kB', 'MB', 'GB', 'TB'] as const;

/** Prints a size for people: `512 MB`, `1.2 kB`. */
export function formatSize(bytes: number): string {
  if (bytes < 1000) return countOf(bytes, 'byte');
  const step = Math.min(4, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** step;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${assertPresent(units[step], 'the unit')}`;
}
