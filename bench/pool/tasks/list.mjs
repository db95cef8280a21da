// The tasks for pools that pass one argument: a list. For Piscina and Tinypool.

import * as tasks from "./tasks.mjs";

/** @param {[number, number]} args */
export const add = (args) => tasks.add(...args);
/** @param {[{ id: number, name: string, values: number[] }]} args */
export const weigh = (args) => tasks.weigh(...args);
/** @param {[number, number]} args */
export const sum = (args) => tasks.sum(...args);
/** @param {[number]} args */
export const spin = (args) => tasks.spin(...args);
