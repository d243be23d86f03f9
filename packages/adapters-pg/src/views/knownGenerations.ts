import { type EventStore, type ProjectionFailed, StreamId, type View } from "@hexfold/core"
import { InlineViews } from "@hexfold/core/adapter"
import { Data, Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { bigints } from "../database/binds.ts"
import * as statements from "../sql/inline.ts"

/** What the appends of a process need to know which generations they maintain. */
export interface Options {
  readonly schema: string
  readonly sql: SqlClient.SqlClient
  /** The definitions that this process has. */
  readonly views: ReadonlyArray<View.Any>
  /** Runs a single statement at READ COMMITTED. */
  readonly autocommit: <A, E>(call: Effect.Effect<A, E>) => Effect.Effect<A, E | SqlError.SqlError>
}

/** A generation that appends maintain, and its definition in this process. */
interface Known {
  readonly id: bigint
  readonly promotion: bigint
  readonly view: View.Any
}

/** The events of an append could not be applied to a generation. */
export class NotMaintained extends Data.TaggedError("NotMaintained")<{
  readonly generation: bigint
  readonly view: View.Any
  readonly cause: ProjectionFailed | SqlError.SqlError
}> {}

/**
 * The generations that this process knows to be maintained by appends. It knows
 * one once the server has said so, and until the server says otherwise. The server
 * refuses a call that does not name the promotions of all generations that its
 * events touch, so a generation that is not known costs a call, never an event.
 */
export const knownGenerations = ({ autocommit, schema, sql, views }: Options) => {
  const definitions = InlineViews.select(views)
  const known = new Map<bigint, Known>()
  /** The generations that this process has left to their projections, because it does not know their definitions. */
  const foreign = new Map<bigint, Foreign>()

  // Another definition under the same name must not touch the records: then no definition is found.
  const definitionOf = ({ aggregates, fingerprint, known_types, types, version, view }: Row) =>
    definitions.find(
      (each) =>
        each.name === view &&
        each.version === Number(version) &&
        (fingerprint === null || each.fingerprint === fingerprint) &&
        isSame(InlineViews.aggregatesOf(each), aggregates) &&
        isOfTypes(InlineViews.storedTypesOf(each), { types, known_types })
    )

  /** Asks which generations are maintained, of some or of all; returns those that this process cannot maintain. */
  const learn = (ids?: ReadonlyArray<bigint>): Effect.Effect<ReadonlyArray<Row>, SqlError.SqlError> =>
    Effect.map(sql.unsafe<Row>(statements.maintained(schema), [ids === undefined ? null : bigints(ids)]), (rows) => {
      const unknown: Array<Row> = []
      for (const row of rows) {
        const view = definitionOf(row)
        if (view === undefined) unknown.push(row)
        else {
          known.set(row.id, { id: row.id, promotion: row.promotion, view })
          foreign.delete(row.id)
        }
      }
      return unknown
    })

  const demote = (ids: ReadonlyArray<bigint>) => {
    if (ids.length === 0) return Effect.void
    ids.forEach((id) => known.delete(id))
    return Effect.asVoid(autocommit(sql.unsafe(statements.demote(schema), [bigints(ids)])))
  }

  const note = (ids: ReadonlyArray<bigint>) =>
    Effect.asVoid(autocommit(sql.unsafe(statements.noteForeign(schema), [bigints(ids)])))

  const noteAll = (unknown: ReadonlyArray<Row>) => {
    if (unknown.length === 0) return Effect.void
    for (const { aggregates, id, types } of unknown) foreign.set(id, { aggregates, types, notedAt: performance.now() })
    return note(unknown.map(({ id }) => id))
  }

  return {
    /** Whether this process has definitions of inline views. */
    hasDefinitions: definitions.length > 0,
    /** The known generations, by their numbers ascending. */
    all: (): ReadonlyArray<Known> => [...known.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
    /** Forgets a generation that appends no longer maintain. */
    forget: (id: bigint): void => void known.delete(id),
    learn,
    /**
     * Notes appends that touch generations which this process has left to their projections. As long as such appends
     * come, these projections do not ask the appends to maintain the generations again. Undefined if no append touches
     * such a generation, or if all of them were noted a moment ago.
     */
    noteForeign: (appends: ReadonlyArray<EventStore.Append>): Effect.Effect<void, SqlError.SqlError> | undefined => {
      if (foreign.size === 0) return undefined
      const now = performance.now()
      const due: Array<bigint> = []
      for (const [id, each] of foreign) {
        if (each.notedAt !== undefined && now - each.notedAt < often) continue
        const { aggregates, types } = each
        const follows = ({ streamId, type }: Pick<EventStore.RecordedEvent, "streamId" | "type">) =>
          types.includes(type) && aggregates.includes(StreamId.aggregateOf(streamId))
        if (!appends.some((append) => touches(append, follows))) continue
        each.notedAt = now
        due.push(id)
      }
      return due.length === 0 ? undefined : note(due)
    },
    /** After a failure: appends stop maintaining what this process cannot maintain. */
    adapt: (reason: NotMaintained | ReadonlyArray<bigint>): Effect.Effect<void, SqlError.SqlError> =>
      Effect.gen(function* () {
        if (reason instanceof NotMaintained) {
          const { cause, generation, view } = reason
          yield* demote([generation])
          yield* Effect.logWarning(InlineViews.demotion(view.name, view.version, cause))
          return
        }
        const unknown = yield* learn(reason)
        // Noted before: the projections see it as soon as the views are left to them.
        yield* noteAll(unknown)
        yield* demote(unknown.map(({ id }) => id))
        for (const { version, view } of unknown) {
          yield* Effect.logWarning(InlineViews.demotion(view, Number(version), undefined))
        }
      })
  }
}

interface Foreign extends Pick<Row, "aggregates" | "types"> {
  /** In milliseconds, by the timer of the process. */
  notedAt: number | undefined
}

// Much shorter than a lease, and rare enough for many appends a second.
const often = 100

/** Whether an append has an event that a generation follows. */
export const touches = (
  { parts }: EventStore.Append,
  follows: (event: Pick<EventStore.RecordedEvent, "streamId" | "type">) => boolean
): boolean =>
  parts.some(({ writes }) =>
    writes.some(({ events, streamId }) => events.some(({ type }) => follows({ streamId, type })))
  )

interface Row {
  readonly id: bigint
  readonly promotion: bigint
  readonly view: string
  readonly version: bigint
  readonly fingerprint: string | null
  readonly aggregates: ReadonlyArray<string>
  readonly types: ReadonlyArray<string>
  /** Null if an earlier library has begun to maintain the generation. */
  readonly known_types: ReadonlyArray<string> | null
}

const isOfTypes = (
  { known, touching }: ReturnType<typeof InlineViews.storedTypesOf>,
  { known_types, types }: Pick<Row, "types" | "known_types">
): boolean => isSame(touching, types) && (known_types === null || isSame(known, known_types))

const isSame = (a: ReadonlyArray<string>, b: ReadonlyArray<string>): boolean =>
  a.length === b.length && a.every((name) => b.includes(name))
