/** The aggregate that a process is when it runs: it decides its steps, and nothing else changes it. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Aggregate from "../../../domain/Aggregate.ts"
import * as Decision from "../../../domain/Decision.ts"
import {
  declarationOf,
  type Fact,
  type Instance,
  type Sending,
  type Stepped,
  type Waiting
} from "../../../domain/process/log.ts"
import type { Any, Ignored, Step } from "../../../domain/process/Process.ts"
import type { StreamId } from "../../../domain/StreamId.ts"
import { memoized } from "../../../internal/memoized.ts"
import * as DerivedIds from "../../commands/derivedIds.ts"
import * as Decoding from "../../views/decoding.ts"
import { codecOf } from "./targets.ts"

/** A recorded event in the form that the store keeps. A program with other versions of events repeats the same command. */
const Recorded = Schema.Struct({
  streamId: Schema.String,
  version: Schema.Int,
  position: Schema.Int,
  id: Schema.String,
  type: Schema.String,
  schemaVersion: Schema.Int,
  data: Schema.Json,
  metadata: Schema.Json,
  recordedAt: Schema.Int,
  imported: Schema.Boolean
})

/** Takes an event. */
const Advance = Schema.TaggedStruct("Advance", { recorded: Recorded, part: Schema.Int })

/** Takes the rejection of a command. `handling` names what new commands are sent for, and `at` is its time. */
const Reject = Schema.TaggedStruct("Reject", {
  key: Schema.String,
  commandId: Schema.String,
  error: Schema.Json,
  handling: Schema.String,
  at: Schema.Int
})

/** Takes a timeout. `handling` names what new commands are sent for, and `at` is the time of the timeout. */
const Expire = Schema.TaggedStruct("Expire", {
  key: Schema.String,
  timerId: Schema.String,
  handling: Schema.String,
  at: Schema.Int
})

/** Takes note of what was done. */
const Settle = Schema.TaggedStruct("Settle", {
  commandIds: Schema.Array(Schema.String),
  timerIds: Schema.Array(Schema.String)
})

/** What a process is given. */
export type Input = typeof Advance.Type | typeof Expire.Type | typeof Reject.Type | typeof Settle.Type

/** A process that runs. */
export type Machine = Aggregate.Aggregate<string, string, Instance<unknown>, Input, Fact<unknown>, never>

/** The machine of a process. It is made once for each. */
export const of = (process: Any): Machine => memoized(machines, process, () => make(process))

const machines = new WeakMap<object, unknown>()

const make = (process: Any): Machine => {
  const { decode } = Decoding.of(process)
  const targets = new Map(process.targets.map((target) => [target.name, codecOf(target)]))

  /** The facts of a step. Nothing for a step that is to be ignored. */
  const facts = (
    step: Step<unknown, string, string> | Ignored,
    before: Instance<unknown>,
    cause: Stepped<unknown>["cause"],
    handling: string,
    at: number
  ) => {
    if (step._tag === "Ignored") return Decision.nothing
    const number = before.step + 1
    const sends: Array<Sending> = []
    const timers: Array<Waiting> = []
    const cancels = new Set<string>()
    const takeBack = (isMeant: (waiting: Waiting) => boolean) => {
      for (const waiting of before.waiting) if (isMeant(waiting)) cancels.add(waiting.timerId)
    }
    for (const output of step.outputs) {
      switch (output._tag) {
        case "Send": {
          const commandId = `${handling}:${number}.${sends.length}`
          sends.push({ commandId, target: output.to, ...targets.get(output.to)!.encode(output.id, output.command) })
          break
        }
        case "Timeout": {
          takeBack(({ name }) => name === output.name)
          const again = timers.findIndex(({ name }) => name === output.name)
          const time = "after" in output.at ? at + Duration.toMillis(output.at.after) : output.at.time.epochMilliseconds
          const timerId = `${handling}:${number}.${output.name}`
          timers.splice(again < 0 ? timers.length : again, 1, {
            timerId,
            name: output.name,
            at: DateTime.makeUnsafe(time)
          })
          break
        }
        case "Cancel": {
          takeBack(({ name }) => name === output.name)
          const asked = timers.findIndex(({ name }) => name === output.name)
          if (asked >= 0) timers.splice(asked, 1)
        }
      }
    }
    if (step.ends) {
      takeBack(() => true)
      timers.length = 0
    }
    const { state } = step
    return Decision.accept({
      _tag: "Stepped" as const,
      step: number,
      cause,
      state,
      sends,
      timers,
      cancels: [...cancels],
      ends: step.ends
    })
  }

  return Aggregate.make(process.log.name, {
    ...declarationOf(process.definition.state, process.definition.initial),
    commands: [Advance, Expire, Reject, Settle],
    decide: {
      Advance: ({ part, recorded }, instance) => {
        if (instance.status === "ended") return Decision.nothing
        const { position, recordedAt, streamId } = recorded
        const decoded = decode({
          ...recorded,
          streamId: streamId as StreamId,
          metadata: recorded.metadata as never,
          recordedAt: DateTime.makeUnsafe(recordedAt)
        })
        // It was decoded before it was given to the process.
        const { envelope, event } = Result.getOrThrow(decoded).parts[part]!
        const handler = process.handlers.on(event, envelope)
        if (handler === undefined) return Decision.nothing
        const cause = {
          _tag: "Event" as const,
          stream: streamId,
          version: recorded.version,
          type: recorded.type,
          eventId: recorded.id,
          part
        }
        const handling = DerivedIds.nameOf({ consumer: process.name, position, eventId: recorded.id, part })
        return facts(handler.react(instance.state, event, envelope), instance, cause, handling, recordedAt)
      },

      // A timer that fires late, after the process has ended or has taken it back, does nothing.
      Expire: ({ at, handling, key, timerId }, instance) => {
        const waiting = instance.waiting.find((each) => each.timerId === timerId)
        if (waiting === undefined || instance.status === "ended") return Decision.nothing
        const { name } = waiting
        const handler = process.handlers.onTimeout.get(name)
        if (handler === undefined) throw new Error(`${process.name} has no handler for the timeout ${name}`)
        const step = handler(instance.state, key)
        const cause = { _tag: "Timeout" as const, timerId, name }
        // The timeout is over, whatever the handler makes of it.
        const others = instance.waiting.filter((each) => each.timerId !== timerId)
        return facts(stepOf(step, instance), { ...instance, waiting: others }, cause, handling, at)
      },

      Reject: ({ at, commandId, error, handling, key }, instance) => {
        const sent = instance.sending.find((each) => each.commandId === commandId)
        if (sent === undefined) return Decision.nothing
        const { command, id, target } = sent
        const decoded = targets.get(target)!.decodeError(error)
        const handler = process.handlers.onRejected.get(decoded._tag)
        if (handler === undefined) throw new Error(`${process.name} has no handler for the error ${decoded._tag}`)
        const step = handler(instance.state, decoded, { key, command, id, target })
        const cause = { _tag: "Rejection" as const, commandId, target, error }
        // The command has its answer, whatever the handler makes of it.
        return facts(stepOf(step, instance), instance, cause, handling, at)
      },

      Settle: ({ commandIds, timerIds }, { cancelling, sending, setting }) => {
        const open = new Set(sending.map(({ commandId }) => commandId))
        const unset = new Set([...setting.map(({ timerId }) => timerId), ...cancelling])
        const settled = {
          _tag: "Settled" as const,
          commandIds: commandIds.filter((id) => open.has(id)),
          timerIds: timerIds.filter((id) => unset.has(id))
        }
        return settled.commandIds.length + settled.timerIds.length === 0 ? Decision.nothing : Decision.accept(settled)
      }
    }
  }) as unknown as Machine
}

/** The step that is recorded where something has happened that must not happen again, even if the handler ignores it. */
const stepOf = (step: Step<unknown, string, string> | Ignored, { state, status }: Instance<unknown>) =>
  step._tag === "Ignored" ? { _tag: "Step" as const, state, outputs: [], ends: status === "ended" } : step
