/** What a process has recorded, for taking one of its steps again. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { type Cause, Send, StepHead } from "../../../domain/process/log.ts"
import type { Any } from "../../../domain/process/Process.ts"
import type { StreamId } from "../../../domain/StreamId.ts"
import type { EventStoreError } from "../../../ports/errors.ts"
import { EventStore, type RecordedEvent } from "../../../ports/EventStore.ts"
import { RestartRefused } from "../errors.ts"

/** A recorded event in the form that the store keeps. A program with other versions of events repeats the same command. */
export const Recorded = Schema.Struct({
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

/** What has caused a step, with all that a handler is given for it. */
const Redoing = Schema.Union([
  Schema.TaggedStruct("Event", { recorded: Recorded, part: Schema.Int }),
  Schema.TaggedStruct("Rejection", { sent: Send, error: Schema.Json }),
  Schema.TaggedStruct("Timeout", { name: Schema.String })
])

/** What is known of a step that is taken again. */
export const Past = Schema.Struct({
  /** The number of the step, or of the step that it has taken again itself. */
  step: Schema.Int,
  cause: Redoing,
  /** The step before it; undefined for the first one. */
  before: Schema.optionalKey(Recorded),
  /** The commands that were recorded with it, but for those that were rejected. */
  sends: Schema.Array(Send)
})

export type Past = typeof Past.Type

/** An event in the form in which a command takes it. What a store gives is JSON. */
export const keptOf = ({ metadata, recordedAt, ...place }: RecordedEvent): typeof Recorded.Type => ({
  ...place,
  metadata: metadata as never,
  data: place.data as never,
  recordedAt: recordedAt.epochMilliseconds
})

/** The event of a command, as the store has it. */
export const recordedOf = ({ metadata, recordedAt, streamId, ...place }: typeof Recorded.Type): RecordedEvent => ({
  ...place,
  streamId: streamId as StreamId,
  metadata: metadata as never,
  recordedAt: DateTime.makeUnsafe(recordedAt)
})

/** What is known of a step of a process, among the events of its stream before a version. */
export const pastOf = (
  process: Any,
  key: string,
  step: number,
  version: number
): Effect.Effect<Past, RestartRefused | EventStoreError, EventStore> =>
  Effect.gen(function* () {
    const store = yield* EventStore
    const streamOf = process.log.streamId as (id: string) => StreamId
    const refused = (detail: string) => new RestartRefused({ process: process.name, key, step, detail })
    const steps = new Map<number, { readonly head: typeof StepHead.Type; readonly recorded: RecordedEvent }>()
    const rejected = new Set<string>()
    yield* store.readStream(streamOf(key)).pipe(
      Stream.takeWhile((recorded) => recorded.version < version),
      Stream.runForEach((recorded) =>
        Effect.sync(() => {
          const head = Option.getOrUndefined(headOf({ ...(recorded.data as Schema.JsonObject), _tag: recorded.type }))
          if (head === undefined) return
          steps.set(head.step, { head, recorded })
          if (head.cause._tag === "Rejection") rejected.add(head.cause.commandId)
        })
      )
    )
    const asked = steps.get(step)
    if (asked === undefined) return yield* refused(`it has recorded ${steps.size} steps, and none with this number`)
    // A step that was a restart itself has taken another one again.
    const { cause } = asked.head
    const base = cause._tag === "Order" && cause.step !== undefined ? steps.get(cause.step) : asked
    if (base === undefined || base.head.cause._tag === "Order") {
      return yield* refused(
        "an operator has made this step: take one that an event, a rejection or a timeout has caused"
      )
    }
    const number = base.head.step
    const before = steps.get(number - 1)?.recorded
    return {
      step: number,
      cause: yield* redoingOf(base.head.cause),
      ...(before === undefined ? {} : { before: keptOf(before) }),
      sends: asked.head.sends.filter(({ commandId }) => !rejected.has(commandId))
    }

    function redoingOf(
      cause: Exclude<Cause, { readonly _tag: "Order" }>
    ): Effect.Effect<typeof Redoing.Type, RestartRefused | EventStoreError> {
      switch (cause._tag) {
        case "Timeout":
          return Effect.succeed({ _tag: "Timeout", name: cause.name })
        case "Rejection": {
          const sent = [...steps.values()]
            .flatMap(({ head }) => head.sends)
            .find(({ commandId }) => commandId === cause.commandId)
          return sent === undefined
            ? Effect.fail(refused(`the command ${cause.commandId} is not recorded`))
            : Effect.succeed({ _tag: "Rejection", sent, error: cause.error })
        }
        case "Event":
          return store.readStream(cause.stream as StreamId, { after: cause.version - 1, limit: 1 }).pipe(
            Stream.runHead,
            Effect.flatMap(
              Option.match({
                onNone: () => Effect.fail(refused(`the log does not have event ${cause.version} of ${cause.stream}`)),
                onSome: (recorded) =>
                  Effect.succeed({ _tag: "Event" as const, recorded: keptOf(recorded), part: cause.part })
              })
            )
          )
      }
    }
  })

const headOf = Schema.decodeUnknownOption(StepHead)
