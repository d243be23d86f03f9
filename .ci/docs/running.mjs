// Runs the programs and the tests of the pages, which docs.mjs has written to files: on the sources of the packages.
import { spawn } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { normalPrint } from "./code.mjs"

const root = fileURLToPath(new URL("../..", import.meta.url))
// Only ends what hangs.
const timeLimit = 180_000
const condition = "--conditions=@hexfold/source"

const run = (command, args, options = {}) =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      timeout: timeLimit,
      killSignal: "SIGKILL",
      ...options
    })
    const texts = { stdout: "", stderr: "" }
    for (const name of ["stdout", "stderr"]) child[name].setEncoding("utf8").on("data", (text) => (texts[name] += text))
    child.on("error", reject)
    child.on("close", (code, signal) => resolve({ ...texts, code, signal }))
  })

/** A server with so many empty databases. */
export const startPostgres = async (count) => {
  const child = spawn(process.execPath, [condition, join(root, ".ci/docs/server.mjs"), String(count)], {
    stdio: ["pipe", "pipe", "inherit"]
  })
  const ended = new Promise((resolve) => child.once("close", resolve))
  const urls = await new Promise((resolve, reject) => {
    let text = ""
    child.stdout.setEncoding("utf8").on("data", (part) => {
      text += part
      if (text.includes("\n")) resolve(JSON.parse(text))
    })
    child.once("close", (code) => reject(new Error(`the Postgres of the pages did not start: exit code ${code}`)))
  })
  const stop = () => {
    child.stdin.end()
    return ended
  }
  return { urls, stop }
}

// As Effect's loggers write it: plain, as pairs, as JSON.
const loggedError = /^(\[[\d:.TZ-]+\] )?(ERROR|FATAL) \(#\d+\)|\blevel=(ERROR|FATAL)\b|"level":"(ERROR|FATAL)"/m

const normal = (text) => text.trim().replace(/[ \t]+$/gm, "")

/** What the comments of some files say that they print, and the files do not; or nothing. */
const misprintOf = (files, log) => {
  const text = existsSync(log) ? readFileSync(log, "utf8") : ""
  const printed = text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line))
  for (const { path, prints } of files) {
    for (const { expected, line } of prints) {
      const here = printed.filter((print) => print.path === join(root, path) && print.line === line)
      if (here.length === 0) return `${path}:${line}: console.log was not called, and its comment says ${expected}`
      const other = here.find((print) => normalPrint(print.text) !== normalPrint(expected))
      if (other !== undefined) return `${path}:${line}: the comment says ${expected}\nprinted is ${other.text}`
    }
  }
}

/** Runs a program; returns what is wrong with it or with the files that it loads, or nothing. */
export const runProgram = async ({ files, output, path, url }) => {
  const log = join(root, `${path}.prints`)
  const { DATABASE_URL: _, ...inherited } = process.env
  // Programs of different pages import the same: it is compiled once.
  const compiled = { NODE_COMPILE_CACHE: join(root, ".tmp/compiled") }
  const env = { ...compiled, ...inherited, PRINTS: log, ...(url === undefined ? {} : { DATABASE_URL: url }) }
  const preload = `--import=${new URL("prints.mjs", import.meta.url)}`
  const { code, signal, stderr, stdout } = await run(process.execPath, [condition, preload, join(root, path)], {
    cwd: dirname(join(root, path)),
    env
  })
  const all = `${stdout}${stderr}`
  if (signal !== null) return `it was stopped after ${timeLimit / 1000} seconds\n${all}`
  if (code !== 0) return `exit code ${code}\n${all}`
  if (loggedError.test(all)) return `it has logged an error\n${all}`
  const misprint = misprintOf(files, log)
  if (misprint !== undefined) return misprint
  if (output === undefined || normal(output) === normal(stdout)) return undefined
  return `its output is not that of the page\n--- on the page\n${normal(output)}\n--- written\n${normal(stdout)}`
}

// The contracts list the cases of capabilities that a backend does not declare as todo.
const isListed = /\[needs \w+(, \w+)*, which the backend does not declare\]$/

/** The tests of a report that did not run, though they should have. */
const notRunOf = (report, tests) =>
  report.testResults.flatMap(({ assertionResults, name }) => {
    const { source } = tests.find(({ path }) => join(root, path) === name)
    const runsContract = source.includes(`from "@hexfold/testing/contracts"`)
    return [
      ...assertionResults
        .filter(({ status, title }) => status !== "passed" && !(runsContract && isListed.test(title)))
        .map(({ fullName, status }) => `${name}: ${fullName.trim()} is ${status}`),
      ...(assertionResults.some(({ status }) => status === "passed") ? [] : [`${name}: no test has passed`])
    ]
  })

/** Runs tests, all in one process of Vitest, each file with an environment of its own; returns what is wrong, or nothing. */
export const runTests = async (tests) => {
  if (tests.length === 0) return undefined
  const report = join(root, ".tmp/docs/report.json")
  writeFileSync(join(root, ".tmp/docs/tests.json"), JSON.stringify(tests.map(({ path, url }) => ({ path, url }))))
  const args = ["run", "--config", ".config/vitest.docs.config.ts", "--root", "."]
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`]
  const { code, stderr, stdout } = await run(
    process.execPath,
    [join(root, "node_modules/vitest/vitest.mjs"), ...args, ...reporters],
    {
      cwd: root,
      timeout: 4 * timeLimit,
      env: { ...process.env, NO_COLOR: "1" }
    }
  )
  if (code !== 0) return `${stdout}${stderr}`
  const notRun = notRunOf(JSON.parse(readFileSync(report, "utf8")), tests)
  return notRun.length === 0 ? undefined : notRun.join("\n")
}
