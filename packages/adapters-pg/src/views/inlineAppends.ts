import { type EventStore, EventStoreError, type ProjectionFailed, Reason, type View } from "@hexfold/core"
import { InlineViews } from "@hexfold/core/adapter"
import { PgTypes } from "@effect/sql-pg"
import { Data, Effect, Schedule, type Scope } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import * as statements from "../sql/inline.ts"
import { array } from "../database/binds.ts"
import { isPassing, isUnavailable, unmaintainedBy } from "../database/errors.ts"
import { apply } from "./records.ts"

/** The generations that a call's caller maintains. */
export interface Maintained {
  /** The numbers of their promotions. */
  readonly promotions: ReadonlyArray<bigint>
  /** The generations whose records events of several streams touch, ascending. */
  readonly ordered: ReadonlyArray<bigint>
}

/** What a call recorded, and the generations whose events may be among it. */
export interface Called {
  readonly events: ReadonlyArray<EventStore.RecordedEvent>
  readonly inline: ReadonlyArray<bigint>
}

/** Runs a call that appends, and applies its events to the views that this process maintains before it ends. */
export type Run = <C extends Called>(
  appends: ReadonlyArray<EventStore.Append>,
  call: (maintained: Maintained) => Effect.Effect<C, SqlError.SqlError>
) => Effect.Effect<C, SqlError.SqlError | EventStoreError>

/** How appends of a process maintain inline views. */
export interface InlineAppends {
  /** In a transaction of its own. */
  readonly alone: Run
  /** In the caller's. */
  readonly joined: Run
}

/** What an adapter needs for it. */
export interface Options {
  readonly S: string
  readonly sql: SqlClient.SqlClient
  readonly views: ReadonlyArray<View.Any>
  /** Runs a single statement at READ COMMITTED. */
  readonly autocommit: <A, E>(call: Effect.Effect<A, E>) => Effect.Effect<A, E | SqlError.SqlError>
  readonly outside: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

class NotMaintained extends Data.TaggedError("NotMaintained")<{
  readonly generation: bigint
  readonly cause: ProjectionFailed | SqlError.SqlError
}> {}

/**
 * Knows a generation to be maintained once the server has said so, and until it
 * says otherwise: the server refuses a call that does not name the promotions of
 * all which its events touch, so what is not known costs a call, never an event.
 */
export const make = ({
  S,
  autocommit,
  outside,
  sql,
  views
}: Options): Effect.Effect<InlineAppends, never, Scope.Scope> =>
  Effect.map(Effect.scope, (scope) => {
    const definitions = InlineViews.select(views)
    const known = new Map<bigint, Known>()

    // Another definition under the same name must not touch its records: none is found then.
    const definitionOf = ({ aggregates, types, version, view }: Row) =>
      definitions.find(
        (each) =>
          each.name === view &&
          each.version === Number(version) &&
          isSame(InlineViews.aggregatesOf(each), aggregates) &&
          isSame(each.types, types)
      )

    /** Which generations are maintained, of some or of all; returns those that this process cannot. */
    const learn = (ids?: ReadonlyArray<bigint>) =>
      Effect.map(sql.unsafe<Row>(statements.maintained(S), [ids === undefined ? null : bigints(ids)]), (rows) => {
        const unknown: Array<bigint> = []
        for (const row of rows) {
          const definition = definitionOf(row)
          if (definition === undefined) unknown.push(row.id)
          else known.set(row.id, { id: row.id, promotion: row.promotion, view: definition })
        }
        return unknown
      })

    const demote = (ids: ReadonlyArray<bigint>) => {
      if (ids.length === 0) return Effect.void
      ids.forEach((id) => known.delete(id))
      return Effect.asVoid(autocommit(sql.unsafe(statements.demote(S), [bigints(ids)])))
    }

    /** After a failure: what this process cannot maintain no append does any more. */
    const adapt = (reason: NotMaintained | ReadonlyArray<bigint>): Effect.Effect<void, SqlError.SqlError> =>
      reason instanceof NotMaintained ? demote([reason.generation]) : Effect.flatMap(learn(reason), demote)

    // What is known now is what the call names and what is applied after it, whatever others learn meanwhile.
    const prepared = <C extends Called>(
      appends: ReadonlyArray<EventStore.Append>,
      call: (maintained: Maintained) => Effect.Effect<C, SqlError.SqlError>
    ) => {
      const all = [...known.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
      const touched = all.filter(({ view }) => appends.some((append) => touches(append, view)))
      const calling = call({
        promotions: all.map(({ promotion }) => promotion),
        ordered: all.flatMap(({ id, view }) => (view.perStream ? [] : [id]))
      })
      const maintaining = Effect.gen(function* () {
        const called = yield* calling
        for (const { id, view } of touched) {
          if (!called.inline.includes(id)) known.delete(id)
          else {
            yield* Effect.mapError(apply(S, sql, id, view, called.events), (cause) =>
              cause._tag === "SqlError" && isUnavailable(cause) ? cause : new NotMaintained({ generation: id, cause })
            )
          }
        }
        return called
      })
      return touched.length === 0 ? { calling } : { maintaining }
    }

    // Each repetition knows a generation more, or the server a maintained one less.
    const alone = <C extends Called>(
      appends: ReadonlyArray<EventStore.Append>,
      call: (maintained: Maintained) => Effect.Effect<C, SqlError.SqlError>
    ): Effect.Effect<C, SqlError.SqlError> =>
      Effect.suspend(() => {
        const { calling, maintaining } = prepared(appends, call)
        return maintaining === undefined
          ? autocommit(calling)
          : Effect.provideService(
              sql.withTransaction(maintaining),
              SqlClient.BeginTransaction,
              "BEGIN ISOLATION LEVEL READ COMMITTED"
            )
      }).pipe(
        Effect.catch((error) => {
          const reason = error._tag === "NotMaintained" ? error : unmaintainedBy(error)
          if (reason === undefined) return Effect.fail(error as SqlError.SqlError)
          return Effect.andThen(Effect.retry(adapt(reason), { while: isPassing, times: 3 }), alone(appends, call))
        })
      )

    // The caller's transaction holds the lock of the flags: they change when it is over.
    const later = (reason: NotMaintained | ReadonlyArray<bigint>) =>
      adapt(reason).pipe(
        Effect.retry({ while: isPassing, schedule: Schedule.spaced("1 second") }),
        Effect.ignore,
        outside,
        Effect.forkIn(scope)
      )

    // A failed call or view goes back to the savepoint, so a caller that goes on has recorded nothing of it.
    const joined: Run = (appends, call) =>
      Effect.gen(function* () {
        if (definitions.length > 0) yield* learn()
        const { calling, maintaining } = prepared(appends, call)
        return yield* maintaining === undefined ? calling : sql.withTransaction(maintaining)
      }).pipe(
        Effect.catch((error): Effect.Effect<never, SqlError.SqlError | EventStoreError> => {
          const reason = error._tag === "NotMaintained" ? error : unmaintainedBy(error)
          if (reason === undefined) return Effect.fail(error as SqlError.SqlError)
          return Effect.andThen(later(reason), Effect.fail(repeat(error)))
        })
      )

    return { alone, joined }
  })

const repeat = (error: NotMaintained | SqlError.SqlError) =>
  new EventStoreError({
    operation: "append",
    reason: new Reason.Unavailable({
      detail: "an inline view could not be maintained inside this transaction: repeat the transaction",
      cause: error._tag === "NotMaintained" ? error.cause : error
    })
  })

const touches = ({ writes }: EventStore.Append, view: View.Any): boolean =>
  writes.some(({ events, streamId }) => events.some(({ type }) => InlineViews.follows(view, { streamId, type })))

/** A generation that appends maintain, and its definition here. */
interface Known {
  readonly id: bigint
  readonly promotion: bigint
  readonly view: View.Any
}

interface Row {
  readonly id: bigint
  readonly promotion: bigint
  readonly view: string
  readonly version: bigint
  readonly aggregates: ReadonlyArray<string>
  readonly types: ReadonlyArray<string>
}

const bigints = (ids: ReadonlyArray<bigint>) => array(ids, PgTypes.OID.int8)

const isSame = (a: ReadonlyArray<string>, b: ReadonlyArray<string>): boolean =>
  a.length === b.length && a.every((name) => b.includes(name))
