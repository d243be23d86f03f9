import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { InvalidCursor } from "../../domain/errors.ts"
import { canonicalJson } from "../../domain/json/canonicalJson.ts"
import type * as Query from "../../domain/Query.ts"
import { type EventStoreError, type NotServing, ViewStoreError } from "../../ports/errors.ts"
import { EventStore } from "../../ports/EventStore.ts"
import * as Reason from "../../ports/Reason.ts"
import { ViewStore } from "../../ports/ViewStore.ts"
import * as Questions from "./questions.ts"
import type { ViewName } from "./waitFor.ts"

/** What a view store is asked. */
export interface Question<A, E> {
  /** The whole question as data. Equal questions to one version of a view are asked once for all who follow them. */
  readonly data: Schema.Json
  readonly ask: (store: ViewStore["Service"]) => Effect.Effect<A, E | ViewStoreError>
  /** Whether it has a limit in time of its own. Then it fails if the store takes longer. */
  readonly isLimited?: boolean
  /** The store is not asked again for this many milliseconds, unless someone waits for a first answer. */
  readonly pace?: number
}

/** The answers of a view store to one question. Each differs from the answer before. */
export const answers = <A extends Answer, E>(
  view: ViewName,
  { ask, data, isLimited = false, pace = 0 }: Question<A, E>
): Stream.Stream<A, E | EventStoreError | ViewStoreError, EventStore | ViewStore> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const stores = { events: yield* EventStore, records: yield* ViewStore }
      const answering = Effect.map(
        Effect.suspend(() => ask(stores.records)),
        (answer) => ({ answer, text: textOf(answer) })
      )
      const next = yield* Questions.join(stores, {
        view,
        name: canonicalJson([view.name, view.version, data, pace]),
        pace,
        ask: isLimited ? Effect.mapError(answering, unrepeated) : answering
      })
      return Stream.fromEffectRepeat(next)
    })
  )

/** The pages of a query, as the store keeps their records. */
export const pages = (
  view: ViewName,
  query: Query.Query,
  pace = 0
): Stream.Stream<
  Query.Page<Schema.Json>,
  InvalidCursor | NotServing | EventStoreError | ViewStoreError,
  EventStore | ViewStore
> =>
  answers(view, {
    // A query is plain data.
    data: ["records", query as unknown as Schema.Json],
    ask: (store) => store.query(query, view.version),
    isLimited: query.timeout !== undefined,
    pace
  })

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
interface OneRecord {
  readonly record: Schema.Json | undefined
}

type Answer = Query.Page<Schema.Json> | OneRecord | number

const textOf = (answer: Answer): string => {
  if (typeof answer === "number") return String(answer)
  if ("record" in answer) return answer.record === undefined ? "none" : canonicalJson([answer.record])
  return canonicalJson([answer.next ?? null, answer.total ?? null, answer.rows.map(({ key, state }) => [key, state])])
}
