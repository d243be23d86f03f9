import { mkdirSync, writeFileSync } from "node:fs"
import { cpus, release, totalmem, type } from "node:os"

/** A contender does `count` operations and resolves when they are done. */
export interface Contender {
  readonly name: string
  readonly count: number
  readonly run: (round: number) => Promise<void>
}

/** The rates of a contender, in operations a second, by round. */
export interface Measured {
  readonly name: string
  readonly rates: ReadonlyArray<number>
  readonly median: number
}

/**
 * Measures contenders in alternation, so that other load of the machine meets
 * all of them. The first round warms up and does not count.
 */
export const alternate = async (
  contenders: ReadonlyArray<Contender>,
  rounds: number
): Promise<ReadonlyArray<Measured>> => {
  const rates = contenders.map((): Array<number> => [])
  for (let round = 0; round <= rounds; round++) {
    for (const [i, contender] of contenders.entries()) {
      globalThis.gc?.()
      const start = performance.now()
      await contender.run(round)
      const rate = contender.count / ((performance.now() - start) / 1_000)
      if (round > 0) rates[i]!.push(rate)
    }
  }
  return contenders.map(({ name }, i) => ({ name, rates: rates[i]!, median: median(rates[i]!) }))
}

/** The median. */
export const median = (values: ReadonlyArray<number>): number => values.toSorted((a, b) => a - b)[values.length >> 1]!

/** The value that the given share of all values lies below. */
export const percentile = (values: ReadonlyArray<number>, share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))]!

/** A figure, and the bar that it has to meet, if there is one. */
interface Bar {
  readonly claim: string
  readonly figure: number
  readonly atLeast?: number
  readonly atMost?: number
}

/** The results of a benchmark. */
export interface Report {
  readonly title: string
  readonly measured: ReadonlyArray<Measured>
  readonly bars: ReadonlyArray<Bar>
}

const number = new Intl.NumberFormat("en", { maximumFractionDigits: 2 })

/** Prints a report as text. */
export const print = ({ bars, measured, title }: Report): void => {
  console.log(`\n${title}`)
  for (const { median, name, rates } of measured) {
    const range = `${number.format(Math.round(Math.min(...rates)))} to ${number.format(Math.round(Math.max(...rates)))}`
    console.log(`  ${name.padEnd(44)} ${number.format(Math.round(median)).padStart(9)}/s   (${range})`)
  }
  for (const { atLeast, atMost, claim, figure } of bars) {
    if (atLeast === undefined && atMost === undefined) {
      console.log(`         ${claim}: ${number.format(figure)}`)
      continue
    }
    const met = figure >= (atLeast ?? -Infinity) && figure <= (atMost ?? Infinity)
    const bar = atLeast === undefined ? `at most ${number.format(atMost!)}` : `at least ${number.format(atLeast)}`
    console.log(`  ${met ? "met   " : "MISSED"} ${claim}: ${number.format(figure)} (${bar})`)
  }
}

/** The machine, as a report names it. */
export const machine = () => ({
  cpu: cpus()[0]?.model.trim() ?? "unknown",
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  system: `${type()} ${release()}`,
  node: process.version
})

/** Writes the raw figures to a file of that name in `results/`. */
export const keep = (name: string, reports: ReadonlyArray<Report>, extra: object): void => {
  const folder = new URL("../results/", import.meta.url)
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    new URL(`${name}.json`, folder),
    `${JSON.stringify({ machine: machine(), ...extra, reports }, null, 2)}\n`
  )
}
