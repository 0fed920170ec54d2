/** A rule of `rules.yaml`, and the run that it is dispatched for. */
export interface PayloadFamily {
  readonly rule: string;
  readonly run: number;
}

/** One for each family of payloads. */
export const payloadFamilies: readonly PayloadFamily[] = [
  { rule: 'STREAMING', run: 53534 },
  { rule: 'COSMICS', run: 53534 },
  { rule: 'TRIGGERS', run: 53534 },
  { rule: 'CALO', run: 53535 },
  { rule: 'JETS', run: 53537 },
  { rule: 'WINDOWS', run: 53534 },
  { rule: 'TRACKING', run: 53538 },
  { rule: 'PASSES', run: 53534 },
  { rule: 'ITERATIONS', run: 53539 },
  { rule: 'BUILDER', run: 22026 },
  { rule: 'RECO', run: 22027 },
];
