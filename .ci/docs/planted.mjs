// Tests docs.mjs: plants pages with mistakes, each of which must be found, and pages without, in which nothing may be.
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { filesOf, rootsOf, withLoaded } from "./pages.mjs"
import { runProgram, runTests } from "./running.mjs"

const root = fileURLToPath(new URL("../..", import.meta.url))
const folder = ".tmp/docs/planted"

const block = (fence, ...lines) => ["```" + fence, ...lines, "```", ""].join("\n")
const file = (name, ...lines) => block(`ts file=${name}`, `// ${name}`, ...lines)
const effect = `import { Effect } from "effect"`
const vitest = `import { expect, it } from "vitest"`

// The words of the message that each page must fail with; undefined if it must not fail.
const pages = {
  "two files that load each other": [
    file("a.ts", `import "./b.ts"`, `throw new Error()`) + file("b.ts", `import { a } from "./a.ts"`),
    "a.ts does not run"
  ],
  "a file that loads itself": [file("a.ts", `import * as a from "./a.ts"`, `throw new Error()`), "a.ts does not run"],
  "a file that only a file loads that is not run": [
    file("a.ts", `throw new Error("a")`) + block(`ts no-run reason="a reason"`, `import "./a.ts"`),
    "exit code 1"
  ],
  "a file of which another one takes only types": [
    file("a.ts", `export type A = 1`, `throw new Error("a")`) + file("b.ts", `import type { A } from "./a.ts"`),
    "exit code 1"
  ],
  "a file that an import in a comment names": [
    file("a.ts", `throw new Error("a")`) + file("b.ts", `// import "./a.ts"`),
    "exit code 1"
  ],
  "a file that another one loads at run time": [
    file("a.ts", `export const a = 1`) + file("b.ts", `console.log((await import("./a.ts")).a) // 1`),
    undefined
  ],
  "a failure in runFork": [block("ts", effect, `Effect.runFork(Effect.fail("a"))`), "runFork hides a failure"],
  "a failure in runCallback": [
    block("ts", effect, `Effect.runCallback(Effect.die("a"))`),
    "runCallback hides a failure"
  ],
  "a failure in runPromise": [block("ts", effect, `void Effect.runPromise(Effect.fail("a"))`), "exit code 1"],
  "a logged error": [block("ts", effect, `await Effect.runPromise(Effect.logError("a"))`), "it has logged an error"],
  "a wrong comment": [block("ts", `console.log(1 + 1) // 3`), "the comment says 3"],
  "a comment with more words": [block("ts", `console.log(1 + 1) // 2, of course`), "the comment says 2, of course"],
  "a wrong comment on one of several calls": [
    block("ts", `for (const i of [1, 2]) {`, `  console.log(i) // 1`, `}`),
    "printed is 2"
  ],
  "a wrong comment after a call of several lines": [
    block("ts", `console.log(`, `  1 + 1`, `) // 3`),
    "the comment says 3"
  ],
  "a wrong comment in a file that another one loads": [
    file("a.ts", `export const a = 1`, `console.log(a) // 2`) + file("b.ts", `import { a } from "./a.ts"`, `void a`),
    "the comment says 2"
  ],
  "a console.log that is not called": [
    block("ts", `const f = () => {`, `  console.log(1) // 1`, `}`, `void f`),
    "console.log was not called"
  ],
  "a comment after console.info": [block("ts", `console.info(1) // 1`), "only after console.log"],
  "a comment in a program that is not run": [
    block(`ts no-run reason="a reason"`, `console.log(1) // 1`),
    "only in a program that runs"
  ],
  "true comments": [
    block("ts", `console.log([{ a: "b" }], "c") // [{ a: "b" }] c`, `console.log(\`d  e\`); // d e`, `console.log(1)`),
    undefined
  ],
  "a block in TS": [block("TS", `throw new Error()`), `the language "TS"`],
  "a block in js": [block("js", `throw new Error()`), `the language "js"`],
  "a block in typescript": [block("typescript", `throw new Error()`), `the language "typescript"`],
  "a block without a language": [block("", `throw new Error()`), `the language ""`],
  "a block in a list": [`- ${block("ts", `throw new Error()`)}`, "begins its line"],
  "a block of tildes": [`~~~ts\nthrow new Error()\n~~~\n`, "begins its line"],
  "blocks that are not run": [
    block("sh", "exit 1") + block("json", "{") + block("sql", "a") + block("text", "a"),
    undefined
  ],
  "another output": [block("ts", `console.log(1)`) + block("text output", "2"), "its output is not that of the page"],
  "another name in the comment": [block("ts file=a.ts", `// b.ts`), `must be "// a.ts"`],
  "no name in the comment": [block("ts file=a.ts", `export {}`), `must be "// a.ts"`],
  "a name in the comment alone": [block("ts", `// a.ts`), "the first line of the block"],
  "a second block of a file": [file("a.ts", `const a = 1`) + block("ts file=a.ts", `console.log(a) // 1`), undefined],
  "a test that is left out": [
    block("ts", vitest, `it("a", () => {})`, `it.skip("b", () => expect(1).toBe(2))`),
    "b is skipped"
  ],
  "a test to do": [block("ts", vitest, `it("a", () => {})`, `it.todo("b")`), "b is todo"],
  "a test to do with the words of a contract": [
    block("ts", vitest, `it("a", () => {})`, `it.todo("b [needs c, which the backend does not declare]")`),
    "is todo"
  ],
  "a test that fails": [block("ts", vitest, `it("a", () => expect(1).toBe(2))`), "expected 1 to be 2"],
  "a test that passes": [block("ts", vitest, `it("a", () => expect(1).toBe(1))`), undefined]
}

const problemOf = async (page, text) => {
  let files
  let roots
  try {
    files = filesOf(page, text)
    roots = [...rootsOf(page, files)]
  } catch ({ message }) {
    return message
  }
  mkdirSync(join(root, page), { recursive: true })
  for (const each of files) {
    each.path = `${page}/${each.name}`
    writeFileSync(join(root, each.path), each.source)
  }
  for (const each of roots.filter(({ isTest }) => !isTest)) {
    const problem = await runProgram({ ...each, files: [...withLoaded(files, each)] })
    if (problem !== undefined) return problem
  }
  return runTests(roots.filter(({ isTest }) => isTest))
}

const problems = []
rmSync(join(root, folder), { recursive: true, force: true })
for (const [i, [name, [text, words]]] of Object.entries(pages).entries()) {
  const problem = await problemOf(`${folder}/${i}`, text)
  if (words === undefined ? problem !== undefined : problem?.includes(words) !== true)
    problems.push(`${name}: ${words === undefined ? "must not fail" : `must fail with "${words}"`}, but: ${problem}`)
}
rmSync(join(root, folder), { recursive: true, force: true })
for (const problem of problems) console.error(problem)
if (problems.length === 0) console.log(`the mistakes of ${Object.keys(pages).length} planted pages are found`)
process.exitCode = problems.length === 0 ? 0 : 1
