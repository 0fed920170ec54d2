/** Writes whole numbers, ascending and without repetition, as ranges: `[0, 1, 2, 5]` → `0-2,5`. */
export function formatRanges(numbers: readonly number[]): string {
  const ranges: string[] = [];
  let first: number | undefined;
  numbers.forEach((number, index) => {
    first ??= number;
    if (numbers[index + 1] === number + 1) return;
    ranges.push(first === number ? String(number) : `${first}-${number}`);
    first = undefined;
  });
  return ranges.join(',');
}
