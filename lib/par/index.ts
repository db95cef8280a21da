// Parallel arrays.

export { par, type Par, type ParOptions } from "./par.ts";
