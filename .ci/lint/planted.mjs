// Tests the walls of .oxlintrc.json. For each wall this plants imports that it must forbid and imports that it must
// allow, in a small tree of its own, runs oxlint once with the project's configuration, and compares the reports with
// the planted violations: each one must be reported by the rule that is meant, and nothing else may be.
import { spawnSync } from "node:child_process"
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { walls } from "./walls.mjs"

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

for (const { allowed, folder, forbidden } of Object.values(walls)) {
  const linesOf = (modules) => modules.flatMap((module, i) => forms.map((form, j) => form(module, `${i}_${j}`)))
  plant(`${folder}/plantedForbidden.ts`, linesOf(forbidden), "eslint(no-restricted-imports)")
  if (allowed.length > 0) plant(`${folder}/plantedAllowed.ts`, linesOf(allowed))
}
for (const folder of new Set(Object.values(walls).map(({ folder }) => folder))) {
  if (!folder.endsWith("newRoom") && folder !== "packages/core/src" && folder !== "packages/testing/src") {
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

const configuration = JSON.parse(readFileSync(join(root, ".oxlintrc.json"), "utf8").replace(/^\s*\/\/.*$/gm, ""))
// The rules about imports do not need types, and the planted modules have none.
delete configuration.options.typeAware

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
for (const problem of problems) console.error(problem)
if (problems.length === 0)
  console.log(`${expected.size} planted violations of ${Object.keys(walls).length} walls are reported`)
process.exitCode = problems.length === 0 ? 0 : 1
