/**
 * Whether a value of the submit command `transfer_executable` says that the program is not sent to the worker, but started
 * where it is there.
 */
export function isStartedInPlace(transferExecutable: string | undefined): boolean {
  return /^(?:false|f|no|n|0)$/iu.test(transferExecutable?.trim() ?? '');
}
