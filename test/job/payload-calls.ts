/** Directories that a payload script is called with. */
export interface PayloadPlaces {
  readonly out: string;
  readonly logs: string;
  /** The directory of the submission; it holds `raw.prdf`. */
  readonly submit: string;
}

/** How the script of a family of payloads is called, as the executable of its rule, and what it does then. */
export interface PayloadCall {
  /** In `test/job/payloads`. */
  readonly script: string;
  /** Its arguments; inputs are named by their paths where the script can split them. */
  readonly words: (places: PayloadPlaces) => readonly string[];
  readonly exitCode: number;
  /** Every report of the job, in order. */
  readonly kinds: readonly string[];
  /** What is in `out` at the end, sorted. */
  readonly files: readonly string[];
}

function numbered(name: string, segment = 0): string {
  return `${name}-00053534-${String(segment).padStart(5, '0')}`;
}

const streaming = 'DST_STREAMING_EVENT_run2pp_new_2024p007';
const calo = 'DST_CALO_run2pp_new_2024p007';
const trigger = 'DST_TRIGGERED_EVENT_run2pp_new_2024p007';
const tracking = 'DST_TRKR_CLUSTER_run2pp_new_2024p007';
const calibration = 'DST_MBD_run2pp_new_2024p001-00042101-00000.root';

/** Nine words that nearly all scripts begin with. */
const head = (name: string, segment: number, { out, submit }: PayloadPlaces, input = 'raw.prdf'): readonly string[] => [
  ...['0', name, numbered(name, segment), '53534', String(segment), out, 'new', '2024p007'],
  `${submit}/${input}`,
];

/** By the name of the family. */
export const payloadCalls: Readonly<Record<string, PayloadCall>> = {
  streaming: {
    script: 'streaming.sh',
    words: (places) => [
      ...head(streaming, 0, places, 'GL1_physics_gl1daq-00053534-0000.evt'),
      ...['r', '1000', `file://${places.logs}`, 'none', places.out],
    ],
    exitCode: 0,
    kinds: ['started', 'started', 'inputs', 'running', 'stageout', 'stageout', 'finished', 'message', 'exited'],
    files: [
      `${numbered(streaming)}.root`,
      `${numbered(streaming, 1)}.root`,
      'HIST_QA_run2pp_new_2024p007-00053534-00000.root',
    ],
  },
  calorimeter: {
    script: 'calo.sh',
    words: (places) => [
      ...head(calo, 0, places),
      ...['r', '1000', `file://${places.logs}`, places.out, places.submit, 'macro.sh,stageout.sh', '7'],
    ],
    exitCode: 0,
    kinds: ['started', 'started', 'inputs', 'running', 'stageout', 'stageout', 'finished', 'exited'],
    files: [`${numbered(calo)}.root`, 'HIST_CALO_run2pp_new_2024p007-00053534-00000.root'],
  },
  'triggered events': {
    script: 'trigger.sh',
    words: (places) => [
      ...head(trigger, 3, places),
      ...['r', '1', `file://${places.logs}`, places.out, places.submit, 'x', '0', '99', '200', '7'],
    ],
    exitCode: 0,
    kinds: ['started', 'started', 'inputs', 'running', 'finished', 'stageout', 'exited'],
    files: [`${numbered(trigger, 3)}.root`],
  },
  tracking: {
    script: 'tracking.sh',
    words: (places) => [...head(tracking, 1, places), 'r', `file:/${places.logs}`, places.out],
    exitCode: 0,
    kinds: ['started', 'started', 'running', 'stageout', 'finished', 'exited'],
    files: [`${numbered(tracking, 1)}.root`],
  },
  reconstruction: {
    script: 'caloreco.sh',
    words: ({ out }) => [
      ...['0', '22026', '1', 'source', '/raw', 'DST_CALOR_auau23_ana387_2023p003-00022026-0001.root'],
      ...[out, 'ana.387', '2023p003', 'x'],
    ],
    exitCode: 0,
    kinds: ['started', 'started', 'running', 'exitcode', 'exited'],
    files: [],
  },
  calibration: {
    script: 'calibration.sh',
    words: ({ out }) => [
      ...['0', '42101', '42103', '0', '0', 'HST_CALO_run2pp_new_2024p001-1-2', 'HST_CALO_run2pp_new_2024p001'],
      ...[out, 'new', '2024p001', 'x', 'y'],
    ],
    exitCode: 0,
    kinds: ['started', 'started', 'message', 'running', 'finished', 'stageout', 'exited'],
    files: [calibration],
  },
};
