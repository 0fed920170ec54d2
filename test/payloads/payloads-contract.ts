import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { payloadFamilies } from './payload-families.ts';
import { makePayloadWorld } from './payload-world.ts';
import { variantRuns } from './vary-rules.ts';

import type { PayloadWorld } from './payload-world.ts';

/**
 * Runs scripts of every family at once, as they are, and looks at what is left in databases and directories.
 *
 * @param batch the section `batch` of the site file
 * @param isSupervised whether the variants, which have executables of their own, run under the launcher
 */
export function keepPayloadContract(batch: string, isSupervised: boolean): void {
  let world: PayloadWorld;
  beforeAll(async () => {
    world = await makePayloadWorld(batch);
    await world.produce();
  }, 400_000);
  afterAll(() => world.close(), 120_000);

  /** Rows of a query, columns separated by spaces. */
  const read = async (role: 'status' | 'catalog', text: string): Promise<string> =>
    (await world.read(role, text)).map((row) => row.join(' ').replaceAll(world.home, '')).join('\n');

  test('every attempt ends as its script said, at its first start', async () => {
    expect(
      await read(
        'status',
        `select rule, status, exit_code, start, nevents, nsegments, flags, logsize is not null as logsize, message
         from production_status where retired_at is null order by rule`,
      ),
    ).toMatchInlineSnapshot(`
      "BUILDER finished 0 0 3 2 0 f last stageout DST_EVENT_auau23_ana387_2023p003-00022026-00001.prdf
      CALO finished 0 0 2 2 0 f last stageout HIST_CALOQAFITTING_run2pp_ana437_2024p007-00053535-00000.root
      COSMICS finished 0 0 6 3 0 t Normal termination
      ITERATIONS finished 0 0 0 1 0 f last stageout HST_CALO_CALIB_run2pp_ana437_2024p007-00053539-00053540-0000-00.root
      JETS finished 0 0 2 1 0 f last stageout DST_JETCALO_run2pp_ana437_2024p007-00053537-00000.root
      PASSES finished 0 0 3 1 0 f last stageout DST_UNCALIBRATED_run2pp_ana437_2024p007-00053534-00000.root
      RECO finished 0 0 3 1 0 f last stageout DST_CALOR_auau23_ana387_2023p003-00022027-00000.root
      STREAMING finished 0 0 6 2 0 f last stageout DST_STREAMING_EVENT_run2pp_ana437_2024p007-00053534-00001.root
      TRACKING failed 3 0 10 0 0 f 
      TRIGGERS finished 0 0 6 2 0 f last stageout DST_TRIGGERED_EVENT_run2pp_ana437_2024p007-00053534-00001.root
      WINDOWS finished 0 0 3 1 0 f last stageout DST_TRIGGERED_EVENT_run2auau_ana437_2024p007-00053534-00000.root"
    `);
  });

  test('each report of a script is recorded once, in its order', async () => {
    expect(
      await read(
        'status',
        `select s.rule, string_agg(e.kind, ' ' order by e.source, e.sequence)
         from production_status s join production_event e on e.cupsid = s.id
         where e.kind <> 'exited' and e.source not like 'batch:%' group by s.id, s.rule order by s.rule`,
      ),
    ).toMatchInlineSnapshot(`
      "BUILDER started started running inputs stageout stageout exitcode
      CALO started started inputs running dataset stageout dataset stageout dataset dataset finished
      COSMICS started started running dataset stageout dataset stageout dataset finished stageout dataset message
      ITERATIONS started started finished stageout refused
      JETS started started running stageout finished
      PASSES started started message running message running message finished stageout dataset
      RECO started started running stageout dataset exitcode
      STREAMING started started inputs running dataset stageout dataset stageout dataset finished dataset
      TRACKING started started running dataset finished
      TRIGGERS started started inputs running stageout dataset stageout dataset finished
      WINDOWS started started inputs running finished stageout dataset"
    `);
  });

  test('outputs are registered with their events, and are where the rule wants them', async () => {
    expect(
      await read(
        'catalog',
        `select filename, d.runnumber, d.segment, d.dataset, d.dsttype, d.events, f.full_file_path
         from datasets d join files f on f.lfn = d.filename where d.dataset <> 'in' order by filename`,
      ),
    ).toMatchInlineSnapshot(`
      "DST_CALOFITTING_run2pp_ana437_2024p007-00053535-00000.root 53535 0 ana437_2024p007 DST_CALOFITTING_run2pp 3 /dst/calo/run_00053500_00053600/DST_CALOFITTING_run2pp_ana437_2024p007-00053535-00000.root
      DST_CALOR_auau23_ana387_2023p003-00022027-00000.root 22027 0 ana387_2023p003 DST_CALOR_auau23 3 /dst/reco/run_00022000_00022100/DST_CALOR_auau23_ana387_2023p003-00022027-00000.root
      DST_COSMIC_EVENT_run2pp_ana437_2024p007-00053534-00000.root 53534 0 ana437_2024p007 DST_COSMIC_EVENT_run2pp 3 /dst/cosmics/run_00053500_00053600/DST_COSMIC_EVENT_run2pp_ana437_2024p007-00053534-00000.root
      DST_COSMIC_EVENT_run2pp_ana437_2024p007-00053534-00001.root 53534 1 ana437_2024p007 DST_COSMIC_EVENT_run2pp 3 /dst/cosmics/run_00053500_00053600/DST_COSMIC_EVENT_run2pp_ana437_2024p007-00053534-00001.root
      DST_EVENT_auau23_ana387_2023p003-00022026-00000.prdf 22026 0 ana387_2023p003 DST_EVENT_auau23 3 /dst/builder/run_00022000_00022100/DST_EVENT_auau23_ana387_2023p003-00022026-00000.prdf
      DST_EVENT_auau23_ana387_2023p003-00022026-00001.prdf 22026 1 ana387_2023p003 DST_EVENT_auau23 3 /dst/builder/run_00022000_00022100/DST_EVENT_auau23_ana387_2023p003-00022026-00001.prdf
      DST_JETCALO_run2pp_ana437_2024p007-00053537-00000.root 53537 0 ana437_2024p007 DST_JETCALO_run2pp 3 /dst/jets/run_00053500_00053600/DST_JETCALO_run2pp_ana437_2024p007-00053537-00000.root
      DST_STREAMING_EVENT_run2pp_ana437_2024p007-00053534-00000.root 53534 0 ana437_2024p007 DST_STREAMING_EVENT_run2pp 3 /dst/streaming/run_00053500_00053600/DST_STREAMING_EVENT_run2pp_ana437_2024p007-00053534-00000.root
      DST_STREAMING_EVENT_run2pp_ana437_2024p007-00053534-00001.root 53534 1 ana437_2024p007 DST_STREAMING_EVENT_run2pp 3 /dst/streaming/run_00053500_00053600/DST_STREAMING_EVENT_run2pp_ana437_2024p007-00053534-00001.root
      DST_TRIGGERED_EVENT_run2auau_ana437_2024p007-00053534-00000.root 53534 0 ana437_2024p007 DST_TRIGGERED_EVENT_run2auau 3 /dst/windows/run_00053500_00053600/DST_TRIGGERED_EVENT_run2auau_ana437_2024p007-00053534-00000.root
      DST_TRIGGERED_EVENT_run2pp_ana437_2024p007-00053534-00000.root 53534 0 ana437_2024p007 DST_TRIGGERED_EVENT_run2pp 3 /dst/triggers/run_00053500_00053600/DST_TRIGGERED_EVENT_run2pp_ana437_2024p007-00053534-00000.root
      DST_TRIGGERED_EVENT_run2pp_ana437_2024p007-00053534-00001.root 53534 1 ana437_2024p007 DST_TRIGGERED_EVENT_run2pp 3 /dst/triggers/run_00053500_00053600/DST_TRIGGERED_EVENT_run2pp_ana437_2024p007-00053534-00001.root
      DST_UNCALIBRATED_run2pp_ana437_2024p007-00053534-00000.root 53534 0 ana437_2024p007 DST_UNCALIBRATED_run2pp 3 /dst/passes/run_00053500_00053600/DST_UNCALIBRATED_run2pp_ana437_2024p007-00053534-00000.root
      HIST_CALOQAFITTING_run2pp_ana437_2024p007-00053535-00000.root 53535 0 ana437_2024p007 HIST_CALOQAFITTING_run2pp 0 /hist/calo/run_00053500_00053600/HIST_CALOQAFITTING_run2pp_ana437_2024p007-00053535-00000.root
      HIST_COSMIC_run2pp_ana437_2024p007-00053534-00000.root 53534 0 ana437_2024p007 HIST_COSMIC_run2pp 0 /hist/cosmics/run_00053500_00053600/HIST_COSMIC_run2pp_ana437_2024p007-00053534-00000.root
      HST_CALO_CALIB_run2pp_ana437_2024p007-00053539-00053540-0000-00.root 53539 0 00 HST_CALO_CALIB_run2pp -1 /dst/iterations/run_00053500_00053600/HST_CALO_CALIB_run2pp_ana437_2024p007-00053539-00053540-0000-00.root"
    `);
    const registered = await read('catalog', `select filename from datasets where dataset <> 'in' order by filename`);
    const present = [...(await world.list('dst')), ...(await world.list('hist'))].filter((name) =>
      /^(?!HIST_STREAM)[A-Z].*\.(?:root|prdf)$/u.test(name),
    );
    expect(present.toSorted().join('\n')).toBe(registered);
  });

  test('datasets are reported', async () => {
    expect(
      await read(
        'status',
        `select dstname, run, lastrun, revision, nsegments, parent, status, blame from dataset_status order by dstname`,
      ),
    ).toMatchInlineSnapshot(`
      "DST_CALOFITTING_run2pp_ana437_2024p007 53535 0 1 1 /in/DST_TRIGGERED_EVENT_run2pp_ana437_2024p007-00053535-00000.root finalized cups
      DST_CALOR_auau23_ana387_2023p003 22027 0 0 1 DAQ updated cups
      DST_COSMIC_EVENT_run2pp_ana437_2024p007 53534 0 1 2 DAQ updated cups
      DST_STREAMING_EVENT_run2pp_ana437_2024p007 53534 0 1 2 DAQ finalized cups
      DST_TRIGGERED_EVENT_run2auau_ana437_2024p007 53534 0 0 1 DAQ updated cups
      DST_TRIGGERED_EVENT_run2pp_ana437_2024p007 53534 0 0 2 DAQ updated cups
      DST_TRKR_CLUSTER_run2pp_ana437_2024p007 53538 0 1 0 /in/DST_STREAMING_EVENT_run2pp_ana437_2024p007-00053538-00000.root created cups
      DST_UNCALIBRATED_run2pp_ana437_2024p007 53534 0 0 1 DAQ updated cups
      HIST_CALOQAFITTING_run2pp_ana437_2024p007 53535 0 0 1 DAQ updated cups
      HIST_COSMIC_run2pp_ana437_2024p007 53534 0 0 1 DAQ updated cups"
    `);
  });

  test('logs are where each convention puts them, whole (C-R19, C-H8)', async () => {
    expect((await world.list('log')).join('\n')).toMatchInlineSnapshot(`
      "DST_CALOFITTING_run2pp_ana437_2024p007-00053535-00000.err
      DST_CALOFITTING_run2pp_ana437_2024p007-00053535-00000.out
      DST_CALOR_auau23_ana387_2023p003-00022027-00000.condor.stderr
      DST_CALOR_auau23_ana387_2023p003-00022027-00000.condor.stdout
      DST_CALOR_auau23_ana387_2023p003-00022027-00000.err
      DST_CALOR_auau23_ana387_2023p003-00022027-00000.out
      DST_COSMIC_EVENT_run2pp_ana437_2024p007-00053534-00000.err
      DST_COSMIC_EVENT_run2pp_ana437_2024p007-00053534-00000.out
      DST_EVENT_auau23_ana387_2023p003-00022026-0000.condor.stderr
      DST_EVENT_auau23_ana387_2023p003-00022026-0000.condor.stdout
      DST_EVENT_auau23_ana387_2023p003-00022026-0000.err
      DST_EVENT_auau23_ana387_2023p003-00022026-0000.out
      DST_JETCALO_run2pp_ana437_2024p007-00053537-00000.err
      DST_JETCALO_run2pp_ana437_2024p007-00053537-00000.out
      DST_STREAMING_EVENT_run2pp_ana437_2024p007-00053534-00000.err
      DST_STREAMING_EVENT_run2pp_ana437_2024p007-00053534-00000.out
      DST_TRIGGERED_EVENT_run2auau_ana437_2024p007-00053534-00000.err
      DST_TRIGGERED_EVENT_run2auau_ana437_2024p007-00053534-00000.out
      DST_TRIGGERED_EVENT_run2pp_ana437_2024p007-00053534-00000.err
      DST_TRIGGERED_EVENT_run2pp_ana437_2024p007-00053534-00000.out
      DST_TRKR_CLUSTER_run2pp_ana437_2024p007-00053538-00000.err
      DST_TRKR_CLUSTER_run2pp_ana437_2024p007-00053538-00000.out
      DST_UNCALIBRATED_run2pp_ana437_2024p007-00053534-00000.err
      DST_UNCALIBRATED_run2pp_ana437_2024p007-00053534-00000.out
      HST_CALO_CALIB_run2pp_ana437_2024p007-00053539-00053540-0000-00.condor.stderr
      HST_CALO_CALIB_run2pp_ana437_2024p007-00053539-00053540-0000-00.condor.stdout
      HST_CALO_CALIB_run2pp_ana437_2024p007-00053539-00053540-0000-00.err
      HST_CALO_CALIB_run2pp_ana437_2024p007-00053539-00053540-0000-00.out"
    `);
    const log = (path: string): Promise<string> => readFile(join(world.home, 'log', path), 'utf8');
    const streaming = await log(
      'streaming/run_00053500_00053600/DST_STREAMING_EVENT_run2pp_ana437_2024p007-00053534-00000.out',
    );
    expect(streaming).toMatch(/^before the log: ana437\n.*setup\.sh: No such file/u);
    const calo = 'calo/run_00053500_00053600/DST_CALOFITTING_run2pp_ana437_2024p007-00053535-00000';
    expect(await log(`${calo}.err`)).toMatch(/^wrapper: job [^]*on standard error\n/u);
    expect(await log(`${calo}.out`)).toContain('DST_TRIGGERED_EVENT_run2pp_ana437_2024p007-00053535-00000.root');
    expect(await log('builder/run_00022000_00022100/DST_EVENT_auau23_ana387_2023p003-00022026-0000.out')).toMatch(
      /^cluster \d+, process 0\n/u,
    );
  });

  test('no spool is left: all reports were delivered', async () => {
    expect(await world.list('.slurp-site/spool')).toEqual([]);
  });

  describe('with executables of their own, not executable, argument 9 split, and an outage at the end of all jobs', () => {
    beforeAll(() => world.produceInOutage(isSupervised), 500_000);

    /** Rows of the rules and of their variants, of which the run numbers are made those of the rules. */
    const readBoth = async (role: 'status' | 'catalog', text: string): Promise<readonly (readonly string[])[]> => {
      const readOf = async (added: number): Promise<readonly string[]> => {
        const runs = payloadFamilies.map(({ run }) => run + added).join(', ');
        return (await read(role, text.replace('@RUNS@', `in (${runs})`))).split('\n');
      };
      const varied = await readOf(variantRuns);
      return [
        await readOf(0),
        varied.map((line) => line.replaceAll(/(?<=000)(?:54|23)(?=\d{3})/gu, (run) => String(Number(run) - 1))),
      ];
    };

    test('every attempt ends as it does without an outage (C-L1, C-L3, C-L5)', async () => {
      const [plain, varied] = await readBoth(
        'status',
        `select rule, status, exit_code, start, nevents, nsegments, flags, logsize is not null as logsize, message
         from production_status where retired_at is null and run @RUNS@ order by rule`,
      );
      expect(varied).toHaveLength(payloadFamilies.length);
      expect(varied).toEqual(plain);
    });

    test('every file is registered, with its events, in its place', async () => {
      const [plain, varied] = await readBoth(
        'catalog',
        `select filename, d.segment, d.dataset, d.dsttype, d.events, f.full_file_path
         from datasets d join files f on f.lfn = d.filename where d.dataset <> 'in' and d.runnumber @RUNS@ order by filename`,
      );
      expect(varied).toHaveLength(16);
      expect(varied).toEqual(plain);
    });

    test('every dataset is reported', async () => {
      const [plain, varied] = await readBoth(
        'status',
        `select dstname, lastrun, revision, nsegments, parent, status, blame from dataset_status
         where run @RUNS@ order by dstname`,
      );
      expect(varied).toEqual(plain);
    });

    test('files on disk are files in the catalog and stage-outs that were reported', async () => {
      const present = [...(await world.list('dst')), ...(await world.list('hist'))].filter((name) =>
        /^(?!HIST_STREAM)[A-Z].*\.(?:root|prdf)$/u.test(name),
      );
      expect(present).toHaveLength(32);
      expect(await read('catalog', `select filename from datasets where dataset <> 'in' order by filename`)).toBe(
        present.toSorted().join('\n'),
      );
      const staged = `select distinct detail -> 'file' ->> 'lfn' as lfn from production_event
                      where kind = 'stageout' and applied_at is not null order by lfn`;
      expect(await read('status', staged)).toBe(present.toSorted().join('\n'));
      expect(await world.list('.slurp-site/spool')).toEqual([]);
    });
  });
}
