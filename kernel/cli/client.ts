// @jupyterlab/services is made for a browser's console: it reports every socket there, and when a kernel dies it
// rejects promises of its own that nobody holds. While it is in use here, neither reaches the reader.

export async function withQuietClient<R>(work: () => Promise<R>): Promise<R> {
  const { debug, warn } = console;
  console.debug = console.warn = () => {};
  const forget = (error: unknown): void => {
    if (!(error instanceof Error) || !error.stack?.includes("@jupyterlab")) throw error;
  };
  process.on("unhandledRejection", forget);
  try {
    const result = await work();
    await new Promise((resolve) => setImmediate(resolve)); // what it leaves behind comes now
    return result;
  } finally {
    process.off("unhandledRejection", forget);
    Object.assign(console, { debug, warn });
  }
}
