import { SiteError } from '#model/errors.ts';

import { readPayloadRepository } from './payload-repository.ts';

/**
 * Reports why a dispatch would refuse a payload directory as it is; undefined where it would not. Asks no server, and not
 * whether its commit is published, which depends on site and rule.
 *
 * @throws what is not a fault of the payload
 */
export async function findPayloadRefusal(directory: string): Promise<string | undefined> {
  try {
    await readPayloadRepository(directory);
    return undefined;
  } catch (error) {
    if (!(error instanceof SiteError)) throw error;
    return describeRefusal(error);
  }
}

/** An error as one sentence: what is wrong, and what to do. */
export function describeRefusal({ message, advice }: SiteError): string {
  return advice === undefined ? message : `${message}; ${advice.charAt(0).toLowerCase()}${advice.slice(1)}`;
}
