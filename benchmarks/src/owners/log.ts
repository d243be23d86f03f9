/** The log that a round executes: the rows of a file, or rows that are made up. */
import { readFileSync } from "node:fs"
import { gunzipSync } from "node:zlib"
import { below, randomOf } from "../rounds/random.ts"

/** A row of the log: one step of one declaration. */
export interface Row {
  /** Unique in the log; the id of the row's command. */
  readonly id: string
  readonly declaration: string
  /** The step's place in its declaration, from 1 on. */
  readonly step: number
  readonly activity: string
  readonly role: string
  readonly cents: number
  /** The time of the step, as the log writes it. */
  readonly at: string
}

const columns = ["timestamp", "declaration_id", "step", "step_id", "activity", "role", "amount"] as const

/** The rows of a `.csv` or `.csv.gz` file with the columns above, and others. No field contains a comma. */
const fromFile = (file: string): ReadonlyArray<Row> => {
  const content = readFileSync(file)
  const [header = "", ...lines] = (file.endsWith(".gz") ? gunzipSync(content) : content)
    .toString("utf8")
    .trimEnd()
    .split(/\r?\n/)
  const names = header.split(",")
  const places = columns.map((name) => names.indexOf(name))
  if (places.includes(-1)) throw new Error(`${file} lacks one of the columns ${columns.join(", ")}`)
  return lines.map((line, i): Row => {
    const fields = line.split(",")
    const [at, declaration, step, id, activity, role, amount] = places.map((place) => fields[place] ?? "")
    const row = { at: at!, declaration: declaration!, id: id!, activity: activity!, role: role! }
    const numbers = { step: Number(step), cents: Math.round(Number(amount) * 100) }
    const isWhole = fields.length === names.length && Object.values(numbers).every(Number.isSafeInteger)
    if (!isWhole) throw new Error(`${file}: line ${i + 2} is no row of the log: ${line}`)
    return { ...row, ...numbers }
  })
}

const way = [
  ["Declaration SUBMITTED by EMPLOYEE", "EMPLOYEE"],
  ["Declaration APPROVED by ADMINISTRATION", "ADMINISTRATION"],
  ["Declaration FINAL_APPROVED by SUPERVISOR", "SUPERVISOR"],
  ["Request Payment", "UNDEFINED"],
  ["Payment Handled", "UNDEFINED"]
] as const

/** Declarations that go the usual way, a new one each hour and a step each seven hours. */
const madeUp = (declarations = 2_500): ReadonlyArray<Row> => {
  const random = randomOf(0, "log")
  const begin = Date.UTC(2017, 0, 1)
  const rows = Array.from({ length: declarations }, (_, n) => {
    const cents = 1 + below(random, 100_000)
    return way.map(([activity, role], i) => {
      const hours = n + 7 * i
      const row = { id: `step-${n}-${i}`, declaration: `declaration-${n}`, step: i + 1, activity, role, cents }
      return { hours, row: { ...row, at: new Date(begin + hours * 3_600_000).toISOString() } }
    })
  })
  return rows
    .flat()
    .toSorted((a, b) => a.hours - b.hours)
    .map(({ row }) => row)
}

/** The rows of the file, or made-up ones without a file. */
export const rowsOf = (file: string | undefined): ReadonlyArray<Row> => (file === undefined ? madeUp() : fromFile(file))

/** The rows, in their order, of 1,000 to 2,500 declarations that begin one after the other. The seed decides which. */
export const sliceOf = (rows: ReadonlyArray<Row>, seed: number): ReadonlyArray<Row> => {
  const random = randomOf(seed, "slice")
  const declarations = [...new Set(rows.map(({ declaration }) => declaration))]
  const count = Math.min(declarations.length, 1_000 + below(random, 1_501))
  const first = below(random, declarations.length - count + 1)
  const chosen = new Set(declarations.slice(first, first + count))
  return rows.filter(({ declaration }) => chosen.has(declaration))
}
