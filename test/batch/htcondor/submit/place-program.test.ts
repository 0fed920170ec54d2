import { describe, expect, it } from 'vitest';

import { makeJobFinisher } from '#batch/htcondor/submit/finish-job.ts';

import type { BatchSubmission } from '#batch/backend.ts';

const submission: BatchSubmission = {
  ...{ uuid: '8c5d3c3e-0000-4000-8000-123456789abc', batchName: 'DST', count: 2 },
  ...{ directory: '/site/submissions/8c5d', workerDirectory: '/slurp/dist/worker', submitDirectory: '/home/prod' },
  ...{ isSupervised: true, spoolDirectory: '/site/sp ool', environment: {} },
};

function finish(commands: Readonly<Record<string, string>> = {}, changes: Partial<BatchSubmission> = {}, more = 0) {
  const finisher = makeJobFinisher({
    submission: { ...submission, ...changes },
    site: { commands: {} },
    ownFiles: ['/slurp/dist/worker/cups'],
  });
  const job = { process: 0, cupsid: 1, dstfile: 'DST-1', arguments: 'a "b"', commands };
  const made = [...Array.from({ length: more + 1 }).keys()].map((index) =>
    finisher.finish({ ...job, executable: `/home/prod/payload${index === 0 ? '' : index}/it's run.sh` }),
  );
  const shown = ['executable', 'transfer_executable', 'arguments', 'transfer_input_files', 'environment'];
  return {
    shown: made.map((one) =>
      shown.flatMap((key) => (one.has(key) ? [`${key} = ${one.get(key) ?? ''}`] : [])).join('\n'),
    ),
    commands: made[0] ?? new Map<string, string>(),
    links: Object.fromEntries(finisher.links),
    notes: [...finisher.notes],
  };
}

describe("the executable of a rule's own", () => {
  it('runs under the launcher, sent under a name that no other file has, with arguments as they are (C-L1)', () => {
    const { shown, links, notes } = finish();
    expect(shown[0]).toMatchInlineSnapshot(`
      "executable = /slurp/dist/worker/slurp-launch.sh
      arguments = a \\"b\\"
      transfer_input_files = /slurp/dist/worker/cups,/site/submissions/8c5d/slurp-program
      environment = "PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin:. 'SLURP_PROGRAM=it''s run.sh' SLURP_START=$$([NumJobStarts]) cupsid=$(slurp_cupsid)""
    `);
    expect(links).toEqual({ '/site/submissions/8c5d/slurp-program': "/home/prod/payload/it's run.sh" });
    expect(notes).toEqual([]);
  });

  it('may differ between the jobs of a submission', () => {
    const { shown, links } = finish({}, {}, 1);
    expect(shown[1]).toContain('transfer_input_files = /slurp/dist/worker/cups,/site/submissions/8c5d/1/slurp-program');
    expect(Object.values(links)).toEqual(["/home/prod/payload/it's run.sh", "/home/prod/payload1/it's run.sh"]);
  });

  it('is started in its place by the launcher, which itself is sent (C-L3)', () => {
    const { shown, links } = finish({ transfer_executable: 'False' });
    expect(shown[0]).toMatchInlineSnapshot(`
      "executable = /slurp/dist/worker/slurp-launch.sh
      arguments = a \\"b\\"
      transfer_input_files = /slurp/dist/worker/cups
      environment = "PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin:. 'SLURP_PROGRAM=/home/prod/payload/it''s run.sh' SLURP_START=$$([NumJobStarts]) cupsid=$(slurp_cupsid)""
    `);
    expect(links).toEqual({});
  });

  it('is not done where rule or site say so (C-L4)', () => {
    const { shown, notes } = finish({ transfer_executable: 'false' }, { isSupervised: false });
    expect(shown[0]).toMatchInlineSnapshot(`
      "executable = /home/prod/payload/it's run.sh
      transfer_executable = false
      arguments = a \\"b\\"
      transfer_input_files = /slurp/dist/worker/cups
      environment = "PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin:. SLURP_START=$$([NumJobStarts]) cupsid=$(slurp_cupsid)""
    `);
    expect(notes).toEqual([]);
  });

  it.each([
    ['universe', 'docker', "The universe is 'docker'"],
    ['universe', 'local', "The universe is 'local'"],
    ['container_image', '/images/a.sif', "The job has 'container_image'"],
    ['+SingularityImage', '"/images/a.sif"', "The job has '+SingularityImage'"],
    ['checkpoint_exit_code', '85', "The job has 'checkpoint_exit_code'"],
  ])('is left alone, and that is said, where it cannot be supervised: %s = %s (C-L4)', (key, value, why) => {
    const { commands, notes } = finish({ [key]: value });
    expect(commands.get('executable')).toBe("/home/prod/payload/it's run.sh");
    expect(notes).toEqual([`${why}, so the program of the rule runs without SLURP's launcher`]);
  });

  it.each([
    ['universe', '5'],
    ['universe', 'Vanilla'],
    ['container_image', '""'],
  ])('is supervised with %s = %s', (key, value) => {
    expect(finish({ [key]: value }).commands.get('executable')).toBe('/slurp/dist/worker/slurp-launch.sh');
  });
});

describe('what the starter runs before and after a job', () => {
  const starter = (commands: Readonly<Record<string, string>>): string =>
    [...finish(commands).commands]
      .filter(([key]) => /^\+(?:pre|post|slurppost)/iu.test(key))
      .map(
        ([key, value]) =>
          `${key} = ${value.replace(/-c 'for spool.*done; shift 3/u, "-c '… shift 3").replace(/for spool.*done'/u, "…'")}`,
      )
      .join('\n');

  it('copies the spool to the site (C-L5)', () => {
    expect(starter({})).toMatchInlineSnapshot(`
      "+PostCmd = "/bin/sh"
      +PostArguments = "-c '…' sh _condor_stdout _condor_stderr '/site/sp ool'"
      +PostEnvironment = Environment"
    `);
  });

  it("runs a rule's own command behind ours, as the starter would (C-L5)", () => {
    expect(
      starter({ '+PostCmd': '"post.sh"', '+PostArguments': `"one 'two words'"`, '+PostEnvironment': 'Environment' }),
    ).toMatchInlineSnapshot(`
      "+SlurpPostCmd = "post.sh"
      +SlurpPostArguments = "one 'two words'"
      +PostEnvironment = Environment
      +PostCmd = "/bin/sh"
      +PostArguments = strcat("-c '… shift 3; case $1 in /*) command=$1 ;; *) command=$PWD/$1 ;; esac; shift; exec \\"$command\\" \\"$@\\"' sh _condor_stdout _condor_stderr '/site/sp ool' '", SlurpPostCmd, "' ", SlurpPostArguments)"
    `);
    expect(starter({ 'MY.postcmd': '"/bin/true"' })).toMatchInlineSnapshot(`
      "+SlurpPostCmd = "/bin/true"
      +PostCmd = "/bin/sh"
      +PostArguments = strcat("-c '… shift 3; case $1 in /*) command=$1 ;; *) command=$PWD/$1 ;; esac; shift; exec \\"$command\\" \\"$@\\"' sh _condor_stdout _condor_stderr '/site/sp ool' '", SlurpPostCmd, "' ")"
    `);
    expect(starter({ '+PreCmd': '"pre.sh"' })).toMatchInlineSnapshot(`
      "+PreCmd = "pre.sh"
      +PostCmd = "/bin/sh"
      +PostArguments = "-c '…' sh _condor_stdout _condor_stderr '/site/sp ool'"
      +PostEnvironment = Environment"
    `);
  });
});
