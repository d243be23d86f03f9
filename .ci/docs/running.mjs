// Runs the programs and the tests of the pages, which docs.mjs has written to files: on the sources of the packages.
import { spawn } from "node:child_process"
import { writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../..", import.meta.url))
const timeLimit = 60_000
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

/** Runs a program; returns what is wrong, or nothing. */
export const runProgram = async ({ output, path, url }) => {
  const { DATABASE_URL: _, ...inherited } = process.env
  const env = url === undefined ? inherited : { ...inherited, DATABASE_URL: url }
  const { code, signal, stderr, stdout } = await run(process.execPath, [condition, join(root, path)], {
    cwd: dirname(join(root, path)),
    env
  })
  const all = `${stdout}${stderr}`
  if (signal !== null) return `it was stopped after ${timeLimit / 1000} seconds\n${all}`
  if (code !== 0) return `exit code ${code}\n${all}`
  if (loggedError.test(all)) return `it has logged an error\n${all}`
  if (output === undefined || normal(output) === normal(stdout)) return undefined
  return `its output is not that of the page\n--- on the page\n${normal(output)}\n--- written\n${normal(stdout)}`
}

/** Runs tests, all in one process of Vitest, each file with an environment of its own; returns what is wrong, or nothing. */
export const runTests = async (tests) => {
  if (tests.length === 0) return undefined
  writeFileSync(join(root, ".tmp/docs/tests.json"), JSON.stringify(tests.map(({ path, url }) => ({ path, url }))))
  const args = ["run", "--config", ".config/vitest.docs.config.ts", "--root", "."]
  const { code, stderr, stdout } = await run(
    process.execPath,
    [join(root, "node_modules/vitest/vitest.mjs"), ...args],
    {
      cwd: root,
      timeout: 4 * timeLimit,
      env: { ...process.env, NO_COLOR: "1" }
    }
  )
  return code === 0 ? undefined : `${stdout}${stderr}`
}
