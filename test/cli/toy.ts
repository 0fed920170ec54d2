import { writeLine } from '#cli/output.ts';
import { makeProgram, parseProgram } from '#cli/program.ts';
import { runMain } from '#cli/run-main.ts';
import { makeSay } from '#cli/say.ts';
import { BatchError } from '#model/errors.ts';

/** A little command that shows all that commands share; started by `run-main.test.ts` as a program of its own. */
await runMain(
  'toy',
  async ({ argv, signal, onEnd, onStop }) => {
    let exitCode = 0;
    const program = makeProgram('toy', 'Shows what commands share').option('--no-submit', 'submit nothing');
    program.command('say <text>').action(async (text: string) => {
      await writeLine(text);
    });
    program
      .command('fail')
      .option('-e, --exit <code>', 'how')
      .action((options: { exit?: string }) => {
        if (options.exit === undefined) throw new BatchError('The pool is on fire', { code: 'batch-refused' });
        exitCode = Number(options.exit);
      });
    program.command('crash').action(() => {
      throw new TypeError('nobody foresaw this');
    });
    program.command('flood').action(async () => {
      while (await writeLine('water'));
      makeSay('toy')('the reader has gone');
    });
    program.command('wait').action(async () => {
      onEnd(() => makeSay('toy')('cleaned up'));
      onStop({ words: () => 'interrupted' });
      await writeLine('waiting');
      const alive = setInterval(() => undefined, 1000);
      await new Promise((resolve) => {
        signal.addEventListener('abort', resolve);
      });
      clearInterval(alive);
    });
    program.command('hang').action(async () => {
      onEnd(() => new Promise(() => undefined));
      onStop({ words: () => 'nothing was done', mayEndNow: () => true });
      await writeLine('hanging');
      await new Promise(() => setInterval(() => undefined, 1000));
    });
    await parseProgram(program, argv);
    return exitCode;
  },
  { graceMs: 2000 },
);
