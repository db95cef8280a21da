import { rival } from "./rival.mjs";
import { TASKS } from "./tasks.mjs";

rival("threads/worker").expose(TASKS);
