/**
 * What a job knows about its site: the file `slurp-job.json` of a submission, put into every job's directory. It
 * travels openly, so it holds no secret; the token is in `slurp-token` beside it.
 *
 * @see docs/worker.md
 */
export interface JobFile {
  /** The submission's uuid, sent with every request (`X-Slurp-Submission`). */
  readonly submission: string;
  /** Base address of the gateway, `http://host:port` or `https://…`. */
  readonly gateway: string;
  /** Absolute; where spools come home, on a file system that the worker shares. Absent: the spool stays in the job's directory. */
  readonly spoolDirectory?: string;
  /** How long a report tries to reach the gateway before it is left in the spool. */
  readonly reportTimeoutMs: number;
  /** How long `getinputs` and `getranges` wait for the gateway. */
  readonly inputsTimeoutMs: number;
  readonly mode: 'production' | 'testbed';
  /** Shell file sourced with `-n BUILD` before the payload; skipped where it does not exist. */
  readonly setupScript?: string;
  /** What the payload runs in. */
  readonly container?: JobContainer;
}

/** How the wrapper starts the script in a container: runtime, image and bind mounts of the site. */
export interface JobContainer {
  readonly runtime: 'apptainer' | 'singularity';
  /** A file or directory on the worker, or an address that the runtime understands. */
  readonly image: string;
  /** As `--bind` takes them: `PATH` or `OUTSIDE:INSIDE`. */
  readonly binds: readonly string[];
}

/** Name of the {@link JobFile} in a submission's directory and in a job's directory. */
export const jobFileName = 'slurp-job.json';

/** Name of the file that holds the submission's token, and nothing else; 0600. */
export const tokenFileName = 'slurp-token';

/** Name of the spool of one start of an attempt. */
export function spoolFileNameOf(cupsid: number, start: number): string {
  return `spool-${cupsid}-${start}.jsonl`;
}
