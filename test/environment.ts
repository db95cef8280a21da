// Before the tests that start servers: the Python environment with the test requirements, and the kernel installed.

import { installInto } from "../kernel/cli/install.ts";
import { pythonEnvironment } from "../kernel/cli/python.ts";

export async function setup(): Promise<void> {
  const { prefix } = await pythonEnvironment(["requirements-test.txt"]);
  await installInto(prefix);
}
