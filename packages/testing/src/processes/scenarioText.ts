/** What has happened to a process, as the code of a scenario. */
import type { Process } from "@hexfold/core"
import { DateTime, Duration, Result } from "effect"
import { printed } from "../histories/printed.ts"
import { type AnyAggregate, type AnyBoundary, idOf, isBoundary } from "../histories/world.ts"
import type { Happened, Move, Played } from "./playing.ts"
import { decodedOf } from "./simulation.ts"

/** The events are given; what the last one, each timeout and each rejection lead to is said in full. */
export const scenarioOf = (process: Process.Any, { moves }: Played): string => {
  const lines = moves.flatMap((move, i) => {
    const { cause } = move
    switch (cause._tag) {
      case "Event":
        return i < moves.length - 1
          ? [`.given(${streamOf(cause)}, ${printed(cause.event)})`]
          : [`.when(${streamOf(cause)}, ${printed(cause.event)})`, ...thenOf(process, move)]
      case "Timeout":
        // The process no longer waits for this timeout, so a scenario cannot have it.
        return move.step === undefined && move.isOpen !== true
          ? []
          : [`.whenTimeout(${printed(cause.name)})`, ...thenOf(process, move)]
      case "Rejection":
        return [`.whenRejected(${cause.sending.target}, ${printed(cause.error)})`, ...thenOf(process, move)]
    }
  })
  return [`ProcessScenario.of(${process.name.slice("process/".length)})`, ...lines.map((line) => `  ${line}`)].join(
    "\n"
  )
}

const streamOf = (cause: Happened): string => `${cause.source.name}.at(${printed(idOf(cause))})`

const thenOf = (process: Process.Any, { before, cause, isOpen, step }: Move): ReadonlyArray<string> => {
  if (isOpen === true) return []
  if (step === undefined) return [".thenIgnored()"]
  const { cancels, ends, sends, state, timers } = step
  const from = cause._tag === "Event" ? DateTime.toEpochMillis(cause.recorded.recordedAt) : undefined
  const over = before.waiting.filter(({ timerId }) => cancels.includes(timerId)).map(({ name }) => name)
  const fields = [
    ...(sends.length === 0 ? [] : [`commands: [${sends.map((each) => sentOf(process, each)).join(", ")}]`]),
    `state: ${printed(state)}`,
    ...(timers.length === 0
      ? []
      : [`timeouts: { ${timers.map(({ at, name }) => `${nameOf(name)}: ${timeOf(at, from)}`).join(", ")} }`]),
    ...(over.length === 0 || ends ? [] : [`cancels: ${printed(over.toSorted())}`]),
    ...(ends ? ["ends: true"] : [])
  ]
  return [`.then({ ${fields.join(", ")} })`]
}

const timeOf = (at: DateTime.Utc, from: number | undefined): string =>
  from === undefined ? printed(at) : durationOf(DateTime.toEpochMillis(at) - from)

const durationOf = (millis: number): string => {
  const unit = units.find(([, size]) => millis !== 0 && millis % size === 0)
  return unit === undefined ? printed(Duration.millis(millis)) : printed(`${millis / unit[1]} ${unit[0]}`)
}

const units = [
  ["days", 86_400_000],
  ["hours", 3_600_000],
  ["minutes", 60_000],
  ["seconds", 1_000]
] as const

const sentOf = (process: Process.Any, sending: Process.Sending): string => {
  const target = process.targets.find(({ name }) => name === sending.target) as unknown as AnyAggregate | AnyBoundary
  const sent = decodedOf(target, sending)
  if (Result.isFailure(sent)) return printed(sending.command)
  const { command, id } = sent.success
  return `Process.send(${[target.name, ...(isBoundary(target) ? [] : [printed(id)]), printed(command)].join(", ")})`
}

const nameOf = (name: string): string => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name))
