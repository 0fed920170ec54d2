import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What a DAQ is to take. */
export interface DaqOptions {
  /** Absolute; raw files go to `DIRECTORY/STREAM/physics/`. */
  readonly directory: string;
  readonly runs: readonly number[];
  /** How many files each stream writes in a run. */
  readonly segments: number;
  /** About how many events a file holds; it differs from file to file, not from stream to stream. */
  readonly eventsPerFile: number;
}

/** A raw file: a row of the DAQ's table `filelist`. */
export interface RawFile {
  /** As the DAQ itself sees it, on its own disks. */
  readonly filename: string;
  readonly runnumber: number;
  readonly hostname: string;
  readonly sequence: number;
  /** Inclusive; counted from 1 by the trigger, from 0 by all others. */
  readonly firstevent: number;
  readonly lastevent: number;
  readonly events: number;
  readonly size: number;
}

/** What a DAQ took: the truth that a production is measured by. */
export interface Daq {
  readonly files: readonly RawFile[];
  readonly events: number;
  /** Of all values of all fragments. */
  readonly adcSum: number;
}

const detectors = ['seb00', 'seb01', 'seb02', 'seb03'] as const;

/** A small repeatable source of numbers: the same run has the same events, on every machine. */
function noise(...keys: readonly number[]): number {
  let state = 0x9e3779b9;
  for (const key of keys) {
    state = Math.imul(state ^ key, 0x85ebca6b);
    state ^= state >>> 13;
    state = Math.imul(state, 0xc2b2ae35);
    state ^= state >>> 16;
  }
  return state >>> 0;
}

function nameOf(hostname: string, run: number, sequence: number): string {
  const numbers = `${String(run).padStart(8, '0')}-${String(sequence).padStart(4, '0')}`;
  return hostname === 'gl1daq' ? `GL1_physics_gl1daq-${numbers}.evt` : `physics_${hostname}-${numbers}.prdf`;
}

/**
 * Takes data: writes the raw files of some runs, one a stream and segment, in a simple text format. The first line is
 * `#raw 1 run=R stream=S segment=N events=E`; each other line an event: its number and, in the trigger's file (stream
 * `gl1daq`), the clock; in a detector's file (`seb00` …) one value.
 *
 * @returns the rows for `filelist`, and the sums that a production must keep; the same for the same options
 */
export async function makeDaq(options: DaqOptions): Promise<Daq> {
  const files: RawFile[] = [];
  let events = 0;
  let adcSum = 0;
  for (const hostname of ['gl1daq', ...detectors]) {
    await mkdir(join(options.directory, hostname, 'physics'), { recursive: true });
  }
  for (const run of options.runs) {
    let first = 0;
    for (let sequence = 0; sequence < options.segments; sequence++) {
      const count = options.eventsPerFile + (noise(run, sequence) % 21) - 10;
      const numbers = Array.from({ length: count }, (_, index) => first + index);
      const write = async (hostname: string, offset: number, valueOf: (event: number) => number): Promise<void> => {
        const name = nameOf(hostname, run, sequence);
        const head = `#raw 1 run=${run} stream=${hostname} segment=${sequence} events=${count}`;
        const text = [head, ...numbers.map((event) => `${event + offset} ${valueOf(event)}`), ''].join('\n');
        await writeFile(join(options.directory, hostname, 'physics', name), text);
        files.push({
          filename: `/bbox${sequence % 2}/physics/${name}`,
          runnumber: run,
          hostname,
          sequence,
          firstevent: first + offset,
          lastevent: first + offset + count - 1,
          events: count,
          size: text.length,
        });
      };
      await write('gl1daq', 1, (event) => 1_000_000 + event * 106 + (noise(run, event) % 100));
      for (const [index, hostname] of detectors.entries()) {
        await write(hostname, 0, (event) => {
          const adc = noise(run, event, index + 1) % 512;
          adcSum += adc;
          return adc;
        });
      }
      events += count;
      first += count;
    }
  }
  return { files, events, adcSum };
}

/** The statement that puts these rows into `filelist`; rows that are there stay as they are. */
export function renderFilelistInsert(files: readonly RawFile[]): string {
  const rows = JSON.stringify(files).replaceAll("'", "''");
  return [
    'insert into filelist (filename, runnumber, hostname, sequence, firstevent, lastevent, events, size,',
    '  transferred_to_sdcc, transferred_to_hpss)',
    'select filename, runnumber, hostname, sequence, firstevent, lastevent, events, size, true, true',
    `from jsonb_to_recordset('${rows}') as raw (filename text, runnumber int, hostname text, sequence int,`,
    '  firstevent bigint, lastevent bigint, events bigint, size bigint)',
    'on conflict do nothing',
  ].join('\n');
}
