/** The aggregate that a process is when it runs: it decides its steps, and nothing else changes it. */
import * as DateTime from "effect/DateTime"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Aggregate from "../../../domain/Aggregate.ts"
import * as Decision from "../../../domain/Decision.ts"
import {
  declarationOf,
  type Fact,
  orderFields,
  type Instance,
  type Sending,
  type Stepped,
  type Waiting
} from "../../../domain/process/log.ts"
import type { Any, Ignored, Step } from "../../../domain/process/Process.ts"
import { timeOf } from "../../../domain/process/times.ts"
import { memoized } from "../../../internal/memoized.ts"
import * as DerivedIds from "../../commands/derivedIds.ts"
import * as Decoding from "../../views/decoding.ts"
import * as Orders from "./orders.ts"
import { Past, Recorded, recordedOf } from "./past.ts"
import { codecOf } from "./targets.ts"

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

/** Takes note of an order of an operator. */
const Give = Schema.TaggedStruct("Give", { order: Schema.Struct(orderFields) })

/** Carries an order out. */
const Obey = Schema.TaggedStruct("Obey", {
  key: Schema.String,
  eventId: Schema.String,
  order: Schema.Struct(orderFields),
  /** What is taken again; it is there for a restart. */
  past: Schema.optionalKey(Past),
  handling: Schema.String,
  at: Schema.Int
})

/** What a process is given. */
export type Input =
  | typeof Advance.Type
  | typeof Expire.Type
  | typeof Give.Type
  | typeof Obey.Type
  | typeof Reject.Type
  | typeof Settle.Type

/** A process that runs. */
export type Machine = Aggregate.Aggregate<string, string, Instance<unknown>, Input, Fact<unknown>, never>

/** The machine of a process. It is made once for each. */
export const of = (process: Any): Machine => memoized(machines, process, () => make(process))

const machines = new WeakMap<object, unknown>()

const make = (process: Any): Machine => {
  const { decode } = Decoding.of(process)
  const targets = new Map(process.targets.map((target) => [target.name, codecOf(target)]))

  /** The facts of a step. Nothing for a step that is to be ignored. A restart takes back every timeout. */
  const facts = (
    step: Step<unknown, string, string> | Ignored,
    before: Instance<unknown>,
    cause: Stepped<unknown>["cause"],
    handling: string,
    at: number,
    restarted?: { readonly kept: ReadonlyArray<Sending> }
  ) => {
    if (step._tag === "Ignored") return Decision.nothing
    const number = before.step + 1
    const sends: Array<Sending> = []
    const timers: Array<Waiting> = []
    const cancels = new Set<string>()
    const takeBack = (isMeant: (waiting: Waiting) => boolean) => {
      for (const waiting of before.waiting) if (isMeant(waiting)) cancels.add(waiting.timerId)
    }
    if (restarted !== undefined) takeBack(() => true)
    for (const output of step.outputs) {
      switch (output._tag) {
        case "Send": {
          const sent = { target: output.to, ...targets.get(output.to)!.encode(output.id, output.command) }
          const commandId = restarted && Orders.keptIdOf(restarted.kept, sends, sent)
          sends.push({ commandId: commandId ?? `${handling}:${number}.${sends.length}`, ...sent })
          break
        }
        case "Timeout": {
          takeBack(({ name }) => name === output.name)
          const again = timers.findIndex(({ name }) => name === output.name)
          const time = timeOf(output.at, at)
          if (Result.isFailure(time)) throw new Error(`${process.name}: the timeout ${output.name}: ${time.failure}`)
          const timerId = `${handling}:${number}.${output.name}`
          timers.splice(again < 0 ? timers.length : again, 1, {
            timerId,
            name: output.name,
            at: DateTime.makeUnsafe(time.success)
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

  /** The step that is taken again, by the present program. */
  const redone = ({ cause, before }: Past, key: string): Orders.Redone => {
    const state = before === undefined ? process.definition.initial : Orders.stateOf(process.log, recordedOf(before))
    switch (cause._tag) {
      case "Event": {
        const { envelope, event } = Result.getOrThrow(decode(recordedOf(cause.recorded))).parts[cause.part]!
        return { state, step: process.handlers.on(event, envelope)?.react(state, event, envelope) }
      }
      case "Timeout":
        return { state, step: process.handlers.onTimeout.get(cause.name)?.(state, key) }
      case "Rejection": {
        const { command, id, target } = cause.sent
        const error = targets.get(target)?.decodeError(cause.error)
        const handler = error && process.handlers.onRejected.get(error._tag)
        return { state, step: handler?.(state, error!, { key, command, id, target }) }
      }
    }
  }

  return Aggregate.make(process.log.name, {
    ...declarationOf(process.definition.state, process.definition.initial),
    commands: [Advance, Expire, Give, Obey, Reject, Settle],
    decide: {
      Advance: ({ part, recorded }, instance) => {
        if (isOver(instance)) return Decision.nothing
        const { position, recordedAt, streamId } = recorded
        const decoded = decode(recordedOf(recorded))
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
        if (waiting === undefined || isOver(instance)) return Decision.nothing
        const { name } = waiting
        const handler = process.handlers.onTimeout.get(name)
        if (handler === undefined) throw new Error(`${process.name} has no handler for the timeout ${name}`)
        const step = handler(instance.state, key)
        const cause = { _tag: "Timeout" as const, timerId, name }
        // The timeout is over, whatever the handler makes of it.
        const others = instance.waiting.filter((each) => each.timerId !== timerId)
        return facts(stepOf(step, instance), { ...instance, waiting: others }, cause, handling, at)
      },

      Give: ({ order }, instance) =>
        Orders.isMeant(order, instance) ? Decision.accept({ _tag: "Ordered" as const, ...order }) : Decision.nothing,

      Obey: ({ at, eventId, handling, key, order, past }, instance) => {
        if (past === undefined) return Orders.obeyed(order.order, instance, eventId, handling)
        const { state, step } = redone(past, key)
        if (step === undefined) throw new Error(`${process.name} has no handler any more for what has caused the step`)
        const cause = { _tag: "Order" as const, order: order.order, eventId, step: past.step }
        const kept = order.commands === "once" ? past.sends : []
        return facts(stepOf(step, { state, status: "running" }), instance, cause, handling, at, { kept })
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
const stepOf = (
  step: Step<unknown, string, string> | Ignored,
  { state, status }: Pick<Instance<unknown>, "state" | "status">
) => (step._tag === "Ignored" ? { _tag: "Step" as const, state, outputs: [], ends: status === "ended" } : step)

const isOver = ({ status }: Instance<unknown>): boolean => status === "ended" || status === "cancelled"
