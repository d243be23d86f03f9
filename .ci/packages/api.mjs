// Checks what the packages promise of their public modules:
// - every error class of the core is exported from its `errors.ts`, and so from the root index;
// - every error class is raised somewhere;
// - the indexes name every public module: those of the core in `index.ts` or `adapter.ts`;
// - every export of a public module has a doc comment.
// A function without an `@example` is listed; with --strict it is a problem too.
import { globSync, readFileSync } from "node:fs"
import { basename, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../..", import.meta.url))
const read = (path) => readFileSync(join(root, path), "utf8")
const withoutComments = (text) => text.replace(/\/\*[^]*?\*\//g, (comment) => comment.replace(/[^\n]/g, " "))

const sources = globSync("packages/*/src/**/*.ts", { cwd: root, exclude: (path) => path.endsWith(".d.ts") })
  .map((path) => path.replaceAll("\\", "/"))
  .sort()
const code = new Map(sources.map((path) => [path, withoutComments(read(path))]))
const problems = []
const notes = []

// Errors.

const coreErrors = code.get("packages/core/src/errors.ts")
for (const [path, text] of code) {
  for (const [, name] of text.matchAll(/^export class (\w+) extends Schema\.TaggedError/gm)) {
    const isCore = path.startsWith("packages/core/")
    // The reasons are the parts of an error, under the namespace of their own.
    const isReason = basename(path) === "Reason.ts"
    if (isCore && !isReason && !new RegExp(`\\b${name}\\b`).test(coreErrors)) {
      problems.push(`${path}: ${name} is not exported from packages/core/src/errors.ts`)
    }
    const raised = new RegExp(`new (\\w+\\.)*${name}\\(|\\b${name}\\.make\\(`)
    const inPackages = isCore ? "packages/" : path.split("/src/")[0]
    if (![...code].some(([file, each]) => file.startsWith(inPackages) && raised.test(each))) {
      problems.push(`${path}: nothing raises ${name}`)
    }
  }
}

// Indexes.

const indexes = {
  core: ["index", "adapter"],
  "adapters-memory": ["index"],
  "adapters-pg": ["index"],
  publishers: ["http", "nats"],
  client: ["index"],
  server: ["index", "auth", "graphql", "graphql.ws", "http", "http.docs", "limits", "webhooks"]
}
for (const [name, files] of Object.entries(indexes)) {
  const folder = `packages/${name}/src/`
  const named = files.map((file) => code.get(`${folder}${file}.ts`)).join("\n")
  for (const path of sources) {
    if (!path.startsWith(folder) || !/^[A-Z]/.test(basename(path))) continue
    if (!named.includes(`"./${path.slice(folder.length)}"`)) problems.push(`${path}: no index names this public module`)
  }
}

// Doc comments.

const isPublic = (path) =>
  /^[A-Z]/.test(basename(path)) || (path.startsWith("packages/core/") && basename(path) === "errors.ts")
const isFunction = (kind, definition) =>
  kind === "function" || /^export const \w+(: \{$| = (async )?[(<]| = (Effect\.fn|dual)\b)/m.test(definition)
for (const path of sources.filter(isPublic)) {
  const lines = read(path).split("\n")
  const seen = new Set()
  for (const [i, line] of lines.entries()) {
    const found = /^export (?:declare |abstract )*(const|function|class|interface|type|namespace) (\w+)/.exec(line)
    if (found === null) continue
    const [, kind, name] = found
    // Of overloads, and of a value and a type of one name, the first has the comment.
    if (seen.has(name)) continue
    seen.add(name)
    if (!lines[i - 1]?.trimEnd().endsWith("*/")) {
      problems.push(`${path}:${i + 1}: ${name} has no doc comment`)
      continue
    }
    const start = lines.slice(0, i).findLastIndex((each) => each.trimStart().startsWith("/**"))
    const comment = lines.slice(start, i).join("\n")
    if (isFunction(kind, lines.slice(i, i + 2).join("\n")) && !comment.includes("@example")) {
      notes.push(`${path}:${i + 1}: ${name} has no @example`)
    }
  }
}

if (process.argv.includes("--strict")) problems.push(...notes)
else for (const note of notes) console.log(note)
for (const problem of problems) console.error(problem)
if (problems.length === 0) console.log("errors, indexes and doc comments of the public modules are complete")
process.exitCode = problems.length === 0 ? 0 : 1
