import { expect, test } from 'vitest';

import { makeCatalogFile } from '#ingest/make-catalog-file.ts';

const said = { lfn: 'out.root', path: '/out/out.root', host: 'lustre', sizeBytes: 1, md5: 'ab', events: -1 };
const product = {
  dstfile: 'DST_CALO_run2pp_new_nocdbtag_v001-00007101-00002',
  dsttype: 'DST_CALO_run2pp',
  dstname: 'DST_CALO_run2pp_new_nocdbtag_v001',
  run: 7101,
  segment: 2,
};
const filled = { ...said, run: 7101, segment: 2, dsttype: 'DST_CALO_run2pp', dataset: 'new_nocdbtag_v001' };

test('fills in what the worker did not know from the attempt (C-W25)', () => {
  expect(makeCatalogFile(said, product)).toEqual(filled);
});

test('keeps what was reported', () => {
  const all = { ...said, run: 1, segment: 0, dsttype: 'T', dataset: 'D' };
  expect(makeCatalogFile(all, product)).toEqual(all);
});

test.each([
  ['DST_CALO_run2pp_odd', 'odd'],
  ['odd', 'odd'],
])('finds a dataset also in the dstname %s, which is not a name of ours', (dstname, dataset) => {
  expect(makeCatalogFile(said, { ...product, dstname }).dataset).toBe(dataset);
});
