import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  bearsNameOf,
  formatDataset,
  formatDstname,
  formatRungroup,
  formatVersion,
  isConventionalDsttype,
  leafdirOf,
  makeBuildName,
  parseDstname,
  parseFileName,
  parseStem,
  parseVersion,
  runnameOf,
  twinOf,
} from '#model/dst-name.ts';

import type { Conditions } from '#model/dst-name.ts';

const letters = (from: string, minLength: number, maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...from), minLength, maxLength });
/** Not `unit: 'binary'`, whose table takes ten seconds to make. */
const anyText = fc.string({ unit: fc.nat(0xffff).map((code) => String.fromCharCode(code)) });
const capitals = 'ABCDSTXYZ';
const lower = 'abnruwz';
const digits = '0123456789';
const word = fc.oneof(letters(capitals + digits, 1, 6), letters(lower + digits, 1, 6));
const dsttype = fc
  .tuple(letters(capitals, 3, 5), fc.array(word, { maxLength: 3 }), letters(lower + digits, 1, 8))
  .map(([first, words, runname]) => [first, ...words, runname].join('_'));
const tag = fc.oneof(
  fc.constant('nocdbtag'),
  fc.tuple(letters(digits, 4, 4), letters(digits, 3, 3)).map(([year, number]) => `${year}p${number}`),
);
const version = fc.oneof(fc.nat(999), fc.integer({ min: 1000, max: 99_999 }));
const conditions: fc.Arbitrary<Conditions> = fc
  .tuple(letters(lower + digits, 1, 7), tag, fc.option(version, { nil: undefined }))
  .map(([build, of, number]) => ({ build, tag: of, ...(number === undefined ? {} : { version: number }) }));
const run = fc.oneof(fc.nat(99_999_999), fc.integer({ min: 100_000_000, max: 2_147_483_647 }));
const segment = fc.oneof(fc.nat(9999), fc.integer({ min: 10_000, max: 2_147_483_647 }));
const pad = (number: number, width: number): string => String(number).padStart(width, '0');
const extension = fc.constantFrom('root' as const, 'prdf' as const);

describe('dst names', () => {
  it('reads back every dstname that it prints (C-N1)', () => {
    fc.assert(
      fc.property(dsttype, conditions, (type, of) => {
        const parsed = parseDstname(formatDstname({ dsttype: type, ...of }));
        expect(parsed).toEqual({ kind: 'dstname', dsttype: type, ...of });
      }),
    );
  });

  it('reads every file of one run, old segments of four digits too (C-N2)', () => {
    fc.assert(
      fc.property(
        dsttype,
        conditions,
        run,
        segment,
        fc.constantFrom(4, 5),
        extension,
        (type, of, first, part, width, ext) => {
          const text = `${formatDstname({ dsttype: type, ...of })}-${pad(first, 8)}-${pad(part, width)}.${ext}`;
          const expected = { kind: 'dstfile', dsttype: type, ...of, run: first, segment: part, extension: ext };
          expect(parseFileName(`/some/where/${text}`)).toEqual(expected);
        },
      ),
    );
  });

  it('reads every file of a range of runs, with iteration and without (C-N3)', () => {
    const iteration = fc.option(fc.nat(500), { nil: undefined });
    fc.assert(
      fc.property(dsttype, conditions, run, run, segment, iteration, (type, of, first, lastRun, part, step) => {
        const numbers = [pad(first, 8), pad(lastRun, 8), pad(part, 5), ...(step === undefined ? [] : [pad(step, 2)])];
        expect(parseStem([formatDstname({ dsttype: type, ...of }), ...numbers].join('-'))).toEqual({
          ...{ kind: 'range-file', dsttype: type, ...of, run: first, lastRun, segment: part },
          ...(step === undefined ? {} : { iteration: step }),
        });
      }),
    );
  });

  it('never throws, and says why it could not read a text', () => {
    const near = fc
      .tuple(
        dsttype,
        conditions,
        fc.array(
          fc.oneof(
            letters(`${digits}-_.`, 0, 10),
            fc.constantFrom('-00000001', '-0001', '.root', '.prdf', '.evt', '_v001'),
          ),
        ),
      )
      .map(([type, of, rest]) => formatDstname({ dsttype: type, ...of }) + rest.join(''));
    fc.assert(
      fc.property(fc.oneof(anyText, near), (text) => {
        const name = parseFileName(text);
        if (name.kind === 'not-a-name') expect(name.reason).not.toBe('');
        else expect(text).toContain(pad(name.run, 8));
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['DST_CALO_run2pp_ana437_2024p007-00053534-00012.root', 'dstfile'],
    ['DST_CALOR_auau23_ana387_2023p003-00022027-0099.root', 'dstfile'],
    ['DST_STREAMING_EVENT_INTT0_run3auau_new_nocdbtag_v000-00060123-00000.root', 'dstfile'],
    ['DST_STREAMING_EVENT_seb18_run3auau_new_nocdbtag_v000-00060123-00000.root', 'dstfile'],
    ['HST_CALO_PI0CALIB_run2pp_new_2024p001-00042101-00042103-0042-00.root', 'range-file'],
    ['HIST_CALOQA_run2pp_new_2024p001-00042101-00000.root', 'dstfile'],
    ['CDB_PI0CALO_CALIB_ITER_run1auau_new_2023p014-00020829-00024316-0001.root', 'range-file'],
    ['DST_TPCCOSMICS_new_2023p009-00022027-0000.prdf', 'dstfile'],
    ['GL1_physics_gl1daq-00053534-0000.evt', 'raw-file'],
    ['physics_intt7-00053534-0012.evt', 'raw-file'],
    ['TPC_ebdc23_cosmics-00053534-0000.evt', 'raw-file'],
    ['physics_seb01-00053534-0000.prdf', 'raw-file'],
  ])('knows %s as %s', (text, kind) => {
    expect(parseFileName(text).kind).toBe(kind);
  });

  it.each([
    ['', "'' is not a file of ours: it ends in '': expected root or prdf"],
    ['README', "'README' is not a file of ours: it ends in '': expected root or prdf"],
    [
      'DST_CALO_run2pp_ana437_2024p007-00053534-00012.txt',
      "'DST_CALO_run2pp_ana437_2024p007-00053534-00012.txt' is not a file of ours: it ends in 'txt': expected root or prdf",
    ],
    [
      'DST_CALO_run2pp_ana437_2024p007.root',
      "'DST_CALO_run2pp_ana437_2024p007' is not a dstfile: it has 0 numbers after '-': expected run and segment",
    ],
    ['DST_CALO_run2pp_ana437_2024p007-53534-00012.root', "'53534' is not a run: it has 5 digits, expected 8 digits"],
    [
      'DST_CALO_run2pp_ana437_2024p007-0000053534-00012.root',
      "'0000053534' is not a run: it has 10 digits, expected 8 digits",
    ],
    [
      'DST_CALO_run2pp_ana437_2024p007-00053534-000012.root',
      "'000012' is not a segment: it has 6 digits, expected 4 or 5 digits",
    ],
    ['DST_CALO_run2pp_ana437_2024p007-00053534-abc.root', "'abc' is not a segment: expected 4 or 5 digits"],
    [
      'DST_CALO_run2pp_ana437_2024p07-00053534-00012.root',
      "No build and tag at the end of 'DST_CALO_run2pp_ana437_2024p07'",
    ],
    [
      'DST_CALO_run2pp_ana.437_2024p007-00053534-00012.root',
      "'ana.437' in 'DST_CALO_run2pp_ana.437_2024p007' is not a build: expected lower case",
    ],
    [
      'DST_CALO_run2pp_ana437_2024p007__v001-00053534-00012.root',
      "No build and tag at the end of 'DST_CALO_run2pp_ana437_2024p007__v001'",
    ],
    ['CDB_CALO_CALIB_run1auau-00020829-00000.root', "No build and tag at the end of 'CDB_CALO_CALIB_run1auau'"],
    [
      'calo_run2pp_ana437_2024p007-00053534-00012.root',
      "'calo_run2pp' is not a dsttype: expected three or more capitals, then words joined by '_'",
    ],
    [
      'DST_CALO_run2pp_ana437_2024p007-00053534-00012-00001-00-1.root',
      "'DST_CALO_run2pp_ana437_2024p007-00053534-00012-00001-00-1' is not a dstfile: it has 5 numbers after '-': expected run and segment",
    ],
  ])("says what '%s' is not, and why (C-N6)", (text, reason) => {
    expect(parseFileName(text)).toEqual({ kind: 'not-a-name', text, reason });
  });

  it('does not take long for a long strange name', () => {
    expect(parseFileName(`DST${'_1'.repeat(10_000)}!_new_2024p001-00000001-00001.root`).kind).toBe('not-a-name');
  });

  it('parses a name with version', () => {
    expect(parseStem('DST_STREAMING_EVENT_INTT0_run2pp_ana437_2024p007_v001-00053534-00012')).toMatchInlineSnapshot(`
      {
        "build": "ana437",
        "dsttype": "DST_STREAMING_EVENT_INTT0_run2pp",
        "kind": "dstfile",
        "run": 53534,
        "segment": 12,
        "tag": "2024p007",
        "version": 1,
      }
    `);
    expect(parseStem('HST_X_run2pp_new_2024p001-00042101-00042103-0042-07')).toMatchInlineSnapshot(`
      {
        "build": "new",
        "dsttype": "HST_X_run2pp",
        "iteration": 7,
        "kind": "range-file",
        "lastRun": 42103,
        "run": 42101,
        "segment": 42,
        "tag": "2024p001",
      }
    `);
  });

  it('prints run groups of a hundred runs', () => {
    expect(formatRungroup(53534)).toBe('00053500_00053600');
    expect(formatRungroup(53600)).toBe('00053600_00053700');
    expect(formatRungroup(0)).toBe('00000000_00000100');
  });

  it('prints versions with three digits at least and reads them back', () => {
    expect([0, 1, 999, 1000].map(formatVersion)).toEqual(['v000', 'v001', 'v999', 'v1000']);
    fc.assert(
      fc.property(version, (number) => {
        expect(parseVersion(formatVersion(number))).toBe(number);
      }),
    );
    for (const text of ['v1', 'v0001', '001', 'V001', 'v-01', '']) expect(parseVersion(text)).toHaveProperty('kind');
  });

  it('removes every dot from a build', () => {
    expect(makeBuildName('ana.437')).toBe('ana437');
    expect(makeBuildName('pro.1.2')).toBe('pro12');
    expect(makeBuildName('new')).toBe('new');
  });

  it('finds runname and leafdir as the last field and all before it', () => {
    expect([runnameOf('DST_CALO_run2pp'), leafdirOf('DST_CALO_run2pp')]).toEqual(['run2pp', 'DST_CALO']);
    expect([runnameOf('DST_TPCCALIB'), leafdirOf('DST_TPCCALIB')]).toEqual(['TPCCALIB', 'DST']);
    expect([runnameOf('DST'), leafdirOf('DST')]).toEqual(['DST', 'DST']);
    expect(leafdirOf('DST_$(streamname)_run3auau')).toBe('DST_$(streamname)');
  });

  it('prints one dataset everywhere, version included (C-N5)', () => {
    expect(formatDataset({ build: 'ana437', tag: '2024p007' })).toBe('ana437_2024p007');
    expect(formatDataset({ build: 'ana437', tag: '2024p007', version: 0 })).toBe('ana437_2024p007_v000');
  });

  it('counts a name without version and one with v000 as the same product (C-N4)', () => {
    const parts = { dsttype: 'DST_CALO_run2pp', build: 'new', tag: '2024p007' };
    expect(twinOf(parts)).toBe('DST_CALO_run2pp_new_2024p007_v000');
    expect(twinOf({ ...parts, version: 0 })).toBeUndefined();
    expect(twinOf({ ...parts, version: 3 })).toBeUndefined();
  });

  it('distinguishes usual names from unusual ones', () => {
    expect(isConventionalDsttype('DST_CALO_run2pp')).toBe(true);
    expect(isConventionalDsttype('DST_TPCCALIB')).toBe(false);
    expect(isConventionalDsttype('dst_calo_run2pp')).toBe(false);
  });
});

describe('the name of a product in the name of a file', () => {
  const product = 'DST_CALO_run2pp_new_2024p007-00053534-00000';
  it.each([
    [`${product}.root`, true],
    [`${product}.tar.gz`, true],
    [`hist_${product}.root`, true],
    [`HIST-${product}_qa.root`, true],
    [product.replace('-', '_v000-'), true],
    [`hist_${product.replace('-', '_v000-')}.root`, true],
    [`${product.replace('-', '_v001-')}.root`, false],
    [`X${product}.root`, false],
    [`${product}1.root`, false],
    [`${product}-01.root`, false],
    ['HIST.root', false],
  ])('%s: %s (C-W28)', (lfn, isBorne) => {
    expect(bearsNameOf(lfn, product)).toBe(isBorne);
  });
});
