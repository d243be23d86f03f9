import { PgTypes } from "@effect/sql-pg"
import { type EventStore, EventStoreError, Reason } from "@hexfold/core"
import { AppendCheck, PositionCheck } from "@hexfold/core/adapter"
import { Effect, Option, Stream } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { array, int4 } from "../database/binds.ts"
import type { Limit } from "../database/disconnect.ts"
import { translated } from "../database/errors.ts"
import { ofWritten, type WrittenRow } from "../database/eventRows.ts"
import { histories } from "../sql/history.ts"
import { readAllPage, readStreamPage } from "../sql/readPage.ts"
import type { AskHorizon } from "./horizon.ts"
import { keyOf } from "./keys.ts"

/** What the reads of the log need. */
export interface Options {
  readonly sql: SqlClient.SqlClient
  readonly schema: string
  /** The most events in a page. */
  readonly pageSize: number
  /** How many bytes of payload, as it is written out, end a page. */
  readonly pageBytes: number
  readonly horizonFor: AskHorizon
  readonly limited: Limit
}

/** The reads of events in pages: of one stream, and of the whole log. */
export const logReader = ({ horizonFor, limited, pageBytes, pageSize, schema, sql }: Options): Reads => {
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
        const isFull = rows.length === size || Number(last?.size) >= pageBytes || Number(last?.likely) >= pageBytes
        const rest = {
          after: last === undefined ? after : placeOf(last),
          left: left - rows.length,
          ratio: nextRatio(rows, ratio)
        }
        return [rows.map(ofWritten), isFull && rest.left > 0 ? Option.some(rest) : Option.none()] as const
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
          return Effect.flatMap(sql.unsafe<PageRow>(query, binds), (rows) => {
            const gap = types === undefined ? gapIn(rows, direction === "forwards" ? after : undefined) : undefined
            return gap === undefined ? Effect.succeed(rows) : Effect.fail(incomplete(streamId, gap))
          })
        },
        ({ version }) => version
      )
    },

    readAll: (options = {}) => {
      const refusal = AppendCheck.checkRange("readAll", options)
      if (refusal !== undefined) return Stream.fail(refusal)
      const { aggregates, direction = "forwards", limit = Infinity, types } = options
      const query = readAllPage(schema, direction)
      // The horizon first, each page in a later statement: see `sql/horizon.ts`.
      return Stream.unwrap(
        Effect.gen(function* () {
          const horizon = yield* horizonFor("readAll")
          yield* checkPosition(options, horizon)
          const upTo = BigInt(Math.min(horizon.position, options.upTo ?? Infinity))
          return pages(
            "readAll",
            BigInt(PositionCheck.placeOf(options.after) ?? beginning(direction)),
            limit,
            (after, size, ratio) => {
              const binds = [
                after,
                upTo,
                texts(aggregates),
                texts(types),
                size,
                BigInt(pageBytes),
                int4(ratio),
                BigInt(horizon.history)
              ]
              return sql.unsafe<PageRow>(query, binds)
            },
            ({ position }) => position
          )
        })
      )
    }
  }
}

// The versions of a stream have no gaps. A reader that goes on begins after the version `after`.
const gapIn = (rows: ReadonlyArray<PageRow>, after: bigint | undefined): number | undefined => {
  let before = after
  for (const { version } of rows) {
    if (before !== undefined && version - before !== 1n && before - version !== 1n) {
      return Number(version > before ? before + 1n : before - 1n)
    }
    before = version
  }
  return undefined
}

const incomplete = (streamId: string, version: number) => {
  const detail = `stream ${streamId}: event ${version} cannot be read: it was deleted, or row-level security hides it`
  return new EventStoreError({ operation: "readStream", reason: new Reason.Corrupt({ detail }) })
}

type Reads = Pick<EventStore.EventStore["Service"], "readStream" | "readAll">

interface HistoryRow {
  readonly history: bigint
  readonly beganAfter: bigint
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
