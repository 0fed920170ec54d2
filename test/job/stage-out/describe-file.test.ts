import { expect, test } from 'vitest';

import { describeFile } from '#job/stage-out/describe-file.ts';

import type { FileDescription, GivenFacts } from '#job/stage-out/describe-file.ts';

const segmentFile = 'DST_CALO_run2pp_new_nocdbtag_v001-00007101-00002.root';
const named = { run: 7101, segment: 2, dsttype: 'DST_CALO_run2pp', dataset: 'new_nocdbtag_v001' };

test.each<[string, string, GivenFacts, FileDescription['facts']]>([
  ['the name', segmentFile, {}, named],
  [
    'the name, also of a range of runs',
    'HST_PI0_run2pp_new_2024p001-00007101-00007103-0042-00.root',
    {},
    {
      run: 7101,
      segment: 42,
      dsttype: 'HST_PI0_run2pp',
      dataset: 'new_2024p001',
    },
  ],
  [
    'the name before the dstname of the job',
    'HIST_CALO_run2pp_new_nocdbtag_v001-00007101-00002.root',
    {
      dstname: 'DST_CALO_run2pp_new_nocdbtag_v001',
    },
    { ...named, dsttype: 'HIST_CALO_run2pp' },
  ],
  [
    'what is given before the name',
    segmentFile,
    { run: 7, segment: 0, dsttype: 'T', dataset: 'D' },
    {
      run: 7,
      segment: 0,
      dsttype: 'T',
      dataset: 'D',
    },
  ],
  ['each fact for itself', segmentFile, { dataset: '00' }, { ...named, dataset: '00' }],
  [
    'the dstname where the name is none of ours',
    'out.root',
    { run: 7101, dstname: 'DST_CALO_run2pp_new_nocdbtag' },
    {
      run: 7101,
      dsttype: 'DST_CALO_run2pp',
      dataset: 'new_nocdbtag',
    },
  ],
  [
    'a whole dstfile as dstname',
    'out.root',
    { dstname: 'DST_CALO_run2pp_new_nocdbtag-00007101-00002' },
    {
      dsttype: 'DST_CALO_run2pp',
      dataset: 'new_nocdbtag',
    },
  ],
  ['nothing where it is not given', 'out.root', { dstname: 'none' }, {}],
  ['nothing of a raw file', 'GL1_physics_gl1daq-00053534-0000.evt', {}, {}],
])('takes %s (C-W25)', (_, lfn, given, facts) => {
  expect(describeFile(lfn, given).facts).toEqual(facts);
});

test('reports each contradiction between what is given and the name (C-W25)', () => {
  expect(
    describeFile(segmentFile, {
      run: 7106,
      segment: 3,
      dstname: 'DST_CALO_run2pp_new_nocdbtag',
      dsttype: 'DST_OTHER_run2pp',
      dataset: 'test',
    }).contradictions,
  ).toEqual([
    "--run is '7106', the file name says '7101'",
    "--segment is '3', the file name says '2'",
    "--dstname is 'DST_CALO_run2pp_new_nocdbtag', the file name says 'DST_CALO_run2pp_new_nocdbtag_v001'",
    "--dsttype is 'DST_OTHER_run2pp', the file name says 'DST_CALO_run2pp'",
    "--dataset is 'test', the file name says 'new_nocdbtag_v001'",
  ]);
});

test('finds no contradiction where the script agrees, says nothing, or the name is none of ours', () => {
  expect(describeFile(segmentFile, { ...named, dstname: 'none' }).contradictions).toEqual([]);
  expect(describeFile(segmentFile, {}).contradictions).toEqual([]);
  expect(describeFile('out.root', { run: 1, dsttype: 'T' }).contradictions).toEqual([]);
});
