import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { runCommand } from '#util/run-command.ts';

import { describeOwnPrograms } from '../own-programs.ts';
import { openPoolBackend } from './pool-backend.ts';

const running = './cups.py -r 1 -s 1 -d D running\n';

describeOwnPrograms('htcondor', openPoolBackend, (programs) => {
  test.each([true, false])(
    'the reports of an evicted job come home from each start (supervised: %s) (C-L5)',
    async (isSupervised) => {
      const directory = await programs().freshDirectory();
      const text = `${running}touch ${directory}/begun.$SLURP_START\n[ "$SLURP_START" = 1 ] || sleep 60\n`;
      const { uuid, cupsid } = await programs().submit({ text, isSupervised });
      await programs().untilThere(join(directory, 'begun.0'));
      await runCommand('condor_vacate_job', ['-constraint', `SlurpSubmission == "${uuid}" && ProcId >= 0`]);
      expect(await programs().untilEnded(uuid)).toMatchObject({ state: 'completed', exitCode: 0, starts: 2 });
      expect(await programs().broughtHome(cupsid)).toEqual(
        isSupervised ? ['started', 'running', 'evicted', 'started', 'running', 'exited'] : ['running', 'running'],
      );
    },
  );

  test.each([true, false])(
    '… also where the rule has commands and files of its own, which are as they would be without us (supervised: %s)',
    async (isSupervised) => {
      const directory = await programs().freshDirectory();
      const command = join(directory, 'post.sh');
      await writeFile(command, `#!/bin/sh\necho "$0|$1|$2|$OWN" > ${directory}/post\n`, { mode: 0o755 });
      const commands = {
        '+PostCmd': '"post.sh"',
        '+PostArguments': `"one 'two words'"`,
        '+PostEnvironment': 'Environment',
        transfer_input_files: command,
        environment: '"OWN=mine"',
        transfer_output_files: 'made.txt',
        output_destination: `file://${directory}/`,
      };
      const { uuid, cupsid } = await programs().submit({
        text: `${running}echo made > made.txt\n`,
        isSupervised,
        commands,
      });
      expect(await programs().untilEnded(uuid)).toMatchObject({ state: 'completed', exitCode: 0 });
      expect(await readFile(join(directory, 'post'), 'utf8')).toMatch(/\/dir_\d+\/post\.sh\|one\|two words\|mine\n$/u);
      expect(await readFile(join(directory, 'made.txt'), 'utf8')).toBe('made\n');
      expect(await programs().broughtHome(cupsid)).toContain('running');
    },
  );

  test('a rule can still distinguish a job that a signal ended from one that failed (C-L2)', async () => {
    const commands = { on_exit_hold: 'ExitBySignal', on_exit_hold_reason: '"a signal"' };
    const killed = await programs().submit({ text: 'kill -SEGV $$\n', isSupervised: true, commands });
    const failed = await programs().submit({ text: 'exit 139\n', isSupervised: true, commands });
    expect(await programs().untilEnded(failed.uuid)).toMatchObject({ state: 'completed', exitCode: 139 });
    await programs().untilState(killed.uuid, 'held');
    await programs().under.backend.remove({ uuid: killed.uuid }, 'seen');
  });
});
