import { connect, createServer } from 'node:net';

/** A lock that is held; it is free again when released, or when this process ends in whatever way. */
export interface SocketLock {
  release(): Promise<void>;
}

// An abstract socket: a name in the kernel, not a file, so nothing is ever left behind. See unix(7).
function addressOf(name: string): string {
  return `\0${name}`;
}

/**
 * Takes a lock of this machine by its name.
 *
 * @param describe the answer to {@link askLockHolder}; must hold no secret: every account can ask
 * @returns undefined if another process holds it
 */
export function claimSocketLock(name: string, describe: () => string): Promise<SocketLock | undefined> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    // A client that does not close its connection must not keep `release` waiting.
    socket.end(describe(), () => socket.destroy());
  });
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(addressOf(name), () => {
      server.unref();
      resolve({
        release: () =>
          new Promise((released) => {
            server.close(() => released());
          }),
      });
    });
  });
}

/** Asks who holds a lock to describe itself; undefined if it is free, or the holder does not answer within 2 s. Never throws. */
export function askLockHolder(name: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect({ path: addressOf(name) });
    socket.setTimeout(2000, () => socket.destroy());
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.once('error', () => undefined);
    socket.once('close', () => resolve(text === '' ? undefined : text));
  });
}
