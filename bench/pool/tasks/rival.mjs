// Gets a package of bench/rivals, whose node_modules no module outside that folder sees.

import { createRequire } from "node:module";

const require = createRequire(new URL("../../rivals/package.json", import.meta.url));

/**
 * @param {string} name
 * @returns {any}
 */
export const rival = (name) => require(name);
