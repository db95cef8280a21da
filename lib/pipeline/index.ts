// Stages on threads.

export { pipeline, type Pipeline, type StageOptions } from "./pipeline.ts";
