// Parallel arrays.

export { join, joinSync } from "./join.ts";
export { par, type Par, type ParOptions } from "./par.ts";
