/** A product that is on disk, though no job reported it. */
export interface LeftProduct {
  readonly cupsid: number;
  readonly dstfile: string;
  readonly state: 'finished' | 'failed';
  /** Its job ended without an error; else the file may be incomplete, and is not to be registered. */
  readonly isSuccess: boolean;
  /** Which start of the job it belongs to. */
  readonly start: number;
  /** Absolute path of the file. */
  readonly path: string;
}

/** Products on disk that no job reported, and the directories that could not be searched. */
export interface LeftProducts {
  /** The latest attempt first. */
  readonly found: readonly LeftProduct[];
  /** Directories that cannot be listed: nothing is known about them. */
  readonly unreadable: readonly string[];
}

/** A product that was found on disk, and what became of it. */
export interface RegisteredProduct extends LeftProduct {
  readonly isRegistered: boolean;
  /** Why it is not registered. */
  readonly reason?: string;
}
