/** Whether a channel has taken a notification; `problem` is a sentence without full stop, and without secrets. */
export type SentTo = { readonly isTaken: true } | { readonly isTaken: false; readonly problem: string };
