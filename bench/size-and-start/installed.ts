// What `npm install` brings: each candidate in an empty folder of its own, from the registry; ours from the archive that would be published.
import { execFile } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");

/** What is installed, and what an application imports of it. */
export interface Product {
  readonly name: string;
  /** As `npm install` takes them; an archive's path for ours. */
  readonly packages: readonly string[];
  readonly imports: readonly string[];
  /** An export that must be there, a function, in one of the imports. */
  readonly offers: string;
}

/** A product that is installed. */
export interface Installed extends Product {
  readonly folder: string;
  /** Packages in all, those asked for among them. */
  readonly packagesInAll: number;
  /** Bytes of node_modules. */
  readonly bytes: number;
}

/** Builds one of our packages into `folder`, apart from what others build, and packs it as for the registry: the archive's path. */
export async function packed(name: "session" | "idp", folder: string): Promise<string> {
  const source = join(root, "packages", name);
  const built = join(folder, name);
  mkdirSync(built);
  for (const file of ["package.json", "README.md", "LICENSE"])
    if (existsSync(join(source, file))) copyFileSync(join(source, file), join(built, file));
  const out = ["--outDir", join(built, "dist"), "--tsBuildInfoFile", join(folder, `${name}.tsbuildinfo`)];
  await run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", source, ...out]);
  const { stdout } = await run("npm", ["pack", built, "--json", "--pack-destination", folder]);
  const [archive] = JSON.parse(stdout) as { filename: string }[];
  if (archive === undefined) throw new Error(`npm packed nothing of ${name}`);
  return join(folder, archive.filename);
}

/** Installs a product into a new folder below `parent`; rejects with what npm said where it can't. */
export async function install(product: Product, parent: string, index: number): Promise<Installed> {
  const folder = join(parent, `product-${index}`);
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
  const quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"];
  await run("npm", ["install", ...quiet, ...product.packages], { cwd: folder });
  const modules = join(folder, "node_modules");
  const lock = readFileSync(join(modules, ".package-lock.json"), "utf8");
  const { packages } = JSON.parse(lock) as { packages: Record<string, unknown> };
  return { ...product, folder, packagesInAll: Object.keys(packages).length, bytes: bytesIn(modules) };
}

/** Bytes of all files below a folder. */
function bytesIn(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
  return files.reduce((total, { parentPath, name }) => total + statSync(join(parentPath, name)).size, 0);
}
