import { present } from '#util/present.ts';
import { signalNameOf } from '#util/process/signal-name.ts';

import { keepLogsScript } from '../keep-logs.ts';

/**
 * The shell script around each job: claims the start, waits for the end and records it. It needs no process to watch
 * it, so jobs go on when the runner is gone.
 *
 * Called with the directory of the start, a file to touch at the end, and the program with its arguments; in the job's
 * scratch directory, in a session of its own, with output and error already in place.
 */
export const launcherScript = `#!/bin/sh
run=$1 wake=$2
shift 2
read -r stat <"/proc/$$/stat"
printf '%s\\n' "$stat" >"$run/pid.$$" || exit 0
# The process that makes this file owns the start: this one, or a runner that gave it up.
command -p ln "$run/pid.$$" "$run/pid" 2>/dev/null || exit 0
command -p rm "$run/pid.$$"
# The job gets every signal itself, as a member of the group; we stay to report.
trap : TERM INT HUP QUIT USR1 USR2
keep_logs() (
set -- "$run/out" "$run/err"
${keepLogsScript}
)
keep_logs
read -r began rest <"/proc/uptime"
"$@"
code=$?
read -r ended rest <"/proc/uptime"
keep_logs
{ printf 'exit %s\\nuptime %s %s\\n' "$code" "$began" "$ended"; times; } >"$run/result.new"
command -p mv "$run/result.new" "$run/result"
: >"$wake"
`;

/** How a job of the local queue ended, as its launcher wrote it down; times are in seconds. */
export interface JobResult {
  /** As a shell reports it: 128 + number for a signal. */
  readonly exitCode: number;
  readonly signal?: string;
  readonly wallSeconds?: number;
  readonly cpuSeconds?: number;
}

/** Parses what {@link launcherScript} wrote down; undefined for anything else. */
export function parseJobResult(text: string): JobResult | undefined {
  const exit = /^exit (\d+)$/mu.exec(text);
  if (exit === null) return undefined;
  const exitCode = Number(exit[1]);
  const signal = signalNameOf(exitCode - 128);
  const uptime = /^uptime ([\d.]+) ([\d.]+)$/mu.exec(text);
  const times = [...text.matchAll(/(\d+)m([\d.]+)s (\d+)m([\d.]+)s/gu)].at(1);
  return {
    exitCode,
    ...present({ signal }),
    ...(uptime === null ? {} : { wallSeconds: roundedOf(Number(uptime[2]) - Number(uptime[1])) }),
    ...(times === undefined
      ? {}
      : {
          cpuSeconds: roundedOf(60 * (Number(times[1]) + Number(times[3])) + Number(times[2]) + Number(times[4])),
        }),
  };
}

function roundedOf(seconds: number): number {
  return Math.round(seconds * 100) / 100;
}
