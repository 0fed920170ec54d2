import { Presets, SingleBar } from 'cli-progress';

import type { Progress } from '#model/log.ts';

/** How a progress bar looks and when it appears. */
export interface ProgressOptions {
  /** What is under way, e.g. `DST_EVENT`. */
  readonly label: string;
  readonly total?: number;
  /** What is counted, e.g. `jobs`. */
  readonly unit?: string;
  /** Where it is drawn; stderr by default. Nothing at all is drawn where this is not a terminal. */
  readonly stream?: NodeJS.WritableStream & { readonly isTTY?: boolean };
  /** Nothing is drawn for what takes less than this. Default 2000. */
  readonly delayMs?: number;
}

/** Makes a progress bar on a terminal, for what takes longer than two seconds; in a pipe it stays silent. */
export function openProgress(options: ProgressOptions): Progress {
  const stream = options.stream ?? process.stderr;
  if (stream.isTTY !== true) return { update: () => undefined, phase: () => undefined, close: () => undefined };

  const bar = new SingleBar(
    {
      stream,
      format: `{label} {bar} {value}/{total} ${options.unit ?? ''} {phase} {duration_formatted}`,
      hideCursor: true,
      clearOnComplete: true,
      etaBuffer: 50,
      gracefulExit: false,
    },
    Presets.shades_classic,
  );
  let done = 0;
  let total = options.total ?? 0;
  let phase = '';
  let isClosed = false;
  const opensAt = Date.now() + (options.delayMs ?? 2000);
  const draw = (): void => {
    if (isClosed) return;
    if (!bar.isActive) {
      if (Date.now() < opensAt) return;
      bar.start(total, done, { label: options.label, phase });
    }
    bar.setTotal(total);
    bar.update(done, { label: options.label, phase });
  };
  const timer = setInterval(draw, 500);
  timer.unref();
  return {
    update: (newDone, newTotal) => {
      done = newDone;
      total = newTotal ?? total;
      draw();
    },
    phase: (name) => {
      phase = name;
      draw();
    },
    close: () => {
      isClosed = true;
      clearInterval(timer);
      if (bar.isActive) bar.stop();
    },
  };
}
