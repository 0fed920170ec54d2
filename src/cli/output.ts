let isReaderGone = false;

/**
 * Writes to stdout; the only place that does.
 *
 * @returns false when the reader of a pipe has gone (`… | head`): what is left need not be made. Never throws for that;
 * a command that changes the world goes on with its work all the same
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

/** Writes a record as one line of JSON to stdout; see {@link writeOutput}. */
export async function writeJson(value: unknown): Promise<boolean> {
  return writeOutput(`${JSON.stringify(value)}\n`);
}

/** Makes a pipe closed by its reader harmless, on stdout and stderr; called once by `cli/run-main.ts`. */
export function forgiveClosedPipes(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    isReaderGone = true;
  });
  process.stderr.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}
