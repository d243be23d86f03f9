// Compiles every TypeScript block of the doc comments, and compiles and runs every TypeScript block of the Markdown
// pages. An example that does not compile, or a program that fails, is a bug. Against the sources, so it needs no build.
// With words as arguments only the pages whose path contains one of them are looked at.
//
// In a doc comment each block is a module of its own, and is only compiled. In a page the fence says more:
//
//   ```ts                            a program of its own, compiled and run
//   ```ts file=src/Account.ts        a file of the page: other blocks of the page import it, "./src/Account.ts" or, from
//                                    another file, by its relative path; several blocks with one name are one file, in
//                                    their order, and may import again what the blocks before have imported
//   ```ts no-run reason="needs …"    only compiled
//   ```text output                   what the program in the block before writes to its standard output
//
// A program is run by Node with a time limit, and fails if it exits with another code than 0 or logs an error. The comment
// at the end of a line with console.log is the text that it prints: quotes, and white space beside brackets, may differ.
// A file that a running file of its page imports is not run by itself. A file that imports Vitest, or the contracts, is a
// test and is run by Vitest; with a name of its own it ends with .test.ts. Its tests all run, except the cases that a
// contract lists as not declared. A program or test that uses Postgres gets DATABASE_URL with an empty database of its
// own, on an embedded server. docs/planted.mjs plants pages that must fail.
import { spawnSync } from "node:child_process"
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { blocksOf, docComments, filesOf, rootsOf, withLoaded } from "./docs/pages.mjs"
import { copyDocs } from "./packages/docs.mjs"
import { runProgram, runTests, startPostgres } from "./docs/running.mjs"

const root = fileURLToPath(new URL("..", import.meta.url))
// Inside of the workspace, so that the packages resolve as they do for a user.
const folder = ".tmp/docs"
const out = join(root, folder)

const selected = process.argv.slice(2)
const isSelected = (path) => selected.length === 0 || selected.some((word) => path.includes(word))
const listed = (patterns, exclude) => globSync(patterns, { cwd: root, exclude }).filter(isSelected).sort()

const sources = listed("packages/*/src/**/*.ts", (path) => path.endsWith(".d.ts"))
const pages = listed(
  ["*.md", "docs/**/*.md", "{packages,examples}/*/*.md", "benchmarks/*.md"],
  (path) => path.endsWith("CHANGELOG.md") || path.includes("node_modules")
)

/** Where a generated file comes from. */
const origins = new Map()
const write = (path, name, text) => {
  const file = join(folder, path, name)
  mkdirSync(dirname(join(root, file)), { recursive: true })
  writeFileSync(join(root, file), text)
  origins.set(file, path)
  return file
}
// .tmp/docs/docs/testing.md/src/Account.ts(90,5) becomes docs/testing.md:90:5.
const inPages = (text) =>
  text
    .replaceAll(`file://${root}`, "")
    .replaceAll(root, "")
    .replace(
      /(?:\.\.\/)*(\.tmp\/docs\/[^\s:()]+\.ts)(?:\((\d+),(\d+)\)|:(\d+)(?::(\d+))?)/g,
      (all, file, l1, c1, l2, c2) =>
        origins.has(file) ? [origins.get(file), l1 ?? l2, c1 ?? c2].filter((part) => part !== undefined).join(":") : all
    )

const failures = []
const failed = (what, detail) => {
  failures.push(what)
  console.error(`FAILED  ${what}\n${inPages(detail).trimEnd()}`)
}

// What is in the pages.

rmSync(out, { recursive: true, force: true })
// The README of core links to its copy of the pages.
copyDocs()
let examples = 0
for (const path of sources) {
  let blocks
  try {
    blocks = blocksOf(path, docComments(readFileSync(join(root, path), "utf8")))
  } catch ({ message }) {
    failed(path, message)
    continue
  }
  for (const { first, language, lines } of blocks) {
    if (language !== "ts") continue
    write(path, `${first}.ts`, `${"\n".repeat(first)}${lines.join("\n")}\nexport {}\n`)
    examples++
  }
}
if (examples === 0 && selected.length === 0)
  throw new Error("no example found: the doc comments look different than expected")

const programs = []
for (const path of pages) {
  const text = readFileSync(join(root, path), "utf8")
  let files
  let roots
  try {
    files = filesOf(path, text)
    roots = rootsOf(path, files)
  } catch ({ message }) {
    failed(path, message)
    continue
  }
  for (const file of files) file.path = write(path, file.name, file.source)
  for (const file of files) {
    const all = [...withLoaded(files, file)]
    programs.push({
      ...file,
      page: path,
      files: all,
      isRun: roots.has(file),
      usesPostgres: all.some(({ source }) => /@hexfold\/adapters-pg|@effect\/sql-pg|DATABASE_URL/.test(source))
    })
  }
  // A link to a file that is not there. The pages of docs are published without the rest of the repository.
  for (const [, target] of text.replace(/```[^]*?```/g, "").matchAll(/\]\((?!\w+:|#)([^)#\s]+)[^)]*\)/g)) {
    const file = join(dirname(path), target)
    if (!existsSync(join(root, file))) failed(path, `the link to ${target} leads nowhere`)
    if (path.startsWith("docs/") && !file.startsWith("docs/")) failed(path, `the link to ${target} leads out of docs`)
  }
}

// Compile.

const compilerOptions = {
  noEmit: true,
  composite: false,
  declaration: false,
  declarationMap: false,
  sourceMap: false,
  noUnusedLocals: false,
  noUnusedParameters: false,
  allowImportingTsExtensions: true,
  customConditions: ["@hexfold/source"],
  types: ["node"]
}
const config = { extends: "../../.config/tsconfig.base.json", compilerOptions, include: ["."] }
mkdirSync(out, { recursive: true })
writeFileSync(join(out, "tsconfig.json"), JSON.stringify(config))
const compiled = spawnSync(join(root, "node_modules/.bin/tsc"), ["-p", folder, "--pretty", "false"], {
  cwd: root,
  encoding: "utf8",
  maxBuffer: 1 << 26
})
if (compiled.error !== undefined) throw compiled.error
if (origins.size === 0) failed(selected.join(" "), "no block is in the pages with these words")
else if (compiled.status !== 0) failed("the examples do not compile", compiled.stdout)
else console.log(`ok      ${examples} examples in doc comments and ${programs.length} files in pages compile`)

// Run.

const runAll = async (programs) => {
  const withPostgres = programs.filter(({ usesPostgres }) => usesPostgres)
  const postgres = withPostgres.length === 0 ? undefined : await startPostgres(withPostgres.length)
  try {
    for (const [i, program] of withPostgres.entries()) program.url = postgres.urls[i]
    const plain = programs.filter(({ isTest }) => !isTest)
    const timings = []
    const queue = [...plain]
    const worker = async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const name = `${next.page}: ${next.name}`
        const started = performance.now()
        const problem = await runProgram(next)
        timings.push([performance.now() - started, name])
        if (problem !== undefined) failed(name, problem)
      }
    }
    const tests = programs.filter(({ isTest }) => isTest)
    const testing = async () => {
      const problem = await runTests(tests)
      if (problem === undefined) console.log(`ok      ${tests.length} files of tests pass`)
      else failed("the tests of the pages", problem)
    }
    await Promise.all([testing(), ...Array.from({ length: Math.max(2, availableParallelism()) }, worker)])
    const [time, name] = timings.sort(([a], [b]) => b - a)[0] ?? [0, "none"]
    console.log(`${plain.length} programs have run; the slowest took ${(time / 1000).toFixed(1)} s (${name})`)
  } finally {
    await postgres?.stop()
  }
}

if (failures.length === 0) {
  await runAll(programs.filter(({ isRun }) => isRun))
  for (const { name, noRun, page } of programs)
    if (noRun !== undefined) console.log(`not run ${page}: ${name}: ${noRun}`)
}
process.exitCode = failures.length === 0 ? 0 : 1
