import { findCataloged } from '#db/catalog/find-cataloged.ts';
import { findOwners } from '#db/status/owner/find-owners.ts';
import { putOwners } from '#db/status/owner/put-owners.ts';
import { bearsNameOf, isSameProduct } from '#model/dst-name.ts';
import { GatewayError } from '#model/errors.ts';

import type { Database } from '#db/connect.ts';
import type { FileOwner } from '#db/status/owner/find-owners.ts';
import type { NameClaim } from '#db/status/owner/put-owners.ts';

/** A file name that an attempt wants for its product. */
export interface NameRequest {
  readonly lfn: string;
  /** The product of the attempt. */
  readonly dstfile: string;
  readonly cupsid: number;
  /** A file with another content has the name on disk. */
  readonly isTaken: boolean;
}

/** Claims are decided again where another one came first; each time at least one of them is settled. */
const maxRounds = 5;

/**
 * Claims file names for products: a name belongs to the product that staged it out, until that product's attempt has
 * ended and the catalog does not have the name. What no attempt staged out (adopted data) may be replaced only by the
 * product whose name it bears. Several claims at once, also by several gateways, are decided one after the other.
 *
 * @returns one a request, in order: undefined if the name is its product's now, else why not
 * @throws DatabaseError; GatewayError `gateway-busy`: ask again
 * @see docs/events.md
 */
export async function claimNames(
  { status, catalog }: { readonly status: Database; readonly catalog: Database },
  requests: readonly NameRequest[],
): Promise<readonly (string | undefined)[]> {
  if (requests.length === 0) return [];
  const lfns = [...new Set(requests.map(({ lfn }) => lfn))];
  for (let round = 0; round < maxRounds; round += 1) {
    const owners = new Map((await findOwners(status, lfns)).map((owner) => [owner.lfn, owner]));
    const doubtful = requests.filter((request) => isDoubtful(request, owners.get(request.lfn)));
    const cataloged =
      doubtful.length === 0
        ? new Set<string>()
        : await findCataloged(
            catalog,
            doubtful.map(({ lfn }) => lfn),
          );
    const { reasons, claims } = decideClaims(requests, owners, cataloged);
    if (claims.length === 0 || (await putOwners(status, claims)) === claims.length) return reasons;
  }
  throw new GatewayError('Other jobs keep claiming the same file names', {
    code: 'gateway-busy',
    advice: 'Try again in a few seconds',
  });
}

/** Returns whether the decision depends on what the catalog has; for most stage-outs it does not. */
function isDoubtful({ lfn, dstfile }: NameRequest, owner: FileOwner | undefined): boolean {
  if (owner === undefined) return !bearsNameOf(lfn, dstfile);
  return !isSameProduct(owner.dstfile, dstfile) && !owner.isHeld;
}

function decideClaims(
  requests: readonly NameRequest[],
  owners: ReadonlyMap<string, FileOwner>,
  cataloged: ReadonlySet<string>,
): { readonly reasons: readonly (string | undefined)[]; readonly claims: readonly NameClaim[] } {
  const current = new Map(owners);
  const reasons = requests.map((request) => {
    const { lfn, dstfile, cupsid } = request;
    const reason = decideClaim(request, current.get(lfn), cataloged.has(lfn));
    if (reason === undefined) current.set(lfn, { lfn, dstfile, cupsid, isHeld: true });
    return reason;
  });
  const claims = [...current.values()].flatMap(({ lfn, dstfile, cupsid }) => {
    const before = owners.get(lfn)?.cupsid;
    return cupsid === before ? [] : [{ lfn, dstfile, cupsid, before }];
  });
  return { reasons, claims };
}

function decideClaim(
  { lfn, dstfile, isTaken }: NameRequest,
  owner: FileOwner | undefined,
  isCataloged: boolean,
): string | undefined {
  if (owner !== undefined) {
    if (isSameProduct(owner.dstfile, dstfile)) return undefined;
    if (owner.isHeld || isCataloged) {
      return `the name '${lfn}' belongs to the product '${owner.dstfile}' (cupsid ${owner.cupsid})`;
    }
  }
  if ((!isTaken && !isCataloged) || bearsNameOf(lfn, dstfile)) return undefined;
  return `a file '${lfn}' exists that no attempt staged out: only the product of that name may replace it`;
}
