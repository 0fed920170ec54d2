import { userInfo } from 'node:os';

/** The name of the account that we run under; its number where it has no name. Never throws. */
export function readAccountName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown');
  }
}
