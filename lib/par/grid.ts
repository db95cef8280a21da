// Which elements a chunk has.

export interface Grid {
  readonly elements: number;
  readonly chunks: number;
}

/** Chunk k of a grid of n elements in c chunks begins here: the same cut, whoever runs it. */
export const chunkStart = (elements: number, chunks: number, chunk: number): number =>
  Math.floor((elements * chunk) / chunks);
