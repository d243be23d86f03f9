/** Runs the handler for one event: its context, its repetitions, and what becomes of an event that it cannot handle. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import * as Tracer from "effect/Tracer"
import { isRetryable } from "../../../internal/retryable.ts"
import { isTraced } from "../../../internal/tracing.ts"
import type { DeadLetter } from "../../../ports/deadLetter.ts"
import type { Position, RecordedEvent } from "../../../ports/EventStore.ts"
import * as Appended from "../../events/appended.ts"
import * as DerivedIds from "../../commands/derivedIds.ts"
import * as Metadata from "../../events/Metadata.ts"
import { type DecodedPart, isOfNewerProgram } from "../../views/decoding.ts"
import type { ProjectionFailed } from "../../views/errors.ts"
import { placeOf, unapplied } from "../../views/poison.ts"
import { paced } from "./driving.ts"
import { ReactionFailed } from "../errors.ts"
import type { Settings } from "./options.ts"
import type { Reaction } from "./reaction.ts"

/** An event that is to be handled: its current events whose keys are of the part that is owned. */
export interface Unit {
  readonly recorded: RecordedEvent
  readonly parts: ReadonlyArray<DecodedPart>
  /** Whether the stored event has become several. */
  readonly isSplit: boolean
  readonly keys: ReadonlyArray<string>
  /** Why the event cannot be handled, if it does not decode. */
  readonly failure: ProjectionFailed | undefined
}

/** What became of an event. */
export interface Outcome {
  readonly deadLetters: ReadonlyArray<DeadLetter>
  /** How many of its current events were handled. */
  readonly handled: number
  /** The last of the events that its handlers have appended. */
  readonly appended: Position | undefined
  /** Why the reactor stops before the event. */
  readonly failed: ReactionFailed | undefined
}

/** What is delivered, as handlers can ask for it. */
export interface Delivered {
  /** The same for each repetition, and for no other event or reactor. */
  readonly key: string
}

/** What is delivered to the handler that runs. */
export const Current = Context.Reference<Delivered | undefined>("@hexfold/core/Reactor/Delivered", {
  defaultValue: () => undefined
})

/** How an owner delivers. */
export interface Delivering {
  readonly reaction: Reaction
  readonly settings: Pick<Settings, "retry">
  /** The history of the log in which the events have their positions. */
  readonly history: number
  /** Whether the earlier events of a key wait for another try. */
  readonly isParked: (key: string) => boolean
  /** Runs an attempt when there is room for one. */
  readonly attempt: <A>(handling: Effect.Effect<A>) => Effect.Effect<A>
  /** Is told of each attempt that has failed. */
  readonly failing: (error: unknown, waits: boolean) => Effect.Effect<void>
}

/**
 * Delivers an event. Its current events are handled one after the other. One that cannot be handled does not hold up
 * those of other keys, unless the reactor stops at it.
 */
export const deliver = (unit: Unit, delivering: Delivering): Effect.Effect<Outcome> =>
  Effect.gen(function* () {
    const { history, isParked, reaction } = delivering
    const { onPoison } = reaction
    const { failure, keys, parts, recorded } = unit
    const deadLetters: Array<DeadLetter> = []
    // The later current events of a key are left with the first one that was not handled.
    const left = new Set<string>()
    const place = placeOf(recorded)
    let handled = 0
    let appended: Position | undefined
    const noting = Effect.provideService(Appended.Current, (last) => void (appended = Appended.later(appended, last)))
    const ended = (failed?: ReactionFailed): Outcome =>
      failed === undefined ? { deadLetters, handled, appended, failed } : { deadLetters: [], handled, appended, failed }

    const undelivered = (failed: ReactionFailed, key: string, at: DateTime.Utc): ReactionFailed | undefined => {
      if (onPoison === "stop" || failed.step === "unknown") return failed
      left.add(key)
      deadLetters.push({ ...unapplied(failed, at), history, key, parked: onPoison === "park" })
      return undefined
    }

    if (failure !== undefined) {
      const failed = ofFailure(failure)
      const at = yield* DateTime.now
      if (onPoison === "park" && keys.length === 0) return ended(failed)
      for (const key of onPoison === "skip" || keys.length === 0 ? [""] : keys) {
        if (isParked(key)) deadLetters.push({ ...place, at, history, key, parked: true })
        else if (undelivered(failed, key, at) !== undefined) return ended(failed)
      }
      return ended()
    }
    for (const part of parts) {
      const [key = ""] = part.keys
      if (left.has(key)) continue
      if (isParked(key) && part.envelope.aggregate !== reaction.orders) {
        deadLetters.push({ ...place, at: yield* DateTime.now, history, key, parked: true })
        left.add(key)
        continue
      }
      const failed = yield* noting(handledOf(part, unit, delivering))
      if (failed === undefined) {
        handled++
        continue
      }
      const stops = undelivered(failed, key, yield* DateTime.now)
      if (stops !== undefined) return ended(stops)
    }
    return ended()
  })

/** Runs the handler until it succeeds, or fails for the last time. */
const handledOf = (
  part: DecodedPart,
  { isSplit, recorded }: Pick<Unit, "isSplit" | "recorded">,
  { attempt, failing, reaction, settings }: Delivering
): Effect.Effect<ReactionFailed | undefined> =>
  Effect.contextWith((context: Context.Context<never>) => {
    const paces = paced(context)
    let attempts = 0
    const once = attempt(
      Effect.suspend(() => {
        attempts++
        return Effect.exit(inContext(part, recorded, reaction))
      })
    ).pipe(
      Effect.flatMap((exit) =>
        // A handler that has interrupted itself has not handled the event either.
        Exit.isSuccess(exit) ? Effect.void : Effect.fail(Cause.squash(exit.cause))
      )
    )
    const patient = Effect.retry(
      Effect.tapError(once, (error) => failing(error, isRetryable(error))),
      { schedule: paces(waiting), while: (error) => isRetryable(error) && !isOfNewerProgram(error) }
    )
    return Effect.retry(patient, {
      schedule: paces(reaction.retry ?? settings.retry),
      while: (error) => !isOfNewerProgram(error)
    }).pipe(
      Effect.as(undefined),
      Effect.catch((cause) => {
        const { name, version } = reaction.consumer
        const step = isOfNewerProgram(cause) ? "unknown" : "react"
        const at = { ...placeOf(recorded), ...(isSplit ? { part: part.envelope.part } : undefined) }
        return Effect.succeed(new ReactionFailed({ reactor: name, version, ...at, step, attempts, cause }))
      })
    )
  })

// A store that cannot be reached is waited for, however long that takes.
const waiting = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("5 seconds")]).pipe(Schedule.jittered)

/** Runs the handler once, so that its commands are named after the event and carry its metadata on. */
export const inContext = (
  { envelope, event }: DecodedPart,
  recorded: RecordedEvent,
  { consumer, handle }: Pick<Reaction, "consumer" | "handle">,
  around?: DerivedIds.Around
) =>
  Effect.contextWith((context: Context.Context<never>) => {
    const { eventId, metadata, part, position } = envelope
    const key = DerivedIds.nameOf({ consumer: consumer.name, position, eventId, part })
    const { correlationId } = metadata
    const handling = Effect.suspend(() => handle(event, envelope, recorded)).pipe(
      Effect.provideService(DerivedIds.Current, DerivedIds.make(key, around)),
      Effect.provideService(Metadata.Current, { correlationId, causationId: eventId }),
      Effect.provideService(Current, { key })
    )
    if (!isTraced(context)) return handling
    const attributes = {
      "hexfold.reactor": consumer.name,
      "hexfold.position": position,
      "hexfold.correlation_id": correlationId
    }
    return Effect.useSpan("Reactor.handle", { root: true, attributes, links: linksOf(envelope) }, (span) =>
      Effect.withTracerEnabled(Effect.withParentSpan(handling, span), true)
    )
  })

// The events of a traced command have the id of its trace. The id of its span is not stored.
const linksOf = ({ eventId, metadata: { correlationId } }: DecodedPart["envelope"]): ReadonlyArray<Tracer.SpanLink> =>
  /^[0-9a-f]{32}$/.test(correlationId)
    ? [
        {
          span: Tracer.externalSpan({ traceId: correlationId, spanId: eventId.replaceAll("-", "").slice(0, 16) }),
          attributes: {}
        }
      ]
    : []

const ofFailure = (failure: ProjectionFailed): ReactionFailed => {
  const { cause, part, position, step, stream, streamVersion, type, version, view } = failure
  return new ReactionFailed({
    reactor: view,
    version,
    stream,
    streamVersion,
    position,
    type,
    ...(part === undefined ? undefined : { part }),
    step: step === "unknown" || step === "key" ? step : "decode",
    attempts: 0,
    cause
  })
}
