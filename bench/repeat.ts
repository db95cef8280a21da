// How a process takes its figure: warmed up, then the median of several runs. bench/sync/peers does the same.

const RUNS = 5;
const WARM_MS = 1000;
const ALL_MS = 4000;

/** The median of what the runs give. `run` gives how long it took. */
export async function repeat(run: () => number | Promise<number>): Promise<number> {
  const warm = performance.now() + WARM_MS;
  for (let i = 0; i < 3 && performance.now() < warm; i++) await run();
  const took: number[] = [];
  const end = performance.now() + ALL_MS;
  while (took.length < RUNS && (took.length === 0 || performance.now() < end)) took.push(await run());
  return took.sort((a, b) => a - b)[took.length >> 1]!;
}

/** The last line of the output. */
export function report(figure: number, note?: string): void {
  process.stdout.write(`\n${JSON.stringify({ figure, note })}\n`, () => process.exit(0));
}
