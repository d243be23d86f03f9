// Copies the pages of `docs` into the package core, which carries them to its users: npm does it before it packs the
// package, and check.mjs before it packs without the scripts.
import { cpSync, existsSync, globSync, readdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../..", import.meta.url))

/** Copies the pages; returns their paths inside of the package. */
export const copyDocs = () => {
  const target = join(root, "packages/core/docs")
  cpSync(join(root, "docs"), target, { recursive: true })
  // A page that is no longer in `docs` would still be published. The copies of the others stay: another check may be reading them.
  for (const path of readdirSync(target, { recursive: true })) {
    if (!existsSync(join(root, "docs", path))) rmSync(join(target, path), { recursive: true, force: true })
  }
  return globSync("docs/**/*.md", { cwd: root }).map((path) => path.replaceAll("\\", "/"))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) copyDocs()
