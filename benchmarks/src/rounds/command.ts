/**
 * A command that runs rounds, each with a seed of its own:
 *   --rounds 100 --results .tmp/file.jsonl    a hundred rounds, each written to a file
 *   --seed 17                                 the round of a seed again
 *   --keep                                    also keeps the folders of rounds without a problem
 * A second call with the same file goes on after the last finished round. All rounds of a file run the same sources. A
 * round that finds a problem ends the command with exit code 1 and keeps its folder: the data of the server, and what
 * every process has written down.
 */
import { execFileSync } from "node:child_process"
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, resolve } from "node:path"
import { parseArgs } from "node:util"
import { finishedIn, isSame, refusal, type State, stateNow } from "./results.ts"

/** What a round has come to. */
export interface Verdict {
  readonly seed: number
  readonly seconds: number
  /** What was killed, in this order, and when, in milliseconds after the first command. */
  readonly kills: ReadonlyArray<string>
  readonly figures: Readonly<Record<string, number>>
  readonly problems: ReadonlyArray<string>
}

/** The rounds of a command. */
export interface Rounds {
  readonly name: string
  /** The names of the command's own options. */
  readonly options?: ReadonlyArray<string>
  /** What the rounds run with, if that can differ. The rounds of a file have it in common. */
  readonly runWith?: unknown
  /** Makes a folder that rounds copy. */
  readonly prepare: (template: string) => Promise<void>
  /** Runs the round of a seed in a folder, which it makes. */
  readonly round: (seed: number, template: string, folder: string) => Promise<Verdict>
}

type Recorded = Verdict & State & { readonly round: number; readonly at: string }

const wholeNumber = (name: string, text: string, least: number): number => {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= least) return value
  throw new Error(`--${name} ${text} is not a whole number from ${least} on`)
}

/** The path of an option, which npm would look up in the folder of the repository. */
const pathOf = (option: string): string => resolve(process.env["INIT_CWD"] ?? ".", option)

const given = (own: ReadonlyArray<string>) => {
  const { values } = parseArgs({
    options: {
      ...Object.fromEntries(own.map((name) => [name, { type: "string" } as const])),
      rounds: { type: "string", default: "1" },
      results: { type: "string" },
      seed: { type: "string" },
      keep: { type: "boolean", default: false }
    }
  })
  const seed = values.seed === undefined ? undefined : wholeNumber("seed", values.seed, 0)
  return {
    seed,
    rounds: seed === undefined ? wholeNumber("rounds", values.rounds, 1) : 1,
    results: values.results === undefined ? undefined : pathOf(values.results),
    keeps: values.keep
  }
}

const tell = ({ figures, kills, problems, round, seconds, seed }: Recorded, rounds: number): void => {
  const counts = Object.entries(figures).map(([name, count]) => `${count} ${name}`)
  console.log(`${round} of ${rounds}, seed ${seed}, ${seconds} s: ${counts.join(", ")}`)
  console.log(`  killed: ${kills.join(", ")}`)
  for (const problem of problems) console.error(`  PROBLEM ${problem}`)
}

const summarize = (finished: ReadonlyArray<Recorded>): ReadonlyArray<Recorded> => {
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
  return bad
}

/** An option of a command's own. */
export const optionOf = (name: string): string | undefined => {
  const { values } = parseArgs({ strict: false, options: { [name]: { type: "string" } } })
  const value = values[name]
  return typeof value === "string" ? value : undefined
}

/**
 * The option `--pace`: by how much leases, and the times that depend on them, are longer than on a machine that has nothing
 * else to do. 1 by default.
 */
export const paceOf = (): number => wholeNumber("pace", optionOf("pace") ?? "1", 1)

/** The path of a file that an option names; undefined without the option. */
export const fileOf = (name: string): string | undefined => {
  const value = optionOf(name)
  return value === undefined ? undefined : pathOf(value)
}

/** Runs the rounds that the command line asks for, and ends the process. */
export const runRounds = async ({ name, options = [], prepare, round, runWith }: Rounds): Promise<never> => {
  const { keeps, results, rounds, seed } = given(options)
  // Rounds that are not recorded may run without git.
  const now = (): State => (results === undefined ? { commit: "", state: "" } : stateNow(results, runWith))
  const current = now()
  const finished = results === undefined ? [] : finishedIn<Recorded>(results)
  const refused = results === undefined ? undefined : refusal(results, finished, current)
  if (refused !== undefined) {
    console.error(refused)
    process.exit(2)
  }
  // A server that is started by root runs as another user, which cannot enter every folder.
  const folder = mkdtempSync(join(tmpdir(), `hexfold-${name}-`))
  execFileSync("chmod", ["755", folder])
  const template = join(folder, "template")
  // The processes start in half the time.
  process.env["NODE_COMPILE_CACHE"] ??= join(folder, "compiled")
  let hasFailed = false
  let hasChanged = false
  try {
    if (finished.length < rounds) await prepare(template)
    while (finished.length < rounds && !hasFailed && !hasChanged) {
      const own = seed ?? Math.floor(Math.random() * 2 ** 31)
      // Whoever stops the command can repeat the round.
      console.log(`round ${finished.length + 1} of ${rounds}: seed ${own}`)
      const place = join(folder, `seed-${own}`)
      const verdict = await round(own, template, place).catch((cause: unknown): Verdict => ({
        ...{ seed: own, seconds: 0, kills: [], figures: {} },
        problems: [`broken: the round did not end: ${cause instanceof Error ? cause.stack : String(cause)}`]
      }))
      const recorded = { round: finished.length + 1, ...verdict, ...current, at: new Date().toISOString() }
      hasFailed = verdict.problems.length > 0
      hasChanged = !isSame(now(), current)
      if (hasChanged) console.error(`the sources have changed while the round of seed ${own} ran: it is not recorded`)
      else {
        finished.push(recorded)
        if (results !== undefined) {
          mkdirSync(dirname(results), { recursive: true })
          appendFileSync(results, `${JSON.stringify(recorded)}\n`)
        }
      }
      tell(recorded, rounds)
      if (hasFailed) {
        writeFileSync(join(place, "verdict.json"), `${JSON.stringify(recorded, null, 2)}\n`)
        console.error(`  its data stay in ${place}`)
      } else if (!keeps) rmSync(place, { recursive: true, force: true })
    }
  } finally {
    for (const path of hasFailed || keeps ? [template, join(folder, "compiled")] : [folder]) {
      rmSync(path, { recursive: true, force: true })
    }
  }
  const bad = summarize(finished)
  process.exit(hasChanged ? 2 : bad.length > 0 ? 1 : 0)
}
