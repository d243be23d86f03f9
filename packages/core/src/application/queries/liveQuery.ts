import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type * as Schema from "effect/Schema"
import { canonicalJson } from "../../domain/canonicalJson.ts"
import type * as Query from "../../domain/Query.ts"
import { EventStore } from "../../ports/EventStore.ts"
import type { EventStoreError, ViewStoreError } from "../../ports/errors.ts"
import { ViewStore } from "../../ports/ViewStore.ts"
import { servingOf } from "../../ports/generation.ts"
import { isRetryable } from "../../internal/retryable.ts"
import { hasReached, look, type ViewName, pauses } from "./waitFor.ts"

/** The answers of a view store to one question, each that differs from the one before. */
export const answers = <A extends Answer, E>(
  view: ViewName,
  ask: (store: ViewStore["Service"]) => Effect.Effect<A, E | ViewStoreError>
): Stream.Stream<A, E | EventStoreError | ViewStoreError, EventStore | ViewStore> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const events = yield* EventStore
      const store = yield* ViewStore
      let asked: string | undefined
      let answered: string | undefined
      const next = (horizon: number) =>
        Effect.gen(function* () {
          const seen = yield* look(store)
          if (Option.isNone(seen)) return { done: false, answer: undefined }
          const serving = servingOf(view, seen.value)
          const done = hasReached(serving, horizon)
          // Read before the answer, which so may be newer, and is asked for once more then, but never older.
          const at = `${serving?.version} ${serving?.build} ${serving?.inline ? horizon : serving?.position}`
          if (at === asked) return { done, answer: undefined }
          const answer = yield* ask(store)
          asked = at
          const json = textOf(answer)
          if (json === answered) return { done, answer: undefined }
          answered = json
          return { done, answer }
        })
      return events.horizons.pipe(
        // One horizon after the other: `changes` keeps the latest for whoever is slow, and no query is cut off by the next.
        Stream.flatMap((horizon) =>
          Stream.fromEffectSchedule(next(horizon), pauses("1 second")).pipe(Stream.takeUntil(({ done }) => done))
        ),
        Stream.flatMap(({ answer }) => (answer === undefined ? Stream.empty : Stream.succeed(answer))),
        Stream.retry(whileAway)
      )
    })
  )

type Answer = Query.Page<Schema.Json> | number

const textOf = (answer: Answer): string =>
  typeof answer === "number"
    ? String(answer)
    : canonicalJson([answer.next ?? null, answer.rows.map(({ key, state }) => [key, state])])

/** Begins again while a store is away, and fails for what waiting does not cure. */
export const whileAway = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("5 seconds")]).pipe(
  Schedule.while(({ input }: { readonly input: unknown }) => isRetryable(input))
)
