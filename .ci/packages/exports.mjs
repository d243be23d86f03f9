// The `exports` of each package are its public modules: the files of `src` itself, and every PascalCase file below it.
// A dot in the name of a file is a slash in the subpath: `http.docs.ts` is `./http/docs`.
// Without an argument this reports a package whose `exports` differ; with --write it mends them.
import { globSync, readFileSync, writeFileSync } from "node:fs"
import { basename, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../..", import.meta.url))
const isWriting = process.argv.includes("--write")

const nameOf = (path) => basename(path, ".ts")
const isPublic = (path) => !path.includes("/") || /^[A-Z]/.test(nameOf(path))
const subpathOf = (path) => (path === "index.ts" ? "." : `./${nameOf(path).replaceAll(".", "/")}`)

export const exportsOf = (paths) => {
  const entries = {}
  for (const path of paths.filter(isPublic).sort((a, b) => (subpathOf(a) < subpathOf(b) ? -1 : 1))) {
    const subpath = subpathOf(path)
    if (subpath in entries) throw new Error(`two public modules are called ${subpath}: one of them is ${path}`)
    const built = path.replace(/\.ts$/, "")
    entries[subpath] = {
      "@hexfold/source": `./src/${path}`,
      types: `./dist/${built}.d.ts`,
      default: `./dist/${built}.js`
    }
  }
  return entries
}

let isWrong = false
for (const file of globSync("packages/*/package.json", { cwd: root }).sort()) {
  const path = join(root, file)
  const manifest = JSON.parse(readFileSync(path, "utf8"))
  const sources = globSync("**/*.ts", { cwd: join(path, "../src"), exclude: (name) => name.endsWith(".d.ts") })
  const wanted = exportsOf(sources.map((each) => each.replaceAll("\\", "/")))
  if (JSON.stringify(manifest.exports) === JSON.stringify(wanted)) continue
  if (isWriting) {
    writeFileSync(path, `${JSON.stringify({ ...manifest, exports: wanted }, null, 2)}\n`)
    console.log(`${file}: exports written`)
  } else {
    console.error(`${file}: its exports are not its public modules: run "npm run exports"`)
    isWrong = true
  }
}
process.exitCode = isWrong ? 1 : 0
