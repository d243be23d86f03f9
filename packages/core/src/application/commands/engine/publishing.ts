import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { StreamId } from "../../../domain/StreamId.ts"
import type { Declaring } from "../../../domain/storedTypes.ts"
import type { Tagged } from "../../../domain/tagged.ts"
import { spanIf } from "../../../internal/tracing.ts"
import * as AppendCheck from "../../../ports/AppendCheck.ts"
import { EventStoreError } from "../../../ports/errors.ts"
import type {
  Append,
  Appended,
  CommandKey,
  EventStore,
  NewEvent,
  PartAppended,
  Repeated
} from "../../../ports/EventStore.ts"
import * as Expectation from "../../../ports/Expectation.ts"
import * as EventCodec from "../../events/EventCodec.ts"
import type { EventReadError } from "../../events/errors.ts"
import { type DecodedEvent, decodeRecorded, metadataOf } from "../../events/recording.ts"
import type { InvalidCommand } from "../errors.ts"
import type { PublishError, PublishOptions } from "../options.ts"
import type { Receipt } from "../Receipt.ts"
import type { CommandContext } from "./commandContext.ts"
import { inSpan } from "./commandSpan.ts"
import * as metrics from "./metrics.ts"
import type { Measured } from "./metrics.ts"
import { Retries } from "./retries.ts"

/** What is published. It was checked, as far as that needs neither a store nor the ids of the events. */
export interface Publication<Name extends string, Event extends Tagged> {
  readonly topic: Declaring<Name, Event>
  readonly streamId: StreamId
  readonly events: ReadonlyArray<Event>
  /** The JSON of the events, in the same order. */
  readonly encoded: ReadonlyArray<EventCodec.Encoded>
  /** Says what is wrong with the event at this place. */
  readonly invalid: (place: number, detail: string) => InvalidCommand
}

/** Appends the events at whatever version the stream is, and says what was recorded. */
export const run = <Name extends string, Event extends Tagged>(
  publication: Publication<Name, Event>,
  command: CommandKey | undefined,
  options: PublishOptions,
  context: CommandContext
): Effect.Effect<Receipt<Event>, PublishError, EventStore> => {
  const start = (context: CommandContext) => new Publishing(publication, command, options, context)
  return context.traced ? inSpan(measured(publication.topic), options, start, "Executor.publish") : start(context).run()
}

/** Counts what was refused before it came here. */
export const refused = (topic: Measured["target"], { context }: CommandContext): void =>
  metrics.of(measured(topic)).ended("failed", 0, context)

// In metrics and traces, publishing stands where other commands have their tags.
const measured = (topic: Measured["target"]): Measured => ({ kind: "topic", target: topic, command: publish })
const publish: Tagged = { _tag: "publish" }

class Publishing<Name extends string, Event extends Tagged> {
  outcome: metrics.Outcome | undefined
  readonly streams: ReadonlyArray<{ readonly streamId: StreamId }>
  private readonly publication: Publication<Name, Event>
  private readonly command: CommandKey | undefined
  private readonly meters: metrics.Meters
  private readonly context: CommandContext
  private readonly retries: Retries
  private readonly started: number
  private attempts = 0

  constructor(
    publication: Publication<Name, Event>,
    command: CommandKey | undefined,
    options: PublishOptions,
    context: CommandContext
  ) {
    this.publication = publication
    this.command = command
    this.streams = [publication]
    this.meters = metrics.of(measured(publication.topic))
    this.context = context
    this.retries = new Retries(options, context)
    this.started = context.clock.currentTimeMillisUnsafe()
  }

  run(): Effect.Effect<Receipt<Event>, PublishError> {
    const publishing = Effect.suspend(() => {
      const events = this.newEvents()
      return Result.isFailure(events) ? Effect.fail(events.failure) : this.append(this.appendOf(events.success))
    })
    return Effect.matchCauseEffect(publishing, {
      onSuccess: (receipt) => {
        this.end(receipt.repeated ? "repeated" : "accepted")
        const { length } = receipt.events
        if (!receipt.repeated && length > 0) this.meters.recorded(length, this.context.context)
        return Effect.succeed(receipt)
      },
      onFailure: (cause) => {
        this.end("failed")
        return Effect.failCause(cause)
      }
    })
  }

  private end(outcome: metrics.Outcome): void {
    const { clock, context } = this.context
    this.outcome = outcome
    this.meters.ended(outcome, (clock.currentTimeMillisUnsafe() - this.started) / 1_000, context)
  }

  private newEvents(): Result.Result<ReadonlyArray<NewEvent>, InvalidCommand | EventStoreError> {
    const { encoded, invalid } = this.publication
    const { metadata: settings, nextId } = this.context
    const ids = encoded.map(() => nextId(this.started))
    const metadata = metadataOf(settings, this.command?.id ?? ids[0] ?? "")
    if ("reason" in metadata) return Result.fail(metadata)
    const made: Array<NewEvent> = []
    for (const [place, each] of encoded.entries()) {
      const event = AppendCheck.withData(ids[place]!, each, metadata)
      if ("reason" in event) return Result.fail(invalid(place, `${each.type}: ${event.reason.detail}`))
      made.push(event)
    }
    return Result.succeed(made)
  }

  /** Nothing is expected of the stream. It is named also where no event is added, because the receipt has its version. */
  private appendOf(events: ReadonlyArray<NewEvent>): Append {
    const { streamId } = this.publication
    const { command } = this
    const writes = events.length === 0 ? [] : [{ streamId, events }]
    return {
      conditions: [{ _tag: "Stream", streamId, expected: Expectation.any }],
      parts: [command === undefined ? { writes } : { writes, command }]
    }
  }

  private append(append: Append): Effect.Effect<Receipt<Event>, PublishError> {
    this.attempts++
    const { store, traced } = this.context
    return spanIf(traced, store.append(append), "EventStore.append").pipe(
      Effect.flatMap((appended) => Effect.fromResult(this.receipt(appended))),
      Effect.catchTags({
        EventStoreError: (error) => this.afterFailure(error, append),
        // No store has a conflict where any version is expected.
        ConcurrencyConflict: Effect.die
      })
    )
  }

  /** Without a command id the events could be recorded twice, because nobody knows what became of the append. */
  private afterFailure(error: EventStoreError, append: Append): Effect.Effect<Receipt<Event>, PublishError> {
    if (!error.isRetryable) return Effect.fail(error)
    const { operation, reason } = error
    const { streamId } = this.publication
    const described = new EventStoreError({ operation, reason, streams: [streamId], attempts: this.attempts })
    if (this.command === undefined) return Effect.fail(described)
    return Effect.flatMap(this.retries.afterFailure(described), (pause) =>
      pause === undefined
        ? Effect.fail(described)
        : Effect.andThen(
            Effect.sleep(pause),
            Effect.suspend(() => this.append(append))
          )
    )
  }

  private receipt(appended: Appended | Repeated): Result.Result<Receipt<Event>, EventReadError> {
    const { events, topic } = this.publication
    if (appended._tag === "Repeated") {
      const before = appended.repeats[0]!.appended
      return Result.map(decodeRecorded(topic, before.events), (decoded) =>
        this.receiptOf(before, decoded, before.history, true)
      )
    }
    const codec = EventCodec.of(topic)
    const part = appended.parts[0]!
    // A first receipt says the same as a repeated one.
    const recorded = part.events.map((each, i) => ({ ...each, data: codec.asKept(events[i]!, each), part: 0 }))
    return Result.succeed(this.receiptOf(part, recorded, appended.history, false))
  }

  private receiptOf(
    { events: recorded, streams }: PartAppended,
    events: ReadonlyArray<DecodedEvent<Event>>,
    history: number,
    repeated: boolean
  ): Receipt<Event> {
    const { streamId } = this.publication
    return {
      streamId,
      events,
      version: streams.find((stream) => stream.streamId === streamId)?.version ?? 0,
      position: recorded.at(-1)?.position ?? 0,
      history: recorded.length === 0 ? 1 : history,
      attempts: repeated ? 0 : this.attempts,
      repeated
    }
  }
}
