/** Checks what a round has left behind. Pure: a list of problems, and figures. */
import { collecting, type Report } from "../rounds/report.ts"
import { checkGroups } from "./checkGroups.ts"
import { checkOrders } from "./checkOrders.ts"
import { type Fact, index, type Remains } from "./facts.ts"

interface Timed {
  readonly timerId: string
}
interface Sent {
  readonly commandId: string
}

/** A process has taken each event once, sent each command once, had an answer to each, and has ended. */
const checkProcess = (stream: string, facts: ReadonlyArray<Fact>, timers: Timers, report: Report): void => {
  const steps = facts.filter(({ type }) => type === "Stepped").map(({ data }) => data)
  const causes = new Set<string>()
  const sent = new Set<string>()
  const answered: Array<string> = facts.flatMap(({ data, type }) =>
    type === "Settled" ? (data["commandIds"] as ReadonlyArray<string>) : []
  )
  for (const [i, { cause, sends, step, timers: set }] of steps.entries()) {
    if (step !== i + 1) report(`steps: ${stream}: step ${String(step)} comes in the place ${i + 1}`)
    const { _tag, commandId, eventId, part, timerId } = cause as Readonly<Record<string, string>>
    const name = [_tag, commandId, eventId, part, timerId].join(" ")
    if (causes.has(name)) report(`steps: ${stream}: ${name} has caused two steps`)
    causes.add(name)
    if (commandId !== undefined) answered.push(commandId)
    for (const { commandId } of sends as ReadonlyArray<Sent>) {
      if (sent.has(commandId)) report(`commands: ${stream} has sent ${commandId} twice`)
      sent.add(commandId)
    }
    for (const { timerId } of set as ReadonlyArray<Timed>) {
      const ends = timers.get(timerId)
      if (ends?.length !== 2) report(`timers: ${timerId} of ${stream} is ${ends?.join() ?? "not set"}`)
    }
  }
  for (const id of sent) {
    const count = answered.filter((each) => each === id).length
    if (count !== 1) report(`commands: ${id} of ${stream} has ${count} answers`)
  }
  if (steps.at(-1)?.["ends"] !== true) report(`stranded: ${stream} has not ended`)
}

/** The types of the events of each timer: set, and then fired or cancelled. */
type Timers = ReadonlyMap<string, ReadonlyArray<string>>

/** One handling has one effect: it records one event of a type in a stream. */
const checkOnce = (log: ReadonlyArray<Fact>, report: Report): void => {
  const seen = new Set<string>()
  for (const { cause, stream, type } of log) {
    if (stream.startsWith("Process_")) continue
    const name = `${type} in ${stream} because of ${cause}`
    if (seen.has(name)) report(`twice: ${name}`)
    seen.add(name)
  }
}

export const check = (remains: Remains) => {
  const { collected, report } = collecting()
  const { log, reactions, script, waiting } = remains
  const all = index(log)
  const timers = new Map(
    [...Map.groupBy(log, ({ stream }) => stream)].flatMap(([stream, facts]) =>
      stream.startsWith("Hexfold_Timer-")
        ? [[stream.slice("Hexfold_Timer-".length), facts.map(({ type }) => type)] as const]
        : []
    )
  )
  for (const [process, keys] of [
    ["Fulfilment", script.orders],
    ["GroupCheckOut", script.groups]
  ] as const) {
    for (const { id } of keys) {
      const stream = `Process_${process}-${id}`
      checkProcess(stream, all.of(stream), timers, report)
    }
  }
  checkOnce(log, report)
  if (waiting > 0) report(`stranded: ${waiting} timers wait`)
  for (const { deadLetters, lag, name, unownedParts } of reactions) {
    if (lag > 0) report(`stranded: ${name} has ${lag} events before it`)
    if (deadLetters > 0) report(`stranded: ${name} has ${deadLetters} dead letters`)
    if (unownedParts > 0) report(`stranded: ${name} has ${unownedParts} parts without an owner`)
  }
  const figures = { ...checkOrders(remains, all, report), ...checkGroups(remains, all, report) }
  const steps = log.filter(({ type }) => type === "Stepped").length
  return { problems: collected(), figures: { ...figures, events: log.length, steps } }
}
