/** Sorts attempts by their submission, in order: uuid → ids. */
export function idsBySubmission(
  attempts: readonly { readonly id: number; readonly submission: string }[],
): ReadonlyMap<string, readonly number[]> {
  const groups = new Map<string, number[]>();
  for (const { id, submission } of attempts) {
    const group = groups.get(submission) ?? [];
    group.push(id);
    groups.set(submission, group);
  }
  return groups;
}
