import { z } from 'zod';

const adsSchema = z.array(z.record(z.string(), z.unknown()));

/** The attributes of one job or cluster, as condor prints them with `-json`. */
export type Ad = z.infer<typeof adsSchema>[number];

/**
 * Parses what `condor_q -json` and `condor_history -json` print: a list, or nothing at all where nothing matched.
 *
 * @throws SyntaxError, ZodError for anything else, such as a list that was cut off
 */
export function parseAds(text: string): readonly Ad[] {
  return text.trim() === '' ? [] : adsSchema.parse(JSON.parse(text));
}
