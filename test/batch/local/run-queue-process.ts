import { startLocalQueue } from '#batch/local/run-queue.ts';

import { silentLog } from '../../util/silent-log.ts';

/** A process of its own that runs the local queue until it is killed: `STATE SPOOL SLOTS`. */
const [stateDirectory = '', spoolDirectory = '', slots = '1'] = process.argv.slice(2);
await startLocalQueue({ stateDirectory, spoolDirectory, slots: Number(slots), log: silentLog, graceMs: 500 });
process.send?.('ready');
setInterval(() => undefined, 60_000);
