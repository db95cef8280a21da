// Exercise 09-1: the longest task first. What is left for the end are the short ones, and they fill the gaps.

export default function order(costs: number[]): number[] {
  return [...costs.keys()].sort((a, b) => costs[b]! - costs[a]!);
}
