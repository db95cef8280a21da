// Parallel arrays.

export { join, joinSync } from "./join.ts";
export { par, type Par, type ParOptions } from "./par.ts";
export { parSort, parSortSync, type SortOptions } from "./sort/sort.ts";
