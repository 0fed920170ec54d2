/** Whether jobs may be submitted now. */
export type PressureVerdict =
  /** At most `room` jobs. */
  | { readonly kind: 'go'; readonly room: number }
  /** A sentence without full stop, with the figure that decided. */
  | { readonly kind: 'wait'; readonly reason: string };
