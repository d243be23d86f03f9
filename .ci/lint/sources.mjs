// Checks of the packages' sources that oxlint has no rule for: what leads around the walls unseen, and the sizes of
// files and folders. planted.mjs plants violations of these too.
import { globSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const mostLines = 250
const larger = { "packages/core/src/ports": 26, "packages/testing/src/contracts": 20 }
const mostFiles = (folder) => larger[folder] ?? 16

/** The files that may have more lines of code, and why. */
const longFiles = {
  "packages/testing/src/contracts/eventStore/following.ts":
    "the cases of one promise, following the log, share its set-up",
  "packages/testing/src/contracts/inline/switching.ts": "the cases of one promise, switching a view, share its set-up"
}

/** The comments that may switch a rule of oxlint off, each as its whole line. */
const allowedComments = {
  "packages/testing/src/contracts/suite.ts": [
    // The suite lists the cases that do not run.
    "// oxlint-disable-next-line vitest/warn-todo",
    "// oxlint-disable-next-line no-console"
  ],
  // A law calls the functions of a domain at another time. For `new Date()` the global is replaced while they run.
  "packages/testing/src/laws/atAnotherTime.ts": [
    "// oxlint-disable-next-line no-restricted-globals -- `Date` is replaced for everybody, until `run` returns."
  ]
}

const withoutComments = (text) =>
  text.replace(/\/\*[^]*?\*\//g, (comment) => comment.replace(/[^\n]/g, " ")).replace(/^\s*\/\/.*$/gm, "")

/** What is wrong with the sources, from a path to the text: a list of places and messages. */
export const problemsOf = (sources) => {
  const problems = []
  const counts = new Map()
  for (const [path, text] of sources) {
    if (!path.endsWith(".ts") || path.endsWith(".d.ts")) problems.push(`${path}: the sources are .ts files`)
    for (const [i, line] of text.split("\n").entries()) {
      const isSwitch = /\b(ox|es)lint-(disable|enable)|@ts-(nocheck|ignore|expect-error)/.test(line)
      if (isSwitch && !allowedComments[path]?.includes(line.trim()))
        problems.push(`${path}:${i + 1}: a comment that switches rules off must be listed in .ci/lint/sources.mjs`)
    }
    const code = withoutComments(text)
    for (const { index } of code.matchAll(/\bimport\s*\(\s*(?!["\s])/g)) {
      const line = code.slice(0, index).split("\n").length
      problems.push(`${path}:${line}: import() takes a module's name in double quotes, so that the walls see it`)
    }
    const lines = code.split("\n").filter((line) => line.trim() !== "").length
    if (lines > mostLines && longFiles[path] === undefined)
      problems.push(`${path}: ${lines} lines of code are more than ${mostLines}`)
    if (lines <= mostLines && longFiles[path] !== undefined)
      problems.push(`${path}: the file is not long any more: remove it from the list of long files`)
    const folder = dirname(path)
    counts.set(folder, (counts.get(folder) ?? 0) + 1)
  }
  for (const [folder, count] of counts) {
    if (count > mostFiles(folder)) problems.push(`${folder}: ${count} files are more than ${mostFiles(folder)}`)
  }
  for (const path of [...Object.keys(longFiles), ...Object.keys(allowedComments)]) {
    if (!sources.has(path)) problems.push(`${path}: a list of .ci/lint/sources.mjs names this file, which is not there`)
  }
  return problems
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = fileURLToPath(new URL("../..", import.meta.url))
  const listed = (pattern) =>
    globSync(pattern, { cwd: root, exclude: (path) => /(^|\/)(node_modules|dist|\.git|\.tmp)$/.test(path) })
      .map((path) => path.replaceAll("\\", "/"))
      .sort()
  const paths = listed("packages/*/src/**/*.*")
  const problems = problemsOf(new Map(paths.map((path) => [path, readFileSync(join(root, path), "utf8")])))
  // Of two configurations the nearer one wins, and an ignored file is not linted.
  for (const path of listed("**/{.oxlintrc.*,oxlint.config.*,.oxlintignore,.eslintignore}")) {
    if (path !== ".oxlintrc.json") problems.push(`${path}: the walls stand in .oxlintrc.json alone`)
  }
  for (const problem of problems) console.error(problem)
  if (problems.length === 0) console.log(`${paths.length} source files are within their limits`)
  process.exitCode = problems.length === 0 ? 0 : 1
}
