import * as z from 'zod';

/** A mapping with these keys and no other. */
export const makeMapping = <T extends z.core.$ZodLooseShape>(wanted: string, shape: T) =>
  z.strictObject(shape, {
    error: ({ code }) => (code === 'unrecognized_keys' ? `one of ${Object.keys(shape).join(', ')}` : wanted),
  });

/**
 * What a short form stands for, or else a mapping. A union of both would hide what is wrong inside the mapping.
 *
 * @param expand returns undefined if the value is not the short form
 */
export const makeShortOrMapping = <T>(expand: (value: unknown) => T | undefined, mapping: z.ZodType<T>) =>
  z.unknown().transform((value, context): T => {
    const short = expand(value);
    if (short !== undefined) return short;
    const { data, error } = mapping.safeParse(value);
    for (const issue of error?.issues ?? []) {
      const { message, path } = issue;
      if (issue.code === 'unrecognized_keys') context.issues.push({ ...issue, input: {} });
      else context.issues.push({ code: 'custom', message, path, input: value });
    }
    return data ?? z.NEVER;
  });
