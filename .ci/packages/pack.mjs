// Packs the packages into .tmp/packages, for a project that installs them from files.
import { spawnSync } from "node:child_process"
import { mkdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { copyDocs } from "./docs.mjs"

const root = fileURLToPath(new URL("../..", import.meta.url))
const folder = join(root, ".tmp/packages")

rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
copyDocs()
for (const name of ["core", "adapters-memory", "adapters-pg", "client", "publishers", "server", "testing"]) {
  const args = ["pack", join(root, "packages", name), "--ignore-scripts", "--silent", "--pack-destination", folder]
  const { error, status, stderr, stdout } = spawnSync("npm", args, { encoding: "utf8" })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`npm pack of ${name} ended with ${status}\n${stderr}`)
  console.log(`.tmp/packages/${stdout.trim()}`)
}
