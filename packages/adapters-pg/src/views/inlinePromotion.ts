import { type ProjectionStore, Reason, type View, ViewStoreError } from "@hexfold/core"
import { InlineViews } from "@hexfold/core/adapter"
import { Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import * as statements from "../sql/inline.ts"
import { placesOf, readAllPage } from "../sql/readPage.ts"
import { bigint, int4, texts } from "../database/binds.ts"
import { ofWritten, type WrittenRow } from "../database/eventRows.ts"
import { apply } from "./records.ts"

/**
 * The promotion of a generation: appends maintain it from then on. Before all
 * else in a commit it takes the lock of the flags, so no append is under way. It
 * returns a function for the end of the commit, which applies the events up to the
 * last position, leaves the generation to the appends, and returns whether it has.
 * If an event cannot be applied, or a key is parked, the generation stays with its
 * projection.
 */
export const promoting =
  (schema: string, sql: SqlClient.SqlClient, views: ReadonlyArray<View.Any>) =>
  ({
    owner: {
      generation: { version, view }
    },
    to
  }: ProjectionStore.Commit): Effect.Effect<
    (id: bigint) => Effect.Effect<boolean, ViewStoreError | SqlError.SqlError>,
    ViewStoreError | SqlError.SqlError
  > =>
    Effect.gen(function* () {
      const isDecided = (position: bigint) =>
        Effect.map(
          sql.unsafe<{ readonly decided: boolean }>(statements.isDecided(schema), [position]),
          ([row]) => row!.decided
        )
      const definition = InlineViews.select(views).find((each) => each.name === view && each.version === version)
      if (definition === undefined) {
        const detail = "no append of this store maintains the view"
        return yield* failure(view, new Reason.Rejected({ detail }))
      }
      const [flags] = yield* sql.unsafe<{ readonly o_last: bigint }>(statements.lockFlags(schema))
      const last = flags!.o_last
      // An append that began before the migration to version 5 does not hold the lock of the flags. An append that has
      // ended releases its locks one after the other, the one that names its positions a moment later.
      for (let tries = 0; !(yield* isDecided(last)); tries++) {
        if (tries === 50) {
          return yield* failure(view, new Reason.Unavailable({ detail: "an append is under way" }))
        }
        yield* Effect.sleep("2 millis")
      }
      const { known, touching } = InlineViews.storedTypesOf(definition)
      const aggregates = texts(InlineViews.aggregatesOf(definition))
      const except = texts(placesOf(definition.follows.except) ?? [])
      return (id) =>
        Effect.gen(function* () {
          const [state] = yield* sql.unsafe<{ readonly whole: boolean; readonly fingerprint: string | null }>(
            statements.isWhole(schema),
            [id]
          )
          const made = state?.fingerprint ?? definition.fingerprint
          if (made !== definition.fingerprint) {
            const detail = "no append of this store maintains this definition of the view"
            return yield* failure(view, new Reason.Rejected({ detail }))
          }
          if (state?.whole !== true) return false
          const bounds = [int4(most + 1), BigInt(Number.MAX_SAFE_INTEGER), int4(1)]
          const range = [bigint(to), last, aggregates, null, ...bounds, null, except]
          const rest = yield* sql.unsafe<WrittenRow>(readAllPage(schema, "forwards"), range)
          if (rest.length > most) {
            const detail = `more than ${most} events are not applied yet`
            return yield* failure(view, new Reason.Unavailable({ detail }))
          }
          const events = rest.map(ofWritten)
          const applied = yield* apply(schema, sql, [{ id, view: definition }], events).pipe(
            Effect.as(true),
            Effect.catch(({ cause }) =>
              cause._tag === "ProjectionFailed" ? Effect.succeed(false) : Effect.fail(cause)
            )
          )
          if (applied)
            yield* sql.unsafe(statements.promote(schema), [id, last, aggregates, texts(touching), texts(known)])
          return applied
        })
    })

// Appends wait while these events are applied.
const most = 5_000

const failure = (view: string, reason: Reason.Reason) =>
  Effect.fail(new ViewStoreError({ operation: "commit", view, reason }))
