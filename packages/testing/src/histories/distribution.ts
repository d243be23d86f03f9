/** How often each command, error and event occurs in generated histories. */
import { type AnyAggregate, type AnyBoundary, isBoundary, type Run, tagOf } from "./world.ts"

/** What came of the commands with one tag. */
export interface CommandCount {
  /** Accepted with at least one event. */
  readonly accepted: number
  /** Accepted without an event. */
  readonly nothing: number
  readonly rejected: number
  /** What an executor refuses: two roles that write to one stream, or too many participants. */
  readonly refused: number
}

/**
 * How often each command, error and event occurs in histories. Names are those of the aggregate or boundary and a tag. In
 * the histories of a process, the commands that it sends count too.
 */
export interface Distribution {
  readonly histories: number
  readonly steps: number
  readonly commands: Readonly<Record<string, CommandCount>>
  readonly errors: Readonly<Record<string, number>>
  readonly events: Readonly<Record<string, number>>
  /** The commands that no history accepts, and the errors and events that none has. */
  readonly never: ReadonlyArray<string>
  /** The same as a table. */
  readonly toString: () => string
}

/** Counts what happens in histories. */
export interface Counter {
  readonly add: (run: Run) => void
  readonly result: () => Distribution
}

export const counter = (targets: ReadonlyArray<AnyAggregate | AnyBoundary>): Counter => {
  const commands = new Map<string, { -readonly [Key in keyof CommandCount]: number }>()
  const errors = new Map<string, number>()
  const events = new Map<string, number>()
  for (const target of targets) {
    if (isBoundary(target)) commands.set(target.name, none())
    else {
      for (const tag of target.schemas.commands.keys()) commands.set(`${target.name}.${tag}`, none())
      for (const tag of target.schemas.events.keys()) events.set(`${target.name}.${tag}`, 0)
    }
    const declared = isBoundary(target) ? target.errors : target.schemas.errors
    for (const tag of declared.keys()) errors.set(`${target.name}.${tag}`, 0)
  }
  let histories = 0
  let steps = 0
  const count = (counts: Map<string, number>, name: string) => counts.set(name, (counts.get(name) ?? 0) + 1)
  return {
    add: (run) => {
      histories++
      for (const { command, outcome, parts, target } of run.steps) {
        steps++
        const of = commands.get(isBoundary(target) ? target.name : `${target.name}.${command._tag}`)!
        if (outcome._tag === "Rejected") {
          of.rejected++
          count(errors, `${target.name}.${tagOf(outcome.error)}`)
        } else if (outcome._tag === "Accepted") {
          const isEmpty = parts.every((part) => part.events.length === 0)
          if (isEmpty) of.nothing++
          else of.accepted++
        } else of.refused++
      }
      for (const { event, source } of run.log) count(events, `${source.name}.${event._tag}`)
    },
    result: () => {
      const never = [
        ...Array.from(commands).flatMap(([name, { accepted }]) => (accepted === 0 ? [`the command ${name}`] : [])),
        ...Array.from(errors).flatMap(([name, times]) => (times === 0 ? [`the error ${name}`] : [])),
        ...Array.from(events).flatMap(([name, times]) => (times === 0 ? [`the event ${name}`] : []))
      ]
      const counted = {
        histories,
        steps,
        commands: Object.fromEntries(commands),
        errors: Object.fromEntries(errors),
        events: Object.fromEntries(events),
        never
      }
      return { ...counted, toString: () => table(counted) }
    }
  }
}

const none = () => ({ accepted: 0, nothing: 0, rejected: 0, refused: 0 })

const table = ({ commands, errors, events, histories, never, steps }: Omit<Distribution, "toString">): string => {
  const rows: ReadonlyArray<readonly [string, string]> = [
    ...Object.entries(commands).map(
      ([name, { accepted, nothing, refused, rejected }]) =>
        [
          name,
          `${accepted} accepted, ${nothing} without an event, ${rejected} rejected${refused === 0 ? "" : `, ${refused} refused`}`
        ] as const
    ),
    ...Object.entries(errors).map(([name, times]) => [name, `raised ${times} times`] as const),
    ...Object.entries(events).map(([name, times]) => [name, `recorded ${times} times`] as const)
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  return [
    `${histories} histories with ${steps} commands`,
    ...rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`),
    ...(never.length === 0 ? [] : [`Never seen: ${never.join(", ")}`])
  ].join("\n")
}
