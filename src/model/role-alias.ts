import type { RoleName } from './site.ts';

/** What rule files call the four databases. */
export const roleAliases: ReadonlyMap<string, RoleName> = new Map([
  ['daq', 'daq'],
  ['daqdb', 'daq'],
  ['raw', 'raw'],
  ['rawdr', 'raw'],
  ['fc', 'catalog'],
  ['fccro', 'catalog'],
  ['filecatalog', 'catalog'],
  ['status', 'status'],
  ['statusw', 'status'],
]);
