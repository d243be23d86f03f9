// Loaded before a program of a page: writes the file, the line and the text of each console.log to the file that PRINTS
// names, one JSON a line.
import { appendFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { format } from "node:util"

const { log } = console
console.log = (...args) => {
  const [, file, line] = /(file:\/\/[^\s()]+):(\d+):\d+/.exec(new Error().stack.split("\n")[2] ?? "") ?? []
  if (file !== undefined) {
    const print = { path: fileURLToPath(file), line: Number(line), text: format(...args) }
    appendFileSync(process.env.PRINTS, `${JSON.stringify(print)}\n`)
  }
  log(...args)
}
