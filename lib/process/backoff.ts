// How long to wait before the next attempt: twice as long each time.

export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** @param failures in a row; 0: no wait */
export function backoffMs(failures: number, { firstMs, maxMs }: Backoff): number {
  return failures === 0 ? 0 : Math.min(maxMs, firstMs * 2 ** (failures - 1));
}
