import { PgTypes } from "@effect/sql-pg"
import type { EventStore, EventStoreError } from "@hexfold/core"
import { AppendCheck, PositionCheck } from "@hexfold/core/adapter"
import { Effect, Option, Stream } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { array, int4 } from "../database/binds.ts"
import type { Limit } from "../database/disconnect.ts"
import { isToRepeat, translated } from "../database/errors.ts"
import { ofWritten, type WrittenRow } from "../database/eventRows.ts"
import { hidden, incomplete } from "../database/logChecks.ts"
import { histories } from "../sql/history.ts"
import { type Direction, placesOf, readAllPage, readConversationPage, readStreamPage } from "../sql/readPage.ts"
import type { AskHorizon } from "./horizon.ts"
import { keyOf } from "./keys.ts"

/** What the reads of the log need. */
export interface Options {
  readonly sql: SqlClient.SqlClient
  readonly schema: string
  /** Fails if the events of a conversation cannot be found by an index. */
  readonly checkIndex: Effect.Effect<void, EventStoreError | SqlError.SqlError>
  /** The most events in a page. */
  readonly pageSize: number
  /** How many bytes of payload, as it is written out, end a page. */
  readonly pageBytes: number
  readonly horizonFor: AskHorizon
  readonly limited: Limit
}

/** The reads of events in pages: of one stream, and of the whole log. */
export const logReader = ({ checkIndex, horizonFor, limited, pageBytes, pageSize, schema, sql }: Options): Reads => {
  const isFull = (rows: ReadonlyArray<PageRow>, size: number): boolean => {
    const last = rows.at(-1)
    return rows.length === size || Number(last?.size) >= pageBytes || Number(last?.likely) >= pageBytes
  }

  /** Reads page after page. Each page begins after the last event of the page before. */
  const pages = (
    operation: EventStoreError["operation"],
    after: bigint,
    limit: number,
    page: (
      after: bigint,
      limit: number,
      ratio: number
    ) => Effect.Effect<ReadonlyArray<PageRow>, SqlError.SqlError | EventStoreError>,
    placeOf: (row: PageRow) => bigint
  ) =>
    Stream.paginate({ after, left: limit, ratio: strongest }, ({ after, left, ratio }) => {
      const size = Math.min(left, pageSize)
      return Effect.map(limited(operation)(translated(operation)(page(after, size, ratio))), (rows) => {
        const last = rows.at(-1)
        const rest = {
          after: last === undefined ? after : placeOf(last),
          left: left - rows.length,
          ratio: nextRatio(rows, ratio)
        }
        return [rows.map(ofWritten), isFull(rows, size) && rest.left > 0 ? Option.some(rest) : Option.none()] as const
      })
    })

  /** Refuses a position that the log does not have. A reader that began there would skip events that are appended later. */
  const checkPosition = (options: EventStore.AllReadOptions, horizon: EventStore.Horizon) =>
    Effect.gen(function* () {
      const { after, history } = options
      const isPresent = (given: number | undefined) => given === undefined || given >= horizon.history
      const found =
        isPresent(history) && isPresent(typeof after === "object" ? after.history : undefined)
          ? []
          : yield* limited("readAll")(translated("readAll")(sql.unsafe<HistoryRow>(histories(schema))))
      const endOf = (history: number) =>
        // A history that the log never had may have been lost with a failover, or with what a dump did not have.
        found.some((row) => Number(row.history) === history)
          ? Math.min(...found.flatMap((row) => (Number(row.history) > history ? Number(row.beganAfter) : [])))
          : 0
      const refusal = PositionCheck.check("readAll", options, { ...horizon, endOf })
      if (refusal !== undefined) return yield* refusal
    })

  return {
    readStream: (streamId, options = {}) => {
      const refusal = AppendCheck.checkRead("readStream", [{ streamId }])
      if (refusal !== undefined) return Stream.fail(refusal)
      const refusedRange = AppendCheck.checkRange("readStream", options)
      if (refusedRange !== undefined) return Stream.fail(refusedRange)
      const { direction = "forwards", limit = Infinity, types } = options
      const query = readStreamPage(schema, direction)
      return pages(
        "readStream",
        BigInt(options.after ?? beginning(direction)),
        limit,
        (after, size, ratio) => {
          const binds = [keyOf(streamId), after, texts(types), size, BigInt(pageBytes), int4(ratio)]
          return Effect.flatMap(sql.unsafe<StreamPageRow | EmptyPage>(query, binds), (selected) => {
            const { head, hides } = selected[0]!
            const rows = selected.filter((row): row is StreamPageRow => row.position !== null)
            if (hides) return Effect.fail(hidden("readStream", `the schema ${schema}`))
            const range = { direction, after, head: head ?? 0n, isLast: !isFull(rows, size) }
            const gap = types === undefined ? gapIn(rows, range) : undefined
            if (gap === undefined) return Effect.succeed(rows)
            const what = `${gap.to - gap.from + 1n} of the events of ${streamId}, from version ${gap.from} on,`
            return Effect.fail(incomplete("readStream", what))
          })
        },
        ({ version }) => version
      )
    },

    readAll: (options = {}) => {
      const refusal = AppendCheck.checkRange("readAll", options)
      if (refusal !== undefined) return Stream.fail(refusal)
      const { aggregates, correlationId, direction = "forwards", except, limit = Infinity, types } = options
      const isConversation = correlationId !== undefined
      const query = isConversation ? readConversationPage(schema, direction) : readAllPage(schema, direction)
      // The horizon first, each page in a later statement: see `sql/horizon.ts`.
      return Stream.unwrap(
        Effect.gen(function* () {
          let horizon = yield* horizonFor("readAll")
          yield* checkPosition(options, horizon)
          if (isConversation) yield* limited("readAll")(translated("readAll")(checkIndex))
          const page = (after: bigint, size: number, ratio: number) => {
            const binds = [
              after,
              BigInt(Math.min(horizon.position, options.upTo ?? Infinity)),
              texts(aggregates),
              texts(types),
              size,
              BigInt(pageBytes),
              int4(ratio),
              BigInt(horizon.history),
              texts(placesOf(except)),
              ...(isConversation ? [correlationId] : [])
            ]
            return sql.unsafe<PageRow>(query, binds)
          }
          // The log has begun another history since the horizon was asked for. The read goes on if the log still has its
          // place there, and is told otherwise that it has not. Backwards, it must begin anew.
          const inNextHistory = (after: bigint) =>
            Effect.gen(function* () {
              const place = { history: horizon.history, position: Number(after) }
              horizon = yield* horizonFor("readAll")
              yield* checkPosition({ ...options, after: place }, horizon)
            })
          return pages(
            "readAll",
            BigInt(PositionCheck.placeOf(options.after) ?? beginning(direction)),
            limit,
            (after, size, ratio) =>
              Effect.catchIf(
                page(after, size, ratio),
                (error) => direction === "forwards" && isToRepeat(error),
                () =>
                  Effect.andThen(
                    inNextHistory(after),
                    Effect.suspend(() => page(after, size, ratio))
                  )
              ),
            ({ position }) => position
          )
        })
      )
    }
  }
}

/** What a page of a stream was read with, and what is known of its stream. */
interface PageRange {
  readonly direction: Direction
  readonly after: bigint
  /** The version of the stream at the moment of the read. */
  readonly head: bigint
  /** Whether the read ends with the page. */
  readonly isLast: boolean
}

// The versions of a stream go from 1 to its head without a gap. So a page begins with the version next to `after`, each
// version follows the one before, and the last page ends with the head, or backwards with the version 1.
const gapIn = (rows: ReadonlyArray<PageRow>, { after, direction, head, isLast }: PageRange) => {
  const step = direction === "forwards" ? 1n : -1n
  const end = direction === "forwards" ? head + 1n : 0n
  let next = direction === "forwards" || after <= head ? after + step : head
  for (const { version } of rows) {
    if (version !== next) return between(next, version - step)
    next = version + step
  }
  return isLast && (end - next) * step > 0n ? between(next, end - step) : undefined
}

const between = (a: bigint, b: bigint) => (a < b ? { from: a, to: b } : { from: b, to: a })

type Reads = Pick<EventStore.EventStore["Service"], "readStream" | "readAll">

interface HistoryRow {
  readonly history: bigint
  readonly beganAfter: bigint
}

interface OfStream {
  /** The version of the stream; null if there is no such stream. */
  readonly head: bigint | null
  /** Whether a policy may hide rows from the role. */
  readonly hides: boolean
}

interface StreamPageRow extends PageRow, OfStream {}

/** The only row of a stream's page without events. */
interface EmptyPage extends OfStream {
  readonly position: null
}

interface PageRow extends WrittenRow {
  /** The bytes of the page's payloads up to this row. */
  readonly size: bigint
  /** The same as it was taken to be before the payloads were written out. */
  readonly likely: bigint
  /** How many times larger than its stored bytes a compressed payload is; null for any other. */
  readonly ratio: number | null
}

// The most that Postgres' own method compresses, about. A reader begins with it: its first page may be small, but not too large.
const strongest = 128
const weakest = 4

// The strongest compression of the page, and half as much again in case that the next page has stronger ones.
const nextRatio = (rows: ReadonlyArray<PageRow>, before: number): number => {
  const found = rows.reduce((most, { ratio }) => Math.max(most, ratio ?? 0), 0)
  return found === 0 ? before : Math.round(Math.min(Math.max(found * 1.5, weakest), strongest))
}

const beginning = (direction: "forwards" | "backwards"): number =>
  direction === "forwards" ? 0 : Number.MAX_SAFE_INTEGER

const texts = (values: ReadonlyArray<string> | undefined) =>
  values === undefined ? null : array(values, PgTypes.OID.text)
