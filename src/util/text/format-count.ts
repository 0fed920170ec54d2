/** Writes a number with commas between thousands: 1000000 → `1,000,000`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}
