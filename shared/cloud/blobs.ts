export interface Log {
  /** Bytes in it. */
  readonly length: number;
  /** Nothing will be added any more. */
  readonly closed: boolean;
}

/** Blob storage: append-only logs, and artifacts in one piece. All methods throw CloudError. */
export interface Blobs {
  /**
   * Appends `bytes` if the log ends at `offset`; creates it where it is missing. Safe to repeat: bytes that are
   * there already are not added again.
   * @returns where the log ends now; another place than `offset + bytes.length` tells where to go on from
   */
  append(container: string, name: string, offset: number, bytes: Uint8Array): Promise<number>;
  /** Marks a log as complete; creates it where it is missing. */
  closeLog(container: string, name: string): Promise<void>;
  /** Undefined when there is no such log (yet). */
  log(container: string, name: string): Promise<Log | undefined>;
  /** Bytes `offset` up to `offset + length`, as far as they are there. */
  read(container: string, name: string, offset: number, length: number): Promise<Uint8Array>;
  put(container: string, name: string, bytes: Uint8Array, contentType: string): Promise<void>;
}
