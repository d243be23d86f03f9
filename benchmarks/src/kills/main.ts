// Rounds of kills on the write side: clients, projections, followers and the server are killed at random moments.
//   npm run kills                                                     one round, not recorded
//   npm run kills -- --rounds 100 --results .tmp/kills.jsonl          a hundred rounds, each written to a file
//   npm run kills -- --seed 17                                        the round of a seed again
// A second call with the same file goes on after the last finished round. A round that finds a problem ends the run with
// exit code 1 and keeps its folder: the data of the server, and what every process has written down. The same seed gives
// the same commands and kills; when they meet is up to the machine.
import { execFileSync } from "node:child_process"
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, resolve } from "node:path"
import { parseArgs } from "node:util"
import { prepare, round, type Verdict } from "./round.ts"

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "1" },
    results: { type: "string" },
    seed: { type: "string" },
    // Also keeps the folders of rounds without a problem.
    keep: { type: "boolean", default: false }
  }
})
const wholeNumber = (name: string, text: string, least: number): number => {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= least) return value
  throw new Error(`--${name} ${text} is not a whole number from ${least} on`)
}
const seed = options.seed === undefined ? undefined : wholeNumber("seed", options.seed, 0)
const rounds = seed === undefined ? wholeNumber("rounds", options.rounds, 1) : 1
const results = options.results === undefined ? undefined : resolve(process.env["INIT_CWD"] ?? ".", options.results)

type Recorded = Verdict & { readonly round: number; readonly commit: string; readonly at: string }

/** The rounds that are finished. A line that was cut off while it was written is not. */
const finished: Array<Recorded> =
  results === undefined || !existsSync(results)
    ? []
    : readFileSync(results, "utf8")
        .split("\n")
        .filter((line) => line.endsWith("}"))
        .map((line) => JSON.parse(line) as Recorded)

const git = (...args: ReadonlyArray<string>) => {
  try {
    return execFileSync("git", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim()
  } catch {
    return "unknown"
  }
}
const commit = () => `${git("rev-parse", "--short", "HEAD")}${git("status", "--porcelain") === "" ? "" : ", changed"}`

// A server that is started by root runs as another user, which cannot enter every folder.
const folder = mkdtempSync(join(tmpdir(), "hexfold-kills-"))
execFileSync("chmod", ["755", folder])
const template = join(folder, "empty")
// The clients start in half the time.
process.env["NODE_COMPILE_CACHE"] ??= join(folder, "compiled")
let hasFailed = false
try {
  await prepare(template)
  while (finished.length < rounds && !hasFailed) {
    const own = seed ?? Math.floor(Math.random() * 2 ** 31)
    const place = join(folder, `seed-${own}`)
    const verdict = await round(own, template, place).catch((cause: unknown): Verdict => ({
      ...{ seed: own, seconds: 0, kills: [], figures: {} },
      problems: [`broken: the round did not end: ${cause instanceof Error ? cause.stack : String(cause)}`]
    }))
    const recorded = { round: finished.length + 1, ...verdict, commit: commit(), at: new Date().toISOString() }
    finished.push(recorded)
    if (results !== undefined) {
      mkdirSync(dirname(results), { recursive: true })
      appendFileSync(results, `${JSON.stringify(recorded)}\n`)
    }
    const figures = Object.entries(verdict.figures).map(([name, count]) => `${count} ${name}`)
    console.log(`${recorded.round} of ${rounds}, seed ${own}, ${verdict.seconds} s: ${figures.join(", ")}`)
    console.log(`  killed: ${verdict.kills.join(", ")}`)
    for (const problem of verdict.problems) console.error(`  PROBLEM ${problem}`)
    hasFailed = verdict.problems.length > 0
    if (hasFailed) {
      writeFileSync(join(place, "verdict.json"), `${JSON.stringify(recorded, null, 2)}\n`)
      console.error(`  its data stay in ${place}`)
    } else if (!options.keep) rmSync(place, { recursive: true, force: true })
  }
} finally {
  for (const path of hasFailed || options.keep ? [template, join(folder, "compiled")] : [folder]) {
    rmSync(path, { recursive: true, force: true })
  }
}

const sums = new Map<string, number>()
for (const { figures, kills } of finished) {
  for (const [name, count] of Object.entries(figures)) sums.set(name, (sums.get(name) ?? 0) + count)
  for (const kill of kills) {
    const name = `kills of ${kill.startsWith("server") ? "the server" : `a ${kill.split(" ")[0]}`}`
    sums.set(name, (sums.get(name) ?? 0) + 1)
  }
}
const bad = finished.filter(({ problems }) => problems.length > 0)
console.log(`${finished.length} rounds, ${bad.length} with problems`)
console.log(`  ${[...sums].map(([name, count]) => `${count} ${name}`).join(", ")}`)
if (bad.length > 0) console.error(`  seeds with problems: ${bad.map(({ seed }) => seed).join(", ")}`)
process.exit(bad.length > 0 ? 1 : 0)
