/** Holds what the processes of two versions have read to what the views promise. Pure: a list of problems, and figures. */
import { isDeepStrictEqual } from "node:util"
import type { Event, Line } from "../kills/lines.ts"
import { collecting, type Report } from "../rounds/report.ts"
import type { Observed } from "./lines.ts"
import { inlineNames, keysOf, type Name, names, one, partsOf, type State, two, type Version } from "./views.ts"

/** What a round has left behind. */
export interface Remains {
  readonly log: ReadonlyArray<Event>
  /** The lines of the commands. */
  readonly lines: ReadonlyArray<Line>
  /** What all processes have observed. */
  readonly observed: ReadonlyArray<Observed>
  /** How long a version may have no owner before it counts as left, in milliseconds. */
  readonly leftAfter: number
  /** The records of the last version after the whole log, by view and key. */
  readonly last: ReadonlyMap<Name, Readonly<Record<string, State>>>
}

type Read = Observed & { readonly _tag: "Read" }

/** The part of a key: FNV-1a over the bytes of its UTF-16 code units. Written anew, because the records of users are divided by it. */
const partOf = (key: string, parts: number): number => {
  let hash = 0x811c9dc5n
  for (const byte of Buffer.from(key, "utf16le")) hash = ((hash ^ BigInt(byte)) * 0x01000193n) & 0xffffffffn
  return Number(hash % BigInt(parts))
}

/** A key's record after each of its events, in their order. */
type History = ReadonlyArray<State>

const second = 1e9

/** The records of each key after each of its events. */
const historiesOf = (log: ReadonlyArray<Event>) => {
  const fold = (view: Name, version: Version): ReadonlyMap<string, History> => {
    const histories = new Map<string, Array<State>>()
    for (const { amount, position, stream, type } of log) {
      const signed = type === "Deposited" ? amount : -amount
      for (const key of keysOf[view][version](stream.slice("Account-".length), type)) {
        const history = histories.get(key) ?? []
        const before = history.at(-1)
        history.push(
          version === 1
            ? one(before?.shape === "one" ? before : undefined, signed, position)
            : two(before?.shape === "two" ? before : undefined, signed, position)
        )
        histories.set(key, history)
      }
    }
    return histories
  }
  const versions = [1, 2] as const
  const all = new Map(versions.map((version) => [version, new Map(names.map((view) => [view, fold(view, version)]))]))
  return (view: Name, version: Version) => all.get(version)!.get(view)!
}

/** How many events of a key have a position up to one. */
const upTo = (history: History, position: number): number => {
  let [low, high] = [0, history.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (history[middle]!.last <= position) low = middle + 1
    else high = middle
  }
  return low
}

const titleOf = ({ version, view }: { readonly view: Name; readonly version: Version }) => `${view}, version ${version}`
const textOf = (state: State | undefined) => (state === undefined ? "nothing" : JSON.stringify(state))
const countOf = (state: State | undefined) => state?.count ?? 0

/** Each record that was read is a fold of the first events of its key, by its version, up to the position that came with it. */
const checkReads = (remains: Remains, reads: ReadonlyArray<Read>, report: Report): void => {
  const histories = historiesOf(remains.log)
  const acknowledged = acknowledgedIn(remains.lines)
  for (const read of reads) {
    const { positions, sentAt, states, version, view, waited } = read
    const of = histories(view, version)
    const keys = read.keys === "all" ? new Set([...of.keys(), ...Object.keys(states)]) : read.keys
    const isInline = inlineNames.includes(view)
    // A query tells no positions. All keys of a part stand at that of the last event among its records.
    const lasts = new Map<number, number>()
    const partCount = positions?.length ?? partsOf(view)
    for (const [key, { last }] of Object.entries(states)) {
      const part = partOf(key, partCount)
      lasts.set(part, Math.max(lasts.get(part) ?? 0, last))
    }
    for (const key of keys) {
      const state = states[key]
      const history = of.get(key) ?? []
      const count = countOf(state)
      const expected = history[count - 1]
      if (!isDeepStrictEqual(state, expected)) {
        report(
          `wrong: ${titleOf(read)}: ${key} is ${textOf(state)}, its first ${count} events make ${textOf(expected)}`
        )
        continue
      }
      const part = partOf(key, partCount)
      const position = positions?.[part]
      const most = upTo(history, position ?? Infinity)
      if (count > most) report(`early: ${titleOf(read)}: ${key} has ${count} events, and ${most} up to ${position}`)
      const least = isInline
        ? Math.max(known(history, position ?? waited ?? 0, sentAt, acknowledged), at(history, waited))
        : upTo(history, Math.max(position ?? lasts.get(part) ?? 0, waited ?? 0))
      if (count < least) {
        const why = waited === undefined ? `up to ${position ?? lasts.get(part)}` : `after the wait for ${waited}`
        report(`missing: ${titleOf(read)}: ${key} has ${count} events, and at least ${least} ${why}`)
      }
    }
  }
}

/** How many events of a key an inline record must have: all up to the last one, in its positions, that had its receipt before. */
const known = (history: History, position: number, sentAt: number, acknowledged: ReadonlyMap<number, number>) => {
  for (let i = upTo(history, position); i > 0; i--) {
    if ((acknowledged.get(history[i - 1]!.last) ?? Infinity) < sentAt) return i
  }
  return 0
}

/** How many events of a key there are up to the event at a position, if it is one of them. */
const at = (history: History, position: number | undefined): number => {
  if (position === undefined) return 0
  const count = upTo(history, position)
  return history[count - 1]?.last === position ? count : 0
}

/** When the events at positions had their first receipts. */
const acknowledgedIn = (lines: ReadonlyArray<Line>): ReadonlyMap<number, number> => {
  const acknowledged = new Map<number, number>()
  for (const line of lines) {
    if (line._tag !== "Receipt") continue
    for (const { position } of line.events) {
      acknowledged.set(position, Math.min(line.at, acknowledged.get(position) ?? Infinity))
    }
  }
  return acknowledged
}

/** No reader sees less than another one saw before. */
const checkGrowth = (reads: ReadonlyArray<Read>, report: Report): void => {
  const ended = reads.toSorted((a, b) => a.at - b.at)
  const seen = new Map<string, number>()
  let next = 0
  for (const read of reads.toSorted((a, b) => a.sentAt - b.sentAt)) {
    for (; next < ended.length && ended[next]!.at < read.sentAt; next++) {
      for (const [key, { count }] of Object.entries(ended[next]!.states)) {
        const name = `${titleOf(ended[next]!)}: ${key}`
        seen.set(name, Math.max(count, seen.get(name) ?? 0))
      }
    }
    const keys = read.keys === "all" ? Object.keys(read.states) : read.keys
    for (const key of keys) {
      const before = seen.get(`${titleOf(read)}: ${key}`) ?? 0
      const count = countOf(read.states[key])
      if (count < before) report(`fallen: ${titleOf(read)}: ${key} has ${count} events, and had ${before} before`)
    }
  }
}

/** Once a version has answered, or was built, it goes on answering until nobody has worked on it for the time after which it is left. */
const checkAnswering = ({ leftAfter, observed }: Remains, report: Report): void => {
  const lines = observed.toSorted((a, b) => a.at - b.at)
  for (const version of [1, 2] as const) {
    const own = lines.filter((line) => line.version === version)
    // The last lease may have been renewed before the last line; and the first claim comes after the first line.
    const least = leftAfter * 1e6 - second
    const gaps = own.flatMap(({ at }, i) => (i > 0 && at - own[i - 1]!.at >= least ? [at] : []))
    for (const view of names) {
      const answers = own.filter((line) => (line._tag === "Read" || line._tag === "Done") && line.view === view)
      for (const line of own) {
        if (line._tag !== "NotServing" || line.view !== view) continue
        const answered = answers.findLast(({ at }) => at < line.sentAt)
        if (answered === undefined) continue
        const wasLeft = gaps.some((end) => end + second > answered.at && end <= line.at)
        if (line.reason === "unbuilt" || line.reason === "replaced" || !wasLeft) {
          report(`not serving: ${titleOf(line)}: it says ${line.reason}, and answered before`)
        }
      }
    }
  }
}

/** Checks what the processes of a round have read. */
export const check = (remains: Remains) => {
  const { collected, report } = collecting()
  const { last, log, observed } = remains
  const reads = observed.filter((line) => line._tag === "Read")
  for (const line of observed) {
    if (line._tag === "Unexpected") report(`unexpected: ${titleOf(line)}: ${line.error}`)
  }
  checkReads(remains, reads, report)
  checkGrowth(reads, report)
  checkAnswering(remains, report)
  const histories = historiesOf(log)
  for (const [view, states] of last) {
    const of = histories(view, 2)
    for (const key of new Set([...of.keys(), ...Object.keys(states)])) {
      const expected = of.get(key)?.at(-1)
      if (isDeepStrictEqual(states[key], expected)) continue
      report(`at the end: ${view}: ${key} is ${textOf(states[key])}, the log makes ${textOf(expected)}`)
    }
  }
  const counted = (tag: Observed["_tag"]) => observed.filter(({ _tag }) => _tag === tag).length
  return {
    problems: collected(),
    figures: {
      reads: reads.length,
      waits: reads.filter(({ waited }) => waited !== undefined).length,
      "not serving": counted("NotServing"),
      unavailable: counted("Unavailable")
    }
  }
}
