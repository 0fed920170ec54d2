/** A number and its noun, which takes an `s` unless there is one: `1 row`, `2 rows`; `plural` where that is not enough. */
export function countOf(count: number, noun: string, plural = `${noun}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? noun : plural}`;
}
