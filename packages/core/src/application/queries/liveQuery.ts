import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type * as Schema from "effect/Schema"
import { canonicalJson } from "../../domain/canonicalJson.ts"
import type * as Query from "../../domain/Query.ts"
import { reportedTogether, withMessage } from "../../internal/reported.ts"
import { isRetryable } from "../../internal/retryable.ts"
import { type EventStoreError, ViewStoreError } from "../../ports/errors.ts"
import { EventStore, type Horizon } from "../../ports/EventStore.ts"
import { servingOf } from "../../ports/generation.ts"
import * as Reason from "../../ports/Reason.ts"
import { ViewStore } from "../../ports/ViewStore.ts"
import { ownPositions } from "../events/ownPositions.ts"
import { hasReached, look, pauses, type ViewName } from "./waitFor.ts"

/**
 * The answers of a view store to one question. Each differs from the answer before.
 * A question with a limit in time of its own fails if the store takes longer.
 */
export const answers = <A extends Answer, E>(
  view: ViewName,
  ask: (store: ViewStore["Service"]) => Effect.Effect<A, E | ViewStoreError>,
  limited = false
): Stream.Stream<A, E | EventStoreError | ViewStoreError, EventStore | ViewStore> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const events = yield* EventStore
      const store = yield* ViewStore
      const report = reportedTogether(store, {
        failing: `a live query of ${view.name} tries again, and shows nothing new meanwhile`,
        again: `a live query of ${view.name} goes on`,
        write: withMessage
      })
      let asked: string | undefined
      let answered: string | undefined
      const next = ({ history, position: horizon }: Horizon) =>
        Effect.gen(function* () {
          // A look without a change is background work, and makes no span.
          const seen = yield* Effect.withTracerEnabled(look(store), false)
          if (Option.isNone(seen)) return { done: false, answer: undefined }
          const serving = servingOf(view, seen.value)
          const done = hasReached(servingOf(view, ownPositions(store).seen(seen.value, history)), horizon)
          // Read the position before the answer. The answer can then be newer than the position (and is fetched again), but never older.
          const at = `${history} ${serving?.version} ${serving?.build} ${serving?.inline ? horizon : serving?.position}`
          if (at === asked) return { done, answer: undefined }
          const answer = yield* limited ? Effect.mapError(ask(store), unrepeated) : ask(store)
          yield* report.succeeded
          asked = at
          const json = textOf(answer)
          if (json === answered) return { done, answer: undefined }
          answered = json
          return { done, answer }
        })
      return events.horizons.pipe(
        // One horizon after the other. The store keeps the latest for a slow reader, and no query is interrupted by the next.
        Stream.flatMap((horizon) =>
          Stream.fromEffectSchedule(next(horizon), pauses("1 second")).pipe(Stream.takeUntil(({ done }) => done))
        ),
        Stream.flatMap(({ answer }) => (answer === undefined ? Stream.empty : Stream.succeed(answer))),
        Stream.tapError((error) => (isRetryable(error) ? report.failed(Cause.fail(error)) : Effect.void)),
        Stream.retry(whileAway)
      )
    })
  )

// It is not asked again and again: each time would take as long.
const unrepeated = <E>(error: E | ViewStoreError): E | ViewStoreError =>
  error instanceof ViewStoreError && error.reason._tag === "Timeout"
    ? new ViewStoreError({
        operation: error.operation,
        ...(error.view === undefined ? {} : { view: error.view }),
        reason: new Reason.Rejected({ detail: error.reason.detail, cause: error.reason })
      })
    : error

/** One record; undefined if there is none. */
export interface OneRecord {
  readonly record: Schema.Json | undefined
}

type Answer = Query.Page<Schema.Json> | OneRecord | number

const textOf = (answer: Answer): string => {
  if (typeof answer === "number") return String(answer)
  if ("record" in answer) return answer.record === undefined ? "none" : canonicalJson([answer.record])
  return canonicalJson([answer.next ?? null, answer.total ?? null, answer.rows.map(({ key, state }) => [key, state])])
}

/** Tries again while a store is unavailable. Errors that waiting does not cure are passed on. */
export const whileAway = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("5 seconds")]).pipe(
  Schedule.while(({ input }: { readonly input: unknown }) => isRetryable(input))
)
