import { setupNameOf } from '#model/production.ts';

import { sql } from '../../connect.ts';

import type { Production } from '#model/production.ts';

import type { Queryable } from '../../connect.ts';

/** A production setup: for which production, and with which payload, jobs are made. */
export interface ProductionSetup {
  readonly production: Production;
  /** The build as the release set-up takes it, dotted: `ana.437`. */
  readonly buildarg: string;
  /** Where the payload's repository comes from. */
  readonly repo: string;
  /** The payload's directory as the rule writes it. */
  readonly dir: string;
  /** Short. */
  readonly hash: string;
  /** Of what its jobs stage: the content's hash. */
  readonly payload: string;
  /** Something that its jobs stage is not what its commit has. */
  readonly isDirty: boolean;
}

/**
 * Finds the row of a production setup, or inserts it. Another content of the payload is another setup.
 *
 * @returns its id
 * @throws DatabaseError
 */
export async function putSetup(status: Queryable, setup: ProductionSetup): Promise<number> {
  const { production } = setup;
  const rows = await status.query<{ readonly id: number }>(sql`
    insert into ${sql.table(status.role, 'production_setup')} as s
      (name, build, dbtag, repo, dir, hash, revision, dirty, payload)
    values (${setupNameOf(production)}, ${setup.buildarg}, ${production.tag}, ${setup.repo}, ${setup.dir}, ${setup.hash},
            ${production.version ?? null}, ${setup.isDirty}, ${setup.payload})
    on conflict (name, build, dbtag, hash, coalesce(revision, -1), coalesce(payload, ''), dirty)
      do update set dirty = s.dirty
    returning id`);
  const [row] = rows;
  if (row === undefined) throw new Error('An upsert of production_setup returned no row');
  return row.id;
}
