// Exercise 12-1: the mean moves by the other part's share of the distance; the distance itself adds to the spread.
// (T. F. Chan, G. H. Golub, R. J. LeVeque, Updating Formulae and a Pairwise Algorithm for Computing Sample Variances, 1979.)

interface Part {
  n: number;
  mean: number;
  m2: number;
}

export default function merge(a: Part, b: Part): Part {
  const n = a.n + b.n;
  if (n === 0) return a;
  const distance = b.mean - a.mean;
  return {
    n,
    mean: a.mean + (distance * b.n) / n,
    m2: a.m2 + b.m2 + (distance * distance * a.n * b.n) / n,
  };
}
