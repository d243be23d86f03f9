/** Runs a process: takes its events, sends what its steps have recorded, and records the answers. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import type { InvalidKey } from "../../../domain/errors.ts"
import type { Instance, Ordered, Sending } from "../../../domain/process/log.ts"
import type { Any } from "../../../domain/process/Process.ts"
import { type Fired, Timer } from "../../../domain/process/timers.ts"
import type { Tagged } from "../../../domain/tagged.ts"
import type { Envelope } from "../../../domain/view/definition.ts"
import { EventStore, type RecordedEvent } from "../../../ports/EventStore.ts"
import * as DerivedIds from "../../commands/derivedIds.ts"
import * as Executor from "../../commands/Executor.ts"
import type { Receipt } from "../../commands/Receipt.ts"
import * as StateCache from "../../commands/StateCache.ts"
import type { Reaction } from "../consuming/reaction.ts"
import * as Machine from "./machine.ts"
import { keptOf, pastOf } from "./past.ts"
import { codecOf, execute, isTagged } from "./targets.ts"

/** A process as the engine sees it, with the stores of the context. */
export const reactionOf = (process: Any): Effect.Effect<Reaction, never, EventStore> =>
  Effect.contextWith((context: Context.Context<EventStore>) => {
    const { imported, log, onPoison } = process
    const handle = handleOf(process)
    return Effect.succeed({
      consumer: process,
      orders: log.name,
      onPoison,
      retry: undefined,
      reactsToImported: imported === "react",
      handle: (...given) =>
        Effect.updateContext(handle(...given), (inner: Context.Context<never>) => Context.merge(context, inner))
    })
  })

type Handle = (...given: Parameters<Reaction["handle"]>) => Effect.Effect<unknown, unknown, EventStore>

/**
 * Handles an event of a process.
 *
 * Why a crash between any two steps has no second effect. (1) The step is recorded under the id of the handling, before
 * its commands go out: the same event never advances the process twice. (2) The ids of its commands are recorded with it:
 * a command that is sent again is answered with its first receipt. (3) What has no answer yet is part of the state of the
 * process. The next owner handles the event again, and sends only these commands.
 */
const handleOf = (process: Any): Handle => {
  const machine = Machine.of(process)
  const targets = new Map(process.targets.map((target) => [target.name, target]))
  // Mostly nobody but the owner changes the stream of a process, so its states are known from one step to the next. A former
  // owner and an operator may append, too: then the version differs, and the stream is read.
  const cache = StateCache.make({ capacity: knownProcesses })
  // A process gets only events of its own sources.
  const keysOf = process.keysOf as (
    ...given: ReadonlyArray<unknown>
  ) => Result.Result<ReadonlyArray<string>, InvalidKey>

  return (event, envelope, recorded) =>
    Effect.gen(function* () {
      const [key] = yield* Effect.fromResult(keysOf(event, envelope))
      if (key === undefined) return
      const { eventId, part, position, recordedAt } = envelope
      const handling = DerivedIds.nameOf({ consumer: process.name, position, eventId, part })
      const fired = firedOf(event, envelope)
      const at = fired?.at ?? recordedAt.epochMilliseconds
      const isOrder = envelope.aggregate === process.log.name
      const input = isOrder
        ? yield* obeyOf(event as Ordered, recorded, { key, handling, at })
        : fired === undefined
          ? { _tag: "Advance" as const, recorded: keptOf(recorded), part }
          : expireOf(fired, { key, handling })
      const receipt = yield* given(key, input, `${handling}:step`)
      // An order that asks for no step does not send what is open: that is for the events that wait.
      if (isOrder && receipt.events.length === 0) return
      yield* settle(key, yield* instanceAfter(key, receipt), handling, at)
      // What it notes about answers differs from one repetition to the next, so it has no id.
    }).pipe(Effect.provideService(DerivedIds.Current, undefined))

  function given(key: string, input: Machine.Input, commandId?: string) {
    const options = commandId === undefined ? undefined : { commandId }
    return Executor.execute(machine, key, input, options).pipe(Effect.provideService(StateCache.Current, cache))
  }

  /** Gives the input to the process, and gives the process after it. */
  function advance(
    key: string,
    input: Machine.Input,
    commandId?: string
  ): Effect.Effect<Instance<unknown>, unknown, EventStore> {
    return Effect.flatMap(given(key, input, commandId), (receipt) => instanceAfter(key, receipt))
  }

  function instanceAfter(key: string, { repeated, streamId, version }: Receipt<unknown>) {
    return Effect.flatMap(EventStore, (store) => {
      const known = repeated ? undefined : cache(store).get(streamId, machine)
      return known !== undefined && known.version >= version
        ? Effect.succeed(known.state as Instance<unknown>)
        : Effect.map(Executor.load(machine, key), ({ state }) => state)
    })
  }

  function obeyOf(
    { _tag, ...order }: Ordered,
    { id: eventId, version }: RecordedEvent,
    given: { readonly key: string; readonly handling: string; readonly at: number }
  ): Effect.Effect<Machine.Input, unknown, EventStore> {
    const obey = { _tag: "Obey" as const, ...given, eventId, order }
    if (order.order !== "restart") return Effect.succeed(obey)
    return Effect.map(pastOf(process, given.key, order.step ?? 0, version), (past) => ({ ...obey, past }))
  }

  /** Sends what has no answer, until nothing is left. A rejection is a step, which may send more. */
  function settle(
    key: string,
    stepped: Instance<unknown>,
    handling: string,
    at: number
  ): Effect.Effect<void, unknown, EventStore> {
    return Effect.gen(function* () {
      let instance = stepped
      for (;;) {
        const { cancelling, sending, setting } = instance
        if (sending.length + setting.length + cancelling.length === 0) return
        yield* Effect.forEach(setting, ({ at, name, timerId }) =>
          Executor.execute(Timer, timerId, {
            _tag: "SetTimer",
            at: at.epochMilliseconds,
            for: { _tag: "Timeout", process: process.name, key, name }
          })
        )
        yield* Effect.forEach(cancelling, (timerId) => Executor.execute(Timer, timerId, { _tag: "CancelTimer" }))
        const timerIds = [...setting.map(({ timerId }) => timerId), ...cancelling]
        const groups = [...Map.groupBy(sending, ({ id, target }) => `${target} ${JSON.stringify(id)}`).values()]
        const answers = yield* Effect.forEach(groups, (group) => Effect.forEach(group, answerOf), {
          concurrency: atOnce
        })
        const all = answers.flat()
        const accepted = all.filter(({ _tag }) => _tag === "Accepted").map(({ commandId }) => commandId)
        if (accepted.length + timerIds.length > 0) {
          instance = yield* advance(key, { _tag: "Settle", commandIds: accepted, timerIds })
        }
        for (const answer of all) {
          if (answer._tag !== "Rejected") continue
          const { commandId, error } = answer
          const rejected = { _tag: "Reject" as const, key, commandId, error, handling, at }
          instance = yield* advance(key, rejected, `${commandId}:rejected`)
        }
        // The answers of the others are recorded, so only this command is sent again.
        const failed = all.find(({ _tag }) => _tag === "Failed")
        if (failed?._tag === "Failed") return yield* Effect.fail(failed.cause)
      }
    })
  }

  /** Sends a command. A command that fails for another reason than the domain's has no answer yet. */
  function answerOf({ command, commandId, id, target: name }: Sending): Effect.Effect<Answer, never, EventStore> {
    const target = targets.get(name)
    if (target === undefined) {
      const detail = `${process.name} has recorded a command to ${name}, which is not among its targets any more`
      return Effect.succeed({ _tag: "Failed", commandId, cause: new Error(detail) })
    }
    const { encodeError } = codecOf(target)
    return execute(target, id, command, { commandId }).pipe(
      Effect.as<Answer>({ _tag: "Accepted", commandId }),
      Effect.catchCause((cause): Effect.Effect<Answer> => {
        if (Cause.hasInterruptsOnly(cause)) return Effect.failCause(cause as Cause.Cause<never>)
        const failure = Cause.squash(cause)
        const error = isTagged(failure) ? encodeError(failure) : undefined
        return Effect.succeed(
          error === undefined ? { _tag: "Failed", commandId, cause: failure } : { _tag: "Rejected", commandId, error }
        )
      })
    )
  }
}

/** The timeout that an event is, if it is one. */
const firedOf = (event: Tagged, { aggregate, id }: Envelope<string, unknown>): Expired | undefined =>
  aggregate === Timer.name ? { timerId: String(id), at: (event as Fired).at } : undefined

interface Expired {
  readonly timerId: string
  readonly at: number
}

const expireOf = ({ at, timerId }: Expired, given: { readonly key: string; readonly handling: string }) => ({
  _tag: "Expire" as const,
  ...given,
  timerId,
  at
})

/** The answer to a command. */
type Answer =
  | { readonly _tag: "Accepted"; readonly commandId: string }
  | { readonly _tag: "Rejected"; readonly commandId: string; readonly error: Schema.Json }
  | { readonly _tag: "Failed"; readonly commandId: string; readonly cause: unknown }

// The states of so many processes are in memory, those that were used last.
const knownProcesses = 4_096

// So many targets get commands of one process at once.
const atOnce = 16
