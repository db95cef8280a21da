import { rival } from "./rival.mjs";
import { TASKS } from "./tasks.mjs";

rival("workerpool").worker(TASKS);
