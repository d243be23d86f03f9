// Tests the walls of .oxlintrc.json. For each wall this plants imports that it must forbid and imports that it must
// allow, and ways around the walls, in a small tree of its own. It runs oxlint once with the project's configuration, and
// the checks of sources.mjs, and compares the reports with the planted violations: each one must be reported by the rule
// that is meant, and nothing else may be.
import { spawnSync } from "node:child_process"
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { problemsOf } from "./sources.mjs"
import { walls, ways } from "./walls.mjs"

const root = fileURLToPath(new URL("../..", import.meta.url))

// Every form of import counts, also the import of a type, a re-export and an import at run time.
const forms = [
  (module, i) => `import { a as a${i} } from "${module}"; void a${i}`,
  (module, i) => `import type { A as A${i} } from "${module}"; export type B${i} = A${i}`,
  (module, i) => `export type { C as C${i} } from "${module}"`,
  (module, i) => `export * as d${i} from "${module}"`,
  (module, i) => `export const f${i} = () => import("${module}")`
]

const files = {}
const expected = new Set()
const plant = (path, lines, rule) => {
  files[path] = `${lines.join("\n")}\n`
  if (rule !== undefined) for (const i of lines.keys()) expected.add(`${path}:${i + 1} ${rule}`)
}

// The same module by a path that hides where it leads: "./a.ts" as "./b/../a.ts", and so on.
const detours = (module) => {
  const [, climb, rest] = /^((?:\.\/|\.\.\/)+)(.*)$/.exec(module)
  return [
    `${climb}b/../${rest}`,
    `${climb}.b/../${rest}`,
    `${climb}./${rest}`,
    `./../b/${rest}`,
    `${climb}${rest.replace(/[^/]*$/, "../../index.ts")}`,
    `${climb}b/%2e%2e/${rest}`
  ]
}

for (const { allowed, folder, forbidden } of Object.values(walls)) {
  const linesOf = (modules) => modules.flatMap((module, i) => forms.map((form, j) => form(module, `${i}_${j}`)))
  const around = allowed
    .filter((module) => /^packages\/[^/]+\/src/.test(folder) && module.startsWith("."))
    .flatMap(detours)
  plant(`${folder}/plantedForbidden.ts`, linesOf([...forbidden, ...around]), "eslint(no-restricted-imports)")
  if (allowed.length > 0) plant(`${folder}/plantedAllowed.ts`, linesOf(allowed))
}
for (const folder of new Set(Object.values(walls).map(({ folder }) => folder))) {
  if (!folder.endsWith("newRoom") && !/^packages\/(client|core|publishers|server|testing)\/src$/.test(folder)) {
    // One of the two imports is that of a type.
    plant(`${folder}/plantedCircleA.ts`, [
      `import { b } from "./plantedCircleB.ts"; export const a = b; export type A = 1`
    ])
    plant(`${folder}/plantedCircleB.ts`, [`import type { A } from "./plantedCircleA.ts"; export const b: A = 1`])
    for (const file of ["A", "B"]) expected.add(`${folder}/plantedCircle${file}.ts:1 import(no-cycle)`)
  }
  plant(
    `${folder}/plantedTypeImport.ts`,
    [`export type T = import("effect/Schema").Schema<string>`],
    "typescript(consistent-type-imports)"
  )
}

for (const [i, { folders, rules }] of ways.entries()) {
  for (const folder of folders) {
    for (const [name, texts] of Object.entries(rules)) {
      const path = `${folder}/planted${name.replace(/\W+(\w?)/g, (_, letter) => letter.toUpperCase())}${i}.ts`
      plant(path, texts, name === "allowed" || name === "sources" ? undefined : name)
    }
  }
}

const configuration = JSON.parse(readFileSync(join(root, ".oxlintrc.json"), "utf8").replace(/^\s*\/\/.*$/gm, ""))
// The rules about imports do not need types, and the planted modules have none.
delete configuration.options.typeAware
// The planted comments that switch rules off have nothing to switch off.
delete configuration.options.reportUnusedDisableDirectives

const temporary = mkdtempSync(join(tmpdir(), "hexfold-walls-"))
const reported = new Set()
try {
  for (const [path, text] of Object.entries({ ...files, ".oxlintrc.json": JSON.stringify(configuration) })) {
    mkdirSync(dirname(join(temporary, path)), { recursive: true })
    writeFileSync(join(temporary, path), text)
  }
  // Lint resolves the modules of a circle by these: where one is wrong, it sees no circle and does not say so.
  for (const path of globSync("{.,.config,packages/*,packages/*/test,examples/*,benchmarks}/tsconfig*.json", {
    cwd: root
  })) {
    cpSync(join(root, path), join(temporary, path))
  }
  const { error, stderr, stdout } = spawnSync(join(root, "node_modules/.bin/oxlint"), ["--format", "json", "."], {
    cwd: temporary,
    encoding: "utf8",
    maxBuffer: 1 << 28
  })
  if (error !== undefined) throw error
  if (!stdout.startsWith("{")) throw new Error(`oxlint did not run:\n${stdout}${stderr}`)
  for (const { code, filename, labels } of JSON.parse(stdout).diagnostics) {
    reported.add(`${filename.replaceAll("\\", "/")}:${labels[0].span.line} ${code}`)
  }
} finally {
  rmSync(temporary, { recursive: true, force: true })
}

const problems = []
for (const { files, rules } of configuration.overrides) {
  const isWall = rules["no-restricted-imports"] !== undefined
  if (isWall && !files.every((each) => each in walls)) problems.push(`nothing is planted for the wall of ${files}`)
}
const textOf = (place) => {
  const [path, line] = place.split(" ")[0].split(":")
  return files[path]?.split("\n")[line - 1]
}
for (const each of expected) if (!reported.has(each)) problems.push(`not reported: ${each}: ${textOf(each)}`)
for (const each of reported) if (!expected.has(each)) problems.push(`reported, but allowed: ${each}: ${textOf(each)}`)

// The checks of sources.mjs: those of single lines on the planted files, those of sizes on sources of their own.
const atLines = problemsOf(new Map(Object.entries(files).filter(([path]) => /^packages\/\w[\w-]*\/src\//.test(path))))
let inSources = 0
for (const [path, text] of Object.entries(files)) {
  // Both oxlint and sources.mjs report some of these.
  if (path.includes("NoDynamicRequire")) continue
  for (const i of text.split("\n").slice(0, -1).keys()) {
    const isExpected = /\/plantedsources\d\.ts$/.test(path)
    const isReported = atLines.some((problem) => problem.startsWith(`${path}:${i + 1}: `))
    if (isExpected) inSources++
    if (isExpected !== isReported)
      problems.push(
        `${isExpected ? "not reported" : "reported, but allowed"}: ${path}:${i + 1}: ${textOf(`${path}:${i + 1}`)}`
      )
  }
}
const sizes = {
  "251 lines of code": [["packages/core/src/domain/Long.ts", "a()\n".repeat(251)]],
  "17 files": Array.from({ length: 17 }, (_, i) => [`packages/core/src/domain/A${i}.ts`, ""]),
  "27 files": Array.from({ length: 27 }, (_, i) => [`packages/core/src/ports/A${i}.ts`, ""])
}
for (const [words, sources] of Object.entries(sizes)) {
  const find = (some) => problemsOf(new Map(some)).some((problem) => problem.includes(words))
  if (!find(sources)) problems.push(`not reported: ${words}`)
  inSources++
}
const within = [
  ["packages/core/src/internal/a.ts", "a()\n".repeat(250)],
  ...Array.from({ length: 16 }, (_, i) => [`packages/core/src/domain/A${i}.ts`, "/* a comment */\n".repeat(300)]),
  ...Array.from({ length: 24 }, (_, i) => [`packages/core/src/ports/A${i}.ts`, "// a comment\n".repeat(300)])
]
for (const problem of problemsOf(new Map(within))) {
  if (!problem.includes("which is not there")) problems.push(`reported, but allowed: ${problem}`)
}

for (const problem of problems) console.error(problem)
if (problems.length === 0)
  console.log(`${expected.size + inSources} planted violations of ${Object.keys(walls).length} walls are reported`)
process.exitCode = problems.length === 0 ? 0 : 1
