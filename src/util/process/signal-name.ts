import { constants } from 'node:os';

const names = new Map(
  Object.entries(constants.signals)
    .toReversed()
    .map(([name, number]) => [number, name]),
);

/**
 * The name of a signal by its number on this machine, 9: `SIGKILL`; of several, the usual one.
 *
 * @returns undefined where no signal has that number; never throws
 */
export function signalNameOf(number: number): string | undefined {
  return names.get(number);
}
