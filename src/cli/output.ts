import { SiteError } from '#model/errors.ts';

let isReaderGone = false;
let failure: Error | undefined;

/**
 * Writes to stdout; the only place that does.
 *
 * @returns false when the reader of a pipe has gone (`… | head`), or nothing can be written (a full disk): what is left
 * need not be made. Never throws for that; a command that changes the world goes on with its work all the same, and
 * {@link checkOutput} tells at its end
 */
export async function writeOutput(text: string): Promise<boolean> {
  if (isReaderGone) return false;
  await new Promise<void>((resolve) => {
    process.stdout.write(text, (error) => {
      if (error) isReaderGone = true;
      resolve();
    });
  });
  return !isReaderGone;
}

/** Writes one line to stdout; see {@link writeOutput}. */
export async function writeLine(line = ''): Promise<boolean> {
  return writeOutput(`${line}\n`);
}

/** Writes to stdout what is to be seen alone: a terminal's screen is cleared first. See {@link writeOutput}. */
export async function writeScreen(text: string): Promise<boolean> {
  return writeOutput(process.stdout.isTTY ? `\u001B[H\u001B[2J\u001B[3J${text}` : text);
}

/** Writes a record as one line of JSON to stdout; see {@link writeOutput}. */
export async function writeJson(value: unknown): Promise<boolean> {
  return writeOutput(`${JSON.stringify(value)}\n`);
}

/**
 * Makes harmless what becomes of stdout and stderr while a command is at work: a pipe closed by its reader, a full disk,
 * a terminal that has gone. Called once by `cli/run-main.ts`.
 */
export function watchForLostOutput(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    isReaderGone = true;
    if (error.code !== 'EPIPE') failure ??= error;
  });
  // There is no place left to say it.
  process.stderr.on('error', () => undefined);
}

/**
 * Looks at the end of a command whether all that it had to say could be written.
 *
 * @throws SiteError where it could not; a reader that left a pipe has what it wanted
 */
export function checkOutput(): void {
  if (failure === undefined) return;
  throw new SiteError('The output could not be written completely', {
    code: 'output-lost',
    cause: failure,
    advice: 'Check the destination of the output; everything else that the command did is complete',
  });
}
