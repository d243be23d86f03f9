// Runs the checks that `npm test` makes before the tests: two rows of them beside each other, because most of them use one
// core. The checks of one row use what the others write. What a check says is printed when it has ended.
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

// The checks after one that fails would say nothing new: most of them need what it looks at.
const runRow = async (names) => {
  for (const name of names) if (!(await run(name))) return false
  return true
}

const results = await Promise.all(rows.map(runRow))
process.exitCode = results.every((isGreen) => isGreen) ? 0 : 1
