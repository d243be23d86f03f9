/** Plays a process without a store: it takes what happens, and decides its steps. */
import type { EventStore, Process, View } from "@hexfold/core"
import { ProcessMachine } from "@hexfold/core/adapter"
import { Result, type Schema } from "effect"
import { frozen } from "../histories/frozen.ts"
import { printed, thrownText } from "../histories/printed.ts"
import type { AnyAggregate, AnyBoundary, Logged, Tagged } from "../histories/world.ts"

type Instance = Process.Instance<unknown>
export type Stepped = Process.Stepped<unknown>
export type Fact = Process.Fact<unknown>

/** An event of a source, as a store has recorded it. */
export interface Happened extends Logged {
  readonly _tag: "Event"
  readonly recorded: EventStore.RecordedEvent
  readonly envelope: View.Envelope<string, unknown>
}

/** The time of a timeout. */
interface TimeCome {
  readonly _tag: "Timeout"
  readonly name: string
}

/** What happens to a process. */
export type Happening = Happened | TimeCome

/** A command that was rejected. */
interface Rejected {
  readonly _tag: "Rejection"
  readonly sending: Process.Sending
  readonly error: Tagged
}

/** What came of a command. */
export type Answer =
  | { readonly _tag: "Accepted" }
  | { readonly _tag: "Rejected"; readonly error: Tagged }
  | { readonly _tag: "Failed"; readonly why: string }

/** What a process has decided of something: a step, or nothing. */
export interface Move {
  readonly cause: Happening | Rejected
  readonly before: Instance
  readonly step: Stepped | undefined
  readonly after: Instance
  /** Nothing has come of it, because the process cannot go on. */
  readonly isOpen?: true
}

/** What has become of a process so far. */
export interface Played {
  readonly key: string
  readonly instance: Instance
  readonly moves: ReadonlyArray<Move>
  /** The events of its own stream. */
  readonly facts: ReadonlyArray<Fact>
  readonly sent: ReadonlyArray<Process.Sending>
}

/** What a process does that no process may do. */
export interface Problem {
  readonly law: string
  readonly detail: string
  readonly cause?: unknown
}

/** Why a process cannot go on, and what has become of it until then. */
export interface Stuck extends Problem {
  readonly played: Played
}

/** A handler that is to be called, with what it is given besides the state. */
export interface Call {
  readonly of: "react" | "onRejected" | "onTimeout"
  /** What it is called with, for messages. */
  readonly what: string
  readonly value: Tagged | undefined
  /** The time from which a timeout is counted, in milliseconds. */
  readonly at: number
  readonly schema: Schema.Codec<unknown, unknown> | undefined
  readonly run: (state: unknown, value: Tagged | undefined) => Process.Step<unknown, string, string> | Process.Ignored
}

/** Looks at each handler before it decides. */
export type Inspect = (call: Call, move: Pick<Move, "before">) => Problem | undefined

type Target = AnyAggregate | AnyBoundary

/** A process that can be played. */
export interface Player {
  readonly begin: (key: string) => Played
  /** Takes something that happens, and all answers to what is sent then. */
  readonly take: (
    played: Played,
    happening: Happening,
    answerOf: (sending: Process.Sending, played: Played) => Answer,
    inspect?: Inspect
  ) => Result.Result<Played, Stuck>
}

/** What a process cannot go on with: so many answers follow from one event. */
const mostMoves = 100

/** The broken law where something throws that no other law is about. */
export const thrownBy = ({ name }: Process.Any, cause: unknown): Problem => ({
  law: "nothing throws",
  detail: `In a history of ${name}, this was thrown: ${thrownText(cause)}.`,
  cause
})

export const playerOf = (process: Process.Any): Player => {
  const machine = ProcessMachine.of(process)
  const codecs = new Map(process.targets.map((target) => [target.name, ProcessMachine.codecOf(target)]))

  const callOf = ({ key }: Played, cause: Happening | Rejected, at: number): Call | undefined => {
    switch (cause._tag) {
      case "Event": {
        const { envelope, event, source } = cause
        const handler = process.handlers.on(event, envelope)
        if (handler === undefined) return undefined
        return {
          of: "react",
          what: printed(event),
          value: event,
          at,
          schema: source.schemas.events.get(event._tag),
          run: (state, value) => handler.react(state, value!, frozen(envelope))
        }
      }
      case "Timeout": {
        const handler = process.handlers.onTimeout.get(cause.name)
        if (handler === undefined) return undefined
        const what = `the timeout ${cause.name}`
        return { of: "onTimeout", what, value: undefined, at, schema: undefined, run: (state) => handler(state, key) }
      }
      case "Rejection": {
        const { error, sending } = cause
        const handler = process.handlers.onRejected.get(error._tag)
        if (handler === undefined) return undefined
        const { command, id, target } = sending
        return {
          of: "onRejected",
          what: printed(error),
          value: error,
          at,
          schema: errorsOf(process.targets.find(({ name }) => name === target)).get(error._tag),
          run: (state, value) => handler(state, value!, frozen({ key, command, id, target }))
        }
      }
    }
  }

  const inputOf = (
    { instance, key }: Played,
    cause: Happening | Rejected,
    at: number
  ): ProcessMachine.Input | undefined => {
    switch (cause._tag) {
      case "Event": {
        const { data, metadata, recordedAt, ...place } = cause.recorded
        const recorded = { ...place, data, metadata: metadata as never, recordedAt: recordedAt.epochMilliseconds }
        return { _tag: "Advance", recorded: recorded as never, part: 0 }
      }
      case "Timeout": {
        const waiting = instance.waiting.find(({ name }) => name === cause.name)
        if (waiting === undefined) return undefined
        const { timerId } = waiting
        return { _tag: "Expire", key, timerId, handling: timerId, at: waiting.at.epochMilliseconds }
      }
      case "Rejection": {
        const { commandId, target } = cause.sending
        const error = codecs.get(target)?.encodeError(cause.error)
        if (error === undefined) return undefined
        return { _tag: "Reject", key, commandId, error, handling: commandId, at }
      }
    }
  }

  const decided = (instance: Instance, input: ProcessMachine.Input): Result.Result<ReadonlyArray<Fact>, Problem> =>
    Result.try({
      try: () => Result.getOrThrow(machine.decide(input, instance)) as ReadonlyArray<Fact>,
      catch: (cause): Problem => ({
        law: "every step can be recorded",
        detail: `${process.name} cannot record its step: ${thrownText(cause)}`,
        cause
      })
    })

  const evolved = (instance: Instance, facts: ReadonlyArray<Fact>): Instance =>
    facts.reduce<Instance>((before, fact) => machine.evolve(before, fact), instance)

  const moved = (
    played: Played,
    cause: Happening | Rejected,
    at: number,
    inspect: Inspect | undefined
  ): Result.Result<Played, Stuck> => {
    const { instance, moves, sent } = played
    const stuck = (problem: Problem): Stuck => {
      const open: Move = { cause, before: instance, step: undefined, after: instance, isOpen: true }
      return { ...problem, played: { ...played, moves: [...moves, open] } }
    }
    const isOver = instance.status === "ended" && cause._tag !== "Rejection"
    const found = Result.try({
      try: () => {
        const input = inputOf(played, cause, at)
        const call = input === undefined || isOver ? undefined : callOf(played, cause, at)
        return { input, call, problem: call && inspect?.(call, { before: instance }) }
      },
      catch: (thrown): Stuck => stuck(thrownBy(process, thrown))
    })
    if (Result.isFailure(found)) return Result.fail(found.failure)
    const { call, input, problem } = found.success
    if (input === undefined || call === undefined) {
      if (cause._tag !== "Rejection")
        return Result.succeed({
          ...played,
          moves: [...moves, { cause, before: instance, step: undefined, after: instance }]
        })
      const detail = `${cause.sending.target} has rejected a command with ${printed(cause.error)}, for which ${process.name} has no handler.`
      return Result.fail(stuck({ law: "every rejection has a handler", detail }))
    }
    if (problem !== undefined) return Result.fail(stuck(problem))
    return Result.map(Result.mapError(decided(instance, input), stuck), (facts) => {
      const [step] = facts.filter((fact) => fact._tag === "Stepped")
      const after = evolved(instance, facts)
      return {
        key: played.key,
        instance: after,
        facts: [...played.facts, ...facts],
        moves: [...moves, { cause, before: instance, step, after }],
        sent: [...sent, ...(step?.sends ?? [])]
      }
    })
  }

  return {
    begin: (key) => ({ key, instance: process.log.initial as Instance, moves: [], facts: [], sent: [] }),

    take: (played, happening, answerOf, inspect) =>
      Result.gen(function* () {
        const at =
          happening._tag === "Event" ? happening.recorded.recordedAt.epochMilliseconds : timeOf(played, happening)
        let now = yield* moved(played, happening, at, inspect)
        while (true) {
          const { cancelling, sending, setting } = now.instance
          if (sending.length + setting.length + cancelling.length === 0) return now
          if (now.moves.length - played.moves.length > mostMoves) {
            const detail = `After ${mostMoves} steps that follow from each other, ${process.name} still sends: the last one was ${printed(sending.at(-1)?.command)}.`
            return yield* Result.fail<Stuck>({ law: "the answers to commands come to an end", detail, played: now })
          }
          const before = now
          const answers = sending.map((each) => ({ sending: each, answer: answerOf(each, before) }))
          const failed = answers.find(({ answer }) => answer._tag === "Failed")
          if (failed?.answer._tag === "Failed") {
            const { command, target } = failed.sending
            const detail = `${process.name} has sent ${printed(command)} to ${target}: ${failed.answer.why}.`
            return yield* Result.fail<Stuck>({ law: "every command can be executed", detail, played: now })
          }
          const accepted = answers.filter(({ answer }) => answer._tag === "Accepted")
          const settled: Fact = {
            _tag: "Settled",
            commandIds: accepted.map((each) => each.sending.commandId),
            timerIds: [...setting.map(({ timerId }) => timerId), ...cancelling]
          }
          if (settled.commandIds.length + settled.timerIds.length > 0) {
            now = { ...now, instance: evolved(now.instance, [settled]), facts: [...now.facts, settled] }
          }
          for (const { answer, sending } of answers) {
            if (answer._tag !== "Rejected") continue
            now = yield* moved(now, { _tag: "Rejection", sending, error: answer.error }, at, inspect)
          }
        }
      })
  }
}

const timeOf = ({ instance }: Played, { name }: TimeCome): number =>
  instance.waiting.find((each) => each.name === name)?.at.epochMilliseconds ?? 0

/** The errors that a target declares. */
const errorsOf = (target: Process.Target | undefined): ReadonlyMap<string, Schema.Codec<unknown, unknown>> => {
  const known = target as unknown as Target | undefined
  if (known === undefined) return new Map()
  return "stages" in known ? known.errors : known.schemas.errors
}

/** The Schema of the state of a process. */
export const stateOf = ({ definition: { state } }: Process.Any): Schema.Codec<unknown, unknown> =>
  "versions" in state ? state.current : state
