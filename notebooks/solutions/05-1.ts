// Exercise 05-1: the core that gets the most tasks is done last.

export default function worthIt(startMs: number, taskMs: number, tasks: number, cores: number): boolean {
  return startMs + Math.ceil(tasks / cores) * taskMs < tasks * taskMs;
}
