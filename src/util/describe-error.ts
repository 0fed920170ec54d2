const plainWords: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EDQUOT: 'disk quota exceeded',
  EEXIST: 'it exists already',
  EISDIR: 'it is a directory',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'the name is too long',
  ENFILE: 'too many open files on this machine',
  ENOENT: 'no such file or directory',
  ENOSPC: 'no space left on device',
  ENOTDIR: 'not a directory',
  EPERM: 'operation not permitted',
  EROFS: 'read-only file system',
};

/**
 * Says in words what went wrong, as the end of a sentence: of an error of the operating system the words alone, without
 * its code, the system call, and a path that the sentence names already; of every other error its message.
 *
 * @param said what the reader has read before: a path in it is not repeated
 * @returns e.g. `no such file or directory`, or `permission denied: '/data/out'`; never throws
 */
export function describeError(error: unknown, said = ''): string {
  if (!(error instanceof Error)) return String(error);
  if (!('errno' in error && 'code' in error && typeof error.code === 'string')) return error.message;
  const words = plainWords[error.code] ?? /^E[A-Z0-9]+: ([^,]+), /u.exec(error.message)?.[1];
  if (words === undefined) return error.message;
  const paths = pathsOf(error)
    .filter((path) => !said.includes(path))
    .map((path) => `'${path}'`);
  return paths.length === 0 ? words : `${words}: ${paths.join(' to ')}`;
}

function pathsOf(error: Error): readonly string[] {
  const paths = ['path' in error ? error.path : undefined, 'dest' in error ? error.dest : undefined];
  return paths.filter((path) => typeof path === 'string').filter((path) => path !== '');
}
