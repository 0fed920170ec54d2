import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import pino from 'pino';

import { SiteError } from '#model/errors.ts';
import { describeError } from '#util/describe-error.ts';
import { createDirectoryNow } from '#util/file/create-directory.ts';

import { isColoured } from './colour.ts';
import { withoutSecrets } from './render-error.ts';

import type { Log } from '#model/log.ts';

/** What every line of a log carries, and where it goes. */
export interface LogOptions {
  /** `kaedama`, `serve`, … */
  readonly command: string;
  readonly mode: 'production' | 'testbed';
  /** Absolute; lines go to `DIRECTORY/YYYY-MM-DD.log` (UTC) as JSON; made where it is missing. Absent: no file. */
  readonly directory?: string;
  /** The least grave line that is shown on stderr too. Default `warn`; `silent` shows none. */
  readonly shown?: 'debug' | 'info' | 'warn' | 'error' | 'silent';
}

const levelNames: Readonly<Record<number, string>> = { 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' };

/**
 * Opens the log of a command: JSON lines in a file a day, plain lines on stderr. Lines are written at once, so nothing
 * is lost when the process is killed. Passwords in addresses are masked.
 *
 * A log that cannot be written later on (a full disk) is reported on stderr, once a file, and stops nothing.
 *
 * @throws SiteError `site-log-directory` if the directory cannot be created or written
 */
export function openLog(options: LogOptions): Log {
  const streams: pino.StreamEntry[] = [];
  if (options.directory !== undefined) streams.push({ level: 'debug', stream: openDirectory(options.directory) });
  const shown = options.shown ?? 'warn';
  if (shown !== 'silent') streams.push({ level: shown, stream: { write: printLine } });
  return pino(
    {
      level: 'debug',
      base: { command: options.command, mode: options.mode, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: pino.stdSerializers.err, error: pino.stdSerializers.err },
    },
    pino.multistream(streams),
  );
}

function openDirectory(directory: string): pino.DestinationStream {
  try {
    return openDailyFile(directory);
  } catch (cause) {
    throw new SiteError(`Cannot write logs into '${directory}': ${describeError(cause, directory)}`, {
      code: 'site-log-directory',
      cause,
      advice: "Make it writable, or use another directory: 'logs' in the site file, or '--logdir' of kaedama",
    });
  }
}

/** The log file of a day (UTC) in a directory: `YYYY-MM-DD.log`. */
export function logFileOf(directory: string, at: Date): string {
  return join(directory, `${at.toISOString().slice(0, 10)}.log`);
}

/** What waits for room on the disk; lines beyond it are dropped. */
const waitingBytes = 1024 * 1024;

/** How long the file of a day is kept. */
const keptDays = 90;

function openDailyFile(directory: string): pino.DestinationStream {
  createDirectoryNow(directory, 0o700);
  let reportedFile: string | undefined;
  const reportFailure = (file: string, error: unknown): void => {
    if (reportedFile === file) return;
    reportedFile = file;
    process.stderr.write(`The log '${file}' cannot be written; continuing without it: ${describeError(error, file)}\n`);
  };
  const open = (path: string): pino.DestinationStream & { end(): void } => {
    // Once a day: with the first line of the day.
    if (!existsSync(path)) removeOldFiles(directory);
    const opened = pino.destination({ dest: path, sync: true, maxLength: waitingBytes });
    // Without a listener it would end the process.
    opened.on('error', (error: unknown) => reportFailure(path, error));
    return opened;
  };
  let file = logFileOf(directory, new Date());
  let destination = open(file);
  return {
    write: (line) => {
      const today = logFileOf(directory, new Date());
      if (today !== file) {
        try {
          const next = open(today);
          destination.end();
          [file, destination] = [today, next];
        } catch (error) {
          reportFailure(today, error);
        }
      }
      destination.write(withoutSecrets(line));
    },
  };
}

/** Removes the files of days that are long past; one that another process is just removing, too, is no failure. */
function removeOldFiles(directory: string): void {
  const oldest = logFileOf('', new Date(Date.now() - keptDays * 24 * 3600 * 1000));
  for (const name of readdirSync(directory)) {
    if (/^\d{4}-\d{2}-\d{2}\.log$/u.test(name) && name < oldest) rmSync(join(directory, name), { force: true });
  }
}

function printLine(line: string): void {
  process.stderr.write(`${renderLogLine(line, isColoured(process.stderr))}\n`);
}

/** Renders one JSON line of the log for reading: time, level, command, text, then the other facts as `key=value`. */
export function renderLogLine(line: string, hasColour = false): string {
  const parsed: unknown = JSON.parse(line);
  if (typeof parsed !== 'object' || parsed === null) return line;
  const { time, level, command, mode, pid: _pid, msg, ...facts } = Object.fromEntries(Object.entries(parsed));
  const name = levelNames[Number(level)] ?? String(level);
  const colour = Number(level) >= 50 ? 31 : 33;
  const word = hasColour && Number(level) >= 40 ? `\u001B[${colour}m${name}\u001B[0m` : name;
  const rest = Object.entries(facts).map(([key, value]) => ` ${key}=${valueOf(value)}`);
  return withoutSecrets(
    `${String(time).slice(11, 19)} ${word} ${String(command)}${mode === 'testbed' ? ' [testbed]' : ''}: ${String(msg)}${rest.join('')}`,
  );
}

function valueOf(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'message' in value) return JSON.stringify(value.message);
  return typeof value === 'string' && /^[^\s"]+$/u.test(value) ? value : JSON.stringify(value);
}
