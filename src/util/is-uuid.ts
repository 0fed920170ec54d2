const pattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/u;

/** Returns whether a text is a uuid in lower case, as PostgreSQL and Node write it: safe in a path and in an expression. */
export function isUuid(text: string): boolean {
  return pattern.test(text);
}
