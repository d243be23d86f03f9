import { type EventStore, EventStoreError, Reason, type View } from "@hexfold/core"
import { Background, InlineViews } from "@hexfold/core/adapter"
import { Effect, Schedule, type Scope } from "effect"
import type { SqlError } from "effect/sql"
import type { Limit } from "../database/disconnect.ts"
import { isPassing, isUnavailable, unmaintainedBy } from "../database/errors.ts"
import { transactionOf } from "../database/transactions.ts"
import { knownGenerations, type NotMaintained, type Options as KnownOptions, touches } from "./knownGenerations.ts"
import { apply } from "./records.ts"

/** The generations that the caller of a call maintains. */
export interface Maintained {
  /** The numbers of the promotions. */
  readonly promotions: ReadonlyArray<bigint>
  /** The generations whose records are touched by events of several streams, ascending. */
  readonly ordered: ReadonlyArray<bigint>
}

/** The result of a call. */
export interface Called {
  /** The events that it has recorded. */
  readonly events: ReadonlyArray<EventStore.RecordedEvent>
  /** The generations that these events may touch. */
  readonly inline: ReadonlyArray<bigint>
}

/** Runs a call that appends, and applies its events to the views that this process maintains before it ends. */
export type Run = <C extends Called>(
  appends: ReadonlyArray<EventStore.Append>,
  call: (maintained: Maintained) => Effect.Effect<C, SqlError.SqlError | EventStoreError>
) => Effect.Effect<C, SqlError.SqlError | EventStoreError>

/** The two ways in which a call maintains inline views. */
export interface InlineAppends {
  /** Runs a call in a transaction of its own. */
  readonly alone: Run
  /** Runs a call in the caller's transaction. */
  readonly joined: Run
  /**
   * The generations that this process maintains and whose records several streams touch, ascending, in a transaction
   * that locks first. While it has the lock of the flags, no other generation joins them.
   */
  readonly ordered: (
    lockFlags: Effect.Effect<unknown, SqlError.SqlError>
  ) => Effect.Effect<ReadonlyArray<bigint>, SqlError.SqlError>
}

/** What the appends need. */
export interface Options extends KnownOptions {
  /** Runs an effect outside of any transaction of its fiber. */
  readonly outside: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Limits what no append waits for. */
  readonly limited: Limit
}

/**
 * Makes the appends of this process maintain inline views. If an append cannot
 * maintain a view, appends stop maintaining it, and this one succeeds without it:
 * the view's projection applies the events.
 */
export const make = ({
  autocommit,
  limited,
  outside,
  schema,
  sql,
  views
}: Options): Effect.Effect<InlineAppends, never, Scope.Scope> =>
  Effect.map(Effect.scope, (scope) => {
    const known = knownGenerations({ schema, sql, views, autocommit })
    const transaction = transactionOf(sql)

    // What is known now is what the call names and what is applied after it, whatever other calls learn meanwhile.
    const prepared = <C extends Called>(
      appends: ReadonlyArray<EventStore.Append>,
      call: (maintained: Maintained) => Effect.Effect<C, SqlError.SqlError | EventStoreError>
    ) => {
      const all = known.all()
      const touched = all.filter(({ view }) =>
        appends.some((append) => touches(append, (event) => InlineViews.follows(view, event)))
      )
      const calling = call({
        promotions: all.map(({ promotion }) => promotion),
        ordered: orderedOf(all)
      })
      const maintaining = Effect.gen(function* () {
        const called = yield* calling
        const maintained = touched.filter(({ id }) => called.inline.includes(id))
        for (const { id } of touched) if (!called.inline.includes(id)) known.forget(id)
        yield* Effect.mapError(apply(schema, sql, maintained, called.events), (error) =>
          error.cause._tag === "SqlError" && isUnavailable(error.cause) ? error.cause : error
        )
        return called
      })
      return touched.length === 0 ? { calling } : { maintaining }
    }

    // With each repetition this process knows a generation more, or appends maintain one less.
    const alone = <C extends Called>(
      appends: ReadonlyArray<EventStore.Append>,
      call: (maintained: Maintained) => Effect.Effect<C, SqlError.SqlError | EventStoreError>
    ): Effect.Effect<C, SqlError.SqlError | EventStoreError> =>
      Effect.suspend(() => {
        const { calling, maintaining } = prepared(appends, call)
        return maintaining === undefined ? autocommit(calling) : transaction(maintaining)
      }).pipe(
        Effect.tap(noted(appends)),
        Effect.catch((error) => {
          const reason = reasonOf(error)
          if (reason === undefined) return Effect.fail(error as SqlError.SqlError | EventStoreError)
          return Effect.andThen(Effect.retry(known.adapt(reason), { while: isPassing, times: 3 }), alone(appends, call))
        })
      )

    const leaving = Background.reported({
      failing: `hexfold: an inline view of ${schema} cannot be left to its projection, so transactions with events for it are refused`,
      again: `hexfold: an inline view of ${schema} is left to its projection`
    })

    const noting = Background.reported({
      failing: `hexfold: appends to inline views of ${schema} that this process does not know cannot be noted`,
      again: `hexfold: appends to inline views of ${schema} that this process does not know are noted again`
    })

    // No append waits for the note. It is not part of a transaction that may be taken back or last long.
    const noted = (appends: ReadonlyArray<EventStore.Append>) =>
      Effect.suspend(() => {
        const note = known.noteForeign(appends)
        if (note === undefined) return Effect.void
        return limited("append")(note).pipe(
          Effect.matchCauseEffect({ onFailure: noting.failed, onSuccess: () => noting.succeeded }),
          outside,
          Effect.withTracerEnabled(false),
          Effect.forkIn(scope)
        )
      })

    // The caller's transaction holds the lock of the flags, so they can change only after its end.
    const later = (reason: Reasons) =>
      known.adapt(reason).pipe(
        limited("append"),
        Effect.tapCause(leaving.failed),
        Effect.retry({
          while: (error) => (error._tag === "SqlError" ? isPassing(error) : error.isRetryable),
          schedule: Schedule.spaced("1 second")
        }),
        Effect.andThen(leaving.succeeded),
        Effect.ignore,
        outside,
        Effect.withTracerEnabled(false),
        Effect.forkIn(scope)
      )

    // A failed call or view goes back to the savepoint, so a caller that goes on has recorded nothing of it.
    const joined: Run = (appends, call) =>
      Effect.gen(function* () {
        if (known.hasDefinitions) yield* known.learn()
        const { calling, maintaining } = prepared(appends, call)
        return yield* maintaining === undefined ? calling : sql.withTransaction(maintaining)
      }).pipe(
        Effect.tap(noted(appends)),
        Effect.catch((error): Effect.Effect<never, SqlError.SqlError | EventStoreError> => {
          const reason = reasonOf(error)
          if (reason === undefined) return Effect.fail(error as SqlError.SqlError | EventStoreError)
          return Effect.andThen(later(reason), Effect.fail(repeat(error as NotMaintained | SqlError.SqlError)))
        })
      )

    const ordered: InlineAppends["ordered"] = (lockFlags) =>
      known.hasDefinitions
        ? Effect.andThen(
            lockFlags,
            Effect.andThen(
              known.learn(),
              Effect.sync(() => orderedOf(known.all()))
            )
          )
        : Effect.succeed([])

    return { alone, joined, ordered }
  })

const orderedOf = (generations: ReadonlyArray<{ readonly id: bigint; readonly view: View.Any }>) =>
  generations.flatMap(({ id, view }) => (view.perStream ? [] : [id]))

type Reasons = NotMaintained | ReadonlyArray<bigint>

const reasonOf = (error: NotMaintained | SqlError.SqlError | EventStoreError): Reasons | undefined =>
  error._tag === "NotMaintained" ? error : error._tag === "SqlError" ? unmaintainedBy(error) : undefined

const repeat = (error: NotMaintained | SqlError.SqlError) =>
  new EventStoreError({
    operation: "append",
    reason: new Reason.Unavailable({
      detail: "an inline view could not be maintained inside this transaction: repeat the transaction",
      cause: error._tag === "NotMaintained" ? error.cause : error
    })
  })
