/** More than this number and this part of all are never gone at once: the answer is wrong, or a file system is away. */
const believable = { count: 100, part: 0.5 } as const;

/** Whether so many of all are gone at once that a person has to confirm it. */
export function isMass(gone: number, all: number): boolean {
  return gone > believable.count && gone > believable.part * all;
}
