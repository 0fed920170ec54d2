/** How the memory that jobs request follows from what the scouts used. */
export interface ScoutMemorySettings {
  /** Of the measured peaks; above 0, up to 100. */
  readonly percentile: number;
  readonly factor: number;
  /** No more is requested. */
  readonly upToMb?: number;
}

/** What the jobs of a production request because its scouts used that much. */
export interface ScoutMemory extends ScoutMemorySettings {
  readonly rule: string;
  /** So many jobs of the rule go first. */
  readonly scouts: number;
  /** So many of them reported their peak. */
  readonly measured: number;
  /** The percentile of their peaks. */
  readonly peakMb: number;
  readonly memoryMb: number;
}
