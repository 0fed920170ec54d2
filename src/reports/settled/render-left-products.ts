import { countOf } from '#util/count-of.ts';

import type { LeftProduct, LeftProducts } from '#model/report/left-products.ts';

/** A product that was found, and what became of it if it was to be registered. */
type Shown = LeftProduct & { readonly isRegistered?: boolean; readonly reason?: string };

const mostShown = 20;

/** Renders products that no job reported as lines, each ended by a newline; empty if there are none. */
export function renderLeftProducts({
  found,
  unreadable,
}: Pick<LeftProducts, 'unreadable'> & { readonly found: readonly Shown[] }): string {
  const lines = found.slice(0, mostShown).map(({ path, cupsid, state, isSuccess, isRegistered, reason }) => {
    const fate = isRegistered === undefined ? '' : isRegistered ? ', registered' : `, not registered: ${reason ?? ''}`;
    return `  ${path}\n    cupsid ${cupsid}, ${state}${isSuccess && state === 'failed' ? ' without its product' : ''}${fate}\n`;
  });
  const more = found.length > mostShown ? `  and ${found.length - mostShown} more\n` : '';
  const isOpen = found.some(({ isSuccess, isRegistered }) => isSuccess && isRegistered === undefined);
  return [
    ...(found.length === 0
      ? []
      : [`\n${countOf(found.length, 'product')} on disk that no job reported:\n`, ...lines, more]),
    ...(isOpen ? ["  'slurp reconcile --register' registers those of jobs that ended without an error\n"] : []),
    ...unreadable.map((directory) => `Cannot list '${directory}': products there are unknown\n`),
  ].join('');
}
