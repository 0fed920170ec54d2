import { headOf } from './head-of.ts';

/**
 * An address with a user part, wherever it stands in a text: scheme, user part, the rest up to a space or quote. What
 * looks like host and port but has no number there is a user and a password, in which `/`, `?` or `#` is not encoded.
 */
const address = /([A-Za-z][A-Za-z0-9+.-]*:\/\/)(?:([^\s/?#]*|[^\s/?#:@[]*:(?!\d{1,5}(?:[/?#]|$))\S*)@)?([^\s'"]*)/gu;

/** A user with a password before host and path, without a scheme. */
const userOfPath = /(?<![^\s'"])([\w.+-]+):(?!\/\/)[^\s'"@]+@(?=[\w.-]+:)/gu;

/**
 * Removes credentials from all addresses in a text: user and password (`https://user:token@host/…`), and the query and
 * fragment behind the path, where tokens stand as well. Of `ssh` addresses the user stays, without a password: it is
 * needed to reach the repository, and is not a secret. `git@host:path` stays as it is, `git:token@host:path` becomes that.
 */
export function withoutCredentials(text: string): string {
  const stripped = text.replace(address, (_, scheme: string, user: string | undefined, rest: string) => {
    const [path = ''] = /^https?:/iu.test(scheme) ? rest.split(/[?#]/u) : [rest];
    const name = user !== undefined && /(?:^|\+)ssh:|^ssh\+/iu.test(scheme) ? headOf(user, ':') : '';
    return `${scheme}${name === '' ? '' : `${name}@`}${path}`;
  });
  return stripped.replace(userOfPath, '$1@');
}
