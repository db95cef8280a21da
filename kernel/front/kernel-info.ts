// What the kernel says of itself.

import fs from "node:fs";
import { createRequire } from "node:module";
import { PROTOCOL_VERSION } from "./wire.ts";

export function kernelInfo(): Record<string, unknown> {
  const typescript = versionOf("typescript");
  const braid = ownVersion();
  return {
    protocol_version: PROTOCOL_VERSION,
    implementation: "braid",
    implementation_version: braid,
    language_info: {
      name: "typescript",
      version: typescript,
      mimetype: "text/typescript",
      file_extension: ".ts",
      pygments_lexer: "typescript",
      codemirror_mode: { name: "javascript", typescript: true },
      nbconvert_exporter: "script",
    },
    banner: `Braid ${braid}: TypeScript ${typescript} on Node ${process.versions.node}`,
    help_links: [
      { text: "TypeScript", url: "https://www.typescriptlang.org/docs/" },
      { text: "Node.js", url: "https://nodejs.org/docs/latest-v24.x/api/" },
    ],
    debugger: false,
  };
}

function versionOf(name: string): string {
  return readVersion(createRequire(import.meta.url).resolve(`${name}/package.json`));
}

/** The package's own file is two folders above the sources and three above what was built. */
function ownVersion(): string {
  const places = ["../../package.json", "../../../package.json"].map((place) => new URL(place, import.meta.url));
  return readVersion(places.find((place) => fs.existsSync(place))!);
}

function readVersion(file: string | URL): string {
  return (JSON.parse(fs.readFileSync(file, "utf8")) as { version: string }).version;
}
