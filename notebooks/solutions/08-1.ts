// Exercise 08-1: one order for all. Whoever holds the lock of the highest number waits for nobody, so no circle closes.

export default function order(accounts: number[]): number[] {
  return [...new Set(accounts)].sort((a, b) => a - b);
}
