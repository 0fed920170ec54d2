import { findQueryReads } from '#rules/reads/find-query-reads.ts';

import type { QueryReads } from '#rules/reads/find-query-reads.ts';

/** What the queries of a loop's rules read. A query is parsed again only if its text has changed. */
export interface QueryCache {
  /** Returns undefined for what is not SQL. */
  find(rule: string, query: string): Promise<QueryReads | undefined>;
}

/** Makes an empty cache, for the life of a loop. */
export function makeQueryCache(): QueryCache {
  const known = new Map<string, { readonly query: string; readonly reads: QueryReads | undefined }>();
  return {
    find: async (rule, query) => {
      const found = known.get(rule);
      if (found?.query === query) return found.reads;
      const reads = await findQueryReads(query);
      known.set(rule, { query, reads });
      return reads;
    },
  };
}
