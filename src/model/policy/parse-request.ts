const unitsMb: Readonly<Record<string, number>> = { K: 1 / 1024, M: 1, G: 1024, T: 1024 * 1024 };

/** The unit of a number alone, as HTCondor takes it. */
const usualUnits = { request_memory: 'M', request_disk: 'K' } as const;

/**
 * Parses what a job requests, e.g. `2048MB`, `2 GB`, `4096`, into MB.
 *
 * @returns undefined for an expression, which only HTCondor can evaluate
 */
export function parseRequest(command: keyof typeof usualUnits, text: string): number | undefined {
  const parts = /^\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?\s*$/iu.exec(text);
  if (parts === null) return undefined;
  const [, number, unit = ''] = parts;
  const perUnit = unitsMb[(unit === '' ? usualUnits[command] : unit).toUpperCase()];
  return perUnit === undefined ? undefined : Number(number) * perUnit;
}
