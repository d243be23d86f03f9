// Runs the suites: the contracts on every adapter, the property tests, and the laws and models that runs are held to.
//   npm run test:suites                                                       one round, not recorded
//   npm run test:suites -- --rounds 20 --results .tmp/suites.jsonl            twenty rounds, each written to a file
//   npm run test:suites -- --variants                                         the variants, which `npm test` leaves out
// A second call with the same file goes on after the last finished round. All rounds of a file run the same suites on the
// same sources, uncommitted changes included. The exit code is 0 if all rounds are green: in every file a test has
// passed, and none has failed.
import { spawnSync } from "node:child_process"
import { appendFileSync, closeSync, existsSync, globSync, mkdirSync, openSync, readFileSync, rmSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { finishedIn, isSame, refusal, stateNow } from "../benchmarks/src/rounds/results.ts"

const root = fileURLToPath(new URL("..", import.meta.url))
const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "1" },
    results: { type: "string" },
    // For a file or two: part of a path, instead of all suites.
    only: { type: "string", multiple: true, default: [] },
    // The variants instead of the suites: a contract once more, with other options or on another version of Postgres.
    variants: { type: "boolean", default: false }
  }
})
const rounds = Number(options.rounds)
if (!Number.isSafeInteger(rounds) || rounds < 1) throw new Error(`--rounds ${options.rounds} is not a number from 1 on`)

// A test file is one of the suites if it runs a contract, draws its cases at random, or compares with a law or a model.
const marks = [
  /from "@hexfold\/testing\/contracts"/,
  /\bFrontContract\b/,
  /from "@hexfold\/testing\/QueryArbitraries"/,
  /from "fast-check"/,
  /\bassertLaw\b/,
  /import \{[^}]*\b(SerialOrder|Histories|Laws)\b[^}]*\} from "@hexfold\/testing"/
]
const suites = globSync("{packages,examples}/*/test/**/*.test.ts", { cwd: root })
  .map((path) => path.replaceAll("\\", "/"))
  // These files test the laws themselves: with planted mistakes, which the laws must find, and with the histories
  // that they generate, for fast-check too.
  .filter((path) => !/^packages\/testing\/test\/(laws|histories|fastCheck)\/|\/planted\.test\.ts$/.test(path))
  .filter((path) => path.endsWith(".variant.test.ts") === options.variants)
  .filter((path) => marks.some((mark) => mark.test(readFileSync(join(root, path), "utf8"))))
  .filter((path) => options.only.length === 0 || options.only.some((part) => path.includes(part)))
  .sort()
if (suites.length === 0) throw new Error("no test file is one of the suites")

const results = resolve(options.results ?? join(root, ".tmp/suites.jsonl"))
mkdirSync(dirname(results), { recursive: true })

const isRecorded = options.results !== undefined
// A round that is not recorded may run without git.
const current = isRecorded ? stateNow(results, suites) : {}

const done = isRecorded ? finishedIn(results) : []
const refused = isRecorded ? refusal(results, done, current) : undefined
if (refused !== undefined) {
  console.error(refused)
  process.exit(2)
}

const runRound = (round) => {
  const report = `${results}.round-${round}.json`
  const log = `${results}.round-${round}.log`
  const began = Date.now()
  const vitest = join(root, "node_modules/vitest/vitest.mjs")
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`]
  const args = [vitest, "run", "--config", ".config/vitest.config.ts", "--root", ".", ...reporters, ...suites]
  // The log can be followed while the round goes on; that of a failed round stays beside the results.
  const output = openSync(log, "w")
  const { error, status } = spawnSync(process.execPath, args, {
    cwd: root,
    stdio: ["ignore", output, output],
    env: { ...process.env, ...(options.variants ? { HEXFOLD_VARIANTS: "1" } : {}) }
  })
  closeSync(output)
  if (error !== undefined) throw error
  const failures = []
  const counts = { passed: 0, failed: 0, notRun: 0 }
  const files = existsSync(report) ? JSON.parse(readFileSync(report, "utf8")).testResults : []
  for (const { assertionResults, message, name, status } of files) {
    const file = relative(root, name)
    for (const test of assertionResults) {
      counts[test.status === "passed" || test.status === "failed" ? test.status : "notRun"]++
      if (test.status === "failed") {
        failures.push({ file, case: test.fullName.trim(), message: String(test.failureMessages?.[0]).slice(0, 2_000) })
      }
    }
    if (status === "failed" && !assertionResults.some((test) => test.status === "failed")) {
      failures.push({ file, case: "the file itself", message: String(message).slice(0, 2_000) })
    } else if (!assertionResults.some((test) => test.status === "passed" || test.status === "failed")) {
      failures.push({ file, case: "the file itself", message: "none of its tests ran" })
    }
  }
  const missing = suites.filter(
    (path) => !files.some(({ name }) => relative(root, name).replaceAll("\\", "/") === path)
  )
  for (const file of missing) failures.push({ file, case: "the file itself", message: "it did not run" })
  if (status !== 0 && failures.length === 0) {
    failures.push({ file: "", case: "the run", message: `it ended with ${status}: see ${relative(root, log)}` })
  }
  rmSync(report, { force: true })
  if (failures.length === 0) rmSync(log, { force: true })
  const seconds = Math.round((Date.now() - began) / 1_000)
  return { round, ...current, began: new Date(began).toISOString(), seconds, files: files.length, ...counts, failures }
}

const describe = ({ failed, failures, notRun, passed, round, seconds }) => {
  console.log(`round ${round}: ${passed} passed, ${failed} failed, ${notRun} not run, ${seconds} s`)
  for (const failure of failures) {
    console.log(`  round ${round}: ${failure.file}: ${failure.case}\n    ${failure.message.split("\n")[0]}`)
  }
}

console.log(`${suites.length} suites, ${done.length} of ${rounds} rounds are finished`)
for (const round of done) describe(round)
while (done.length < rounds) {
  const round = runRound((done.at(-1)?.round ?? 0) + 1)
  if (isRecorded && !isSame(stateNow(results, suites), current)) {
    console.error(`the suites or the sources have changed while round ${round.round} ran: it is not recorded`)
    process.exit(2)
  }
  if (isRecorded) appendFileSync(results, `${JSON.stringify(round)}\n`)
  done.push(round)
  describe(round)
}
const red = done.filter(({ failures }) => failures.length > 0)
console.log(red.length === 0 ? `all ${done.length} rounds are green` : `${red.length} of ${done.length} rounds failed`)
process.exitCode = red.length === 0 ? 0 : 1
