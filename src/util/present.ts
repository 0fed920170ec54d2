/** The keys of `T` whose value may be undefined are optional here, and never undefined; all others are as they were. */
export type Present<T> = {
  readonly [Key in keyof T as undefined extends T[Key] ? never : Key]: T[Key];
} & {
  readonly [Key in keyof T as undefined extends T[Key] ? Key : never]?: Exclude<T[Key], undefined>;
};

/**
 * Returns a copy of a record without the keys whose value is undefined; `null`, `0` and `''` stay. For optional fields,
 * which are absent and never undefined in this code: `{ kind, ...present({ node, signal }) }`.
 */
export function present<const T extends object>(record: T): Present<T>;
export function present(record: object): object {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}
