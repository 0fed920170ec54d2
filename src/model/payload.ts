/** One thing that a payload snapshot holds; of a dispatch the paths are unique, and in order. */
export interface PayloadFile {
  /** As a job reaches it from the directory that it stages from: `calo/run.sh`, `../macros/x.C`. */
  readonly path: string;
  /**
   * `program`: a file that may be executed; `link`: a symbolic link that stays one; `directory`: an empty one;
   * `in-place`: a program that jobs start where it is, so that it is recorded and not copied.
   */
  readonly kind: 'file' | 'program' | 'link' | 'directory' | 'in-place';
  /** SHA-256 of the content, hexadecimal; of the target's text for a link; empty for a directory. */
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Where a link leads, as written. */
  readonly target?: string;
}

/** Something staged that is not as the commit has it. `path` is relative to the checkout. */
export interface PayloadDifference {
  readonly path: string;
  /**
   * `missing`: the commit has it, and it would be staged; `submodule`: another commit is checked out than recorded;
   * `not checked out`: a submodule that would be staged is empty.
   */
  readonly what: 'changed' | 'mode changed' | 'not in the commit' | 'missing' | 'submodule' | 'not checked out';
}

/** A git checkout that something staged comes from, as it was at dispatch. */
export interface PayloadCheckout {
  /** Absolute. */
  readonly top: string;
  /** Address of `origin` without credentials, or the checkout's own path. */
  readonly repo: string;
  /** HEAD, in full. */
  readonly commit: string;
  readonly isPublished: boolean;
  /** In order of paths; empty: all that is staged from here is the commit's own content. */
  readonly differences: readonly PayloadDifference[];
}

/** Where the content of a dispatch came from. */
export interface PayloadOrigin {
  /** That of the payload directory first. */
  readonly checkouts: readonly PayloadCheckout[];
  /** Paths, as in {@link PayloadFile}, of what lies in no checkout. */
  readonly outside: readonly string[];
}
