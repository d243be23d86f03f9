// Runs the checks that `npm test` makes before the tests. Most of them use one core, so two rows of checks run beside each
// other. The checks of a row run one after another: `packages:check` removes the `dist` of the packages, and waits for the
// others of its row. The output of a check is printed when the check has ended.
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const rows = [["docs:check"], ["lint", "format:check", "unused", "packages:check"]]

const run = (name) =>
  new Promise((resolve, reject) => {
    const began = Date.now()
    const child = spawn("npm", ["run", "--silent", name], { cwd: root, stdio: ["ignore", "pipe", "pipe"] })
    let said = ""
    for (const output of [child.stdout, child.stderr]) output.setEncoding("utf8").on("data", (text) => (said += text))
    child.on("error", reject)
    child.on("close", (code) => {
      const seconds = Math.round((Date.now() - began) / 1_000)
      console.log(`${said}${code === 0 ? "ok     " : "FAILED "} npm run ${name}, after ${seconds} s\n`)
      resolve(code === 0)
    })
  })

// A row ends with the first check that fails. The other row goes on.
const runRow = async (names) => {
  for (const name of names) if (!(await run(name))) return false
  return true
}

const results = await Promise.all(rows.map(runRow))
process.exitCode = results.every((isGreen) => isGreen) ? 0 : 1
