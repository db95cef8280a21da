import * as list from "./list.mjs";
import { rival } from "./rival.mjs";

const { ThreadWorker } = rival("poolifier");
export default new ThreadWorker({ ...list });
