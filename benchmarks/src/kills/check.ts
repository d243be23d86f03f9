/** Holds what a round has left behind to what the write side promises. Pure: a list of problems, and figures. */
import { beginning, type Seen, see } from "./accounts.ts"
import type { Command, Event, Line } from "./lines.ts"
import { collecting, type Report } from "../rounds/report.ts"

/** What a round has left behind. */
export interface Remains {
  /** The lines of all clients, each client's in its order. */
  readonly lines: ReadonlyArray<Line>
  readonly log: ReadonlyArray<Event>
  /** The events that followers have written down, by the follower. */
  readonly followed: ReadonlyMap<string, ReadonlyArray<Event>>
  /** The records of the views, by view and key. */
  readonly records: ReadonlyMap<string, ReadonlyMap<string, Seen>>
}

const same = (one: Event, other: Event) => JSON.stringify(keyed(one)) === JSON.stringify(keyed(other))
const keyed = ({ amount, id, position, stream, token, type, version }: Event) => [
  ...[stream, version, position, id, type, amount, token]
]
const placeOf = ({ stream, version }: Event) => `${stream} ${version}`
const groupBy = <A>(all: Iterable<A>, key: (one: A) => string) => Map.groupBy(all, key)
const signed = ({ amount, type }: Event) => (type === "Deposited" ? amount : -amount)

/** Versions are dense, positions grow, ids are unique, and no account is overdrawn. */
const checkLog = (log: ReadonlyArray<Event>, report: Report): void => {
  const versions = new Map<string, number>()
  const balances = new Map<string, number>()
  const ids = new Set<string>()
  let last = 0
  for (const event of log) {
    if (event.position <= last) report(`order: position ${event.position} comes after ${last}`)
    last = event.position
    const expected = (versions.get(event.stream) ?? 0) + 1
    if (event.version !== expected) {
      report(`versions: ${event.stream} has version ${event.version} at position ${event.position}, not ${expected}`)
    }
    versions.set(event.stream, event.version)
    if (ids.has(event.id)) report(`doubled: the event id ${event.id} is in the log twice`)
    ids.add(event.id)
    const balance = (balances.get(event.stream) ?? beginning) + signed(event)
    balances.set(event.stream, balance)
    if (balance < 0) report(`overdrawn: ${event.stream} is at ${balance} at position ${event.position}`)
  }
}

/** The events of each command in the log: none, or once all that it decides. */
const checkEffects = (log: ReadonlyArray<Event>, commands: ReadonlyMap<string, Command>, report: Report): void => {
  for (const [token, events] of groupBy(log, ({ token }) => token)) {
    const command = commands.get(token)
    const found = events.map((event) => `${event.type} ${event.amount} ${event.stream}`).sort()
    const { amount, from, kind, to } = command ?? { amount: 0, from: "", kind: "unknown" as const, to: "" }
    const expected = {
      unknown: [],
      deposit: [`Deposited ${amount} Account-${from}`],
      withdraw: [`Withdrawn ${amount} Account-${from}`],
      transfer: [`Deposited ${amount} Account-${to}`, `Withdrawn ${amount} Account-${from}`]
    }[kind]
    if (JSON.stringify(found) !== JSON.stringify(expected)) {
      report(
        `doubled or torn: ${kind} ${token} has ${events.map(placeOf).join(", ")}, and decides ${expected.join(", ")}`
      )
    }
  }
}

/** Every receipt is in the log, all receipts of a command are one, and what was refused is not in the log. */
const checkAnswers = (lines: ReadonlyArray<Line>, log: ReadonlyArray<Event>, report: Report): void => {
  const places = new Map(log.map((event) => [placeOf(event), event]))
  const recorded = groupBy(log, ({ token }) => token)
  const first = new Map<string, { readonly events: string; readonly at: number; readonly isRepeated: boolean }>()
  for (const line of lines.toSorted((a, b) => a.at - b.at)) {
    if (line._tag === "Unexpected") report(`unexpected: ${line.token}: ${line.error}`)
    if (line._tag === "Refused") {
      const earlier = first.get(line.token)
      if (earlier !== undefined && earlier.at < line.sentAt) {
        report(`repeat: ${line.token} was refused (${line.error}) after it had a receipt`)
      }
      const isNamed = lines.some((one) => one._tag === "Sent" && one.command.token === line.token && one.command.hasId)
      if (!isNamed && recorded.has(line.token))
        report(`invented: ${line.token} was refused (${line.error}) and is in the log`)
    }
    if (line._tag !== "Receipt") continue
    if (line.events.length !== (recorded.get(line.token)?.length ?? 0)) {
      report(
        `lost: the receipt of ${line.token} has ${line.events.length} events, the log ${recorded.get(line.token)?.length ?? 0}`
      )
    }
    for (const event of line.events) {
      const stored = places.get(placeOf(event))
      if (stored === undefined)
        report(`lost: ${line.token} has a receipt for ${placeOf(event)}, which is not in the log`)
      else if (!same(event, stored)) {
        report(
          `changed: the receipt of ${line.token} has ${keyed(event).join(" ")}, the log has ${keyed(stored).join(" ")}`
        )
      }
    }
    const events = JSON.stringify(line.events.map((event) => keyed(event).join(" ")).sort())
    const earlier = first.get(line.token)
    if (earlier === undefined) first.set(line.token, { events, at: line.at, isRepeated: line.isRepeated })
    else {
      if (earlier.events !== events)
        report(`repeat: two receipts of ${line.token} differ: ${earlier.events} and ${events}`)
      if (!line.isRepeated && !earlier.isRepeated)
        report(`doubled: two receipts of ${line.token} say that they are the first`)
    }
  }
}

/** A command that began after another had its receipt comes later in a stream that both wrote. */
const checkOrder = (lines: ReadonlyArray<Line>, log: ReadonlyArray<Event>, report: Report): void => {
  const sent = new Map<string, number>()
  const ended = new Map<string, number>()
  for (const line of lines) {
    if (line._tag === "Sent") {
      const { token } = line.command
      sent.set(token, Math.min(line.at, sent.get(token) ?? Infinity))
    } else if (line._tag === "Receipt") ended.set(line.token, Math.min(line.at, ended.get(line.token) ?? Infinity))
  }
  for (const [stream, events] of groupBy(log, ({ stream }) => stream)) {
    // From the last version to the first: the earliest receipt of a later version must not lie before the command was sent.
    let earliest = { at: Infinity, version: 0 }
    for (const { token, version } of events.toReversed()) {
      if (earliest.at < (sent.get(token) ?? 0)) {
        report(`real time: ${stream} version ${version} was sent after version ${earliest.version} had its receipt`)
      }
      const at = ended.get(token) ?? Infinity
      if (at < earliest.at) earliest = { at, version }
    }
  }
}

/** Each follower has exactly the log, in its order. */
const checkFollowed = (remains: Remains, report: Report): void => {
  for (const [name, followed] of remains.followed) {
    const { log } = remains
    const i = Array.from({ length: Math.max(log.length, followed.length) }).findIndex((_, i) => {
      const [one, other] = [log[i], followed[i]]
      return one === undefined || other === undefined || !same(one, other)
    })
    if (i < 0) continue
    const text = (event: Event | undefined) => (event === undefined ? "nothing" : keyed(event).join(" "))
    report(
      `follower ${name}: event ${i + 1} is ${text(followed[i])}, in the log ${text(log[i])} (${followed.length} of ${log.length})`
    )
  }
}

/** The key of the record of an event's account. */
export const keyOf = ({ stream }: Event): string => stream.slice("Account-".length)

/** Each view has applied each event once, in order. */
const checkRecords = (remains: Remains, report: Report): void => {
  for (const [view, records] of remains.records) {
    const expected = new Map<string, Seen>()
    for (const event of remains.log) {
      const key = view === "Total" ? "all" : keyOf(event)
      const mark = view === "InlineBalances" ? event.version : event.position
      expected.set(key, see(expected.get(key), signed(event), mark))
    }
    const text = (seen: Seen | undefined) =>
      seen === undefined ? "nothing" : `${seen.balance} ${seen.count} ${seen.digest}`
    for (const key of new Set([...expected.keys(), ...records.keys()])) {
      const [one, other] = [text(records.get(key)), text(expected.get(key))]
      if (one !== other) report(`view ${view}: ${key} is at ${one}, after the log at ${other}`)
    }
  }
}

/** Checks what a round has left behind. */
export const check = (remains: Remains) => {
  const { lines, log } = remains
  const { collected, report } = collecting()
  const commands = new Map(
    lines.flatMap((line) => (line._tag === "Sent" ? [[line.command.token, line.command] as const] : []))
  )
  checkLog(log, report)
  checkEffects(log, commands, report)
  checkAnswers(lines, log, report)
  checkOrder(lines, log, report)
  checkFollowed(remains, report)
  checkRecords(remains, report)
  const receipts = lines.filter((line) => line._tag === "Receipt")
  return {
    problems: collected(),
    figures: {
      commands: commands.size,
      transfers: [...commands.values()].filter(({ kind }) => kind === "transfer").length,
      sent: lines.filter(({ _tag }) => _tag === "Sent").length,
      receipts: receipts.length,
      repeats: receipts.filter(({ isRepeated }) => isRepeated).length,
      refused: lines.filter(({ _tag }) => _tag === "Refused").length,
      open: lines.filter(({ _tag }) => _tag === "Open").length,
      events: log.length
    }
  }
}
