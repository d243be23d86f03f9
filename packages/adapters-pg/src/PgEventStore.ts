/** The event store on Postgres, 14 and later. */
import { PgClient, PgTypes } from "@effect/sql-pg"
import { EventStore, EventStoreError, Reason } from "@hexfold/core"
import { AppendCheck } from "@hexfold/core/adapter"
import { Config, Context, Duration, Effect, Layer, Option, type Redacted, Schedule, type Scope, Stream } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { type AppendFailure, appendAll, touchesOf } from "./events/appender.ts"
import { answered } from "./database/disconnect.ts"
import * as batcher from "./events/batcher.ts"
import { array } from "./database/binds.ts"
import { isUndone, translated } from "./database/errors.ts"
import * as inlineAppends from "./views/inlineAppends.ts"
import { InlineDefinitions } from "./views/inlineDefinitions.ts"
import { keyOf } from "./events/keys.ts"
import { type ReadRequest, readAllStreams } from "./events/streamReader.ts"
import { type EventRow, toRecorded } from "./database/eventRows.ts"
import { checkSchemaName, quoted } from "./database/schemaName.ts"
import { sweep } from "./events/sweeper.ts"
import * as wakeups from "./events/wakeups.ts"
import * as PgMigrations from "./PgMigrations.ts"
import { horizonCall } from "./sql/horizon.ts"
import { readAllPage, readStreamPage } from "./sql/readPage.ts"

/** How the store works. */
export interface Options {
  /** The database schema that holds the tables; `hexfold` if not given. */
  readonly schema?: string
  /** Whether to bring the schema up to date at the start; true if not given. */
  readonly migrate?: boolean
  /** The most appends, or reads of streams, that share a call; 512 if not given. */
  readonly maxBatch?: number
  /** The most calls of each kind under way at once, each on a connection of the pool; 2 if not given. */
  readonly maxInFlight?: number
  /** The most events in a page of a read; 1,000 if not given. */
  readonly pageSize?: number
  /** How many bytes of stored payload end a page of a read; 4 MiB if not given. */
  readonly pageBytes?: number
  /** How long a live reader waits at most when it is not woken; 500 ms if not given. */
  readonly pollInterval?: Duration.Input
  /**
   * How long a command id is remembered at least; for ever if not given. A sweep forgets those that are older, and
   * their commands are new ones then: it must be longer than any client goes on repeating.
   */
  readonly commandRetention?: Duration.Input
  /** How often expired command ids are swept, beginning at the start; 1 minute if not given. */
  readonly sweepInterval?: Duration.Input
}

/**
 * An event store on the `PgClient` in the context.
 *
 * Appends and reads of streams from concurrent fibers share calls. Inside
 * `sql.withTransaction` of the same client they join that transaction instead,
 * and are not shared. Such a transaction keeps the streams that it appended to
 * locked until its end, and calls that wait for them wait with all they carry:
 * keep it short, and let it not wait for another append.
 */
export const make = (
  options: Options = {}
): Effect.Effect<
  EventStore.EventStore["Service"],
  EventStoreError,
  PgClient.PgClient | SqlClient.SqlClient | Scope.Scope
> =>
  Effect.gen(function* () {
    const {
      maxBatch = 512,
      maxInFlight = 2,
      pageBytes = 4 << 20,
      pageSize = 1_000,
      pollInterval = "500 millis"
    } = options
    const name = options.schema ?? PgMigrations.defaultSchema
    const retention = Duration.fromInputUnsafe(options.commandRetention ?? "Infinity")
    const sweepInterval = Duration.fromInputUnsafe(options.sweepInterval ?? "1 minute")
    yield* checkNumbers({ maxBatch, maxInFlight, pageBytes, pageSize })
    yield* checkDurations("open", { commandRetention: retention, sweepInterval })
    yield* options.migrate === false ? PgMigrations.verify(name) : PgMigrations.run(name)
    const schema = quoted(name)
    const pg = yield* PgClient.PgClient
    const sql = pg.withoutTransforms()
    const outside = outsideOf(sql)
    const autocommit = yield* readCommitted(sql)
    const { alone, joined: within } = yield* inlineAppends.make({
      S: schema,
      sql,
      views: yield* InlineDefinitions,
      autocommit,
      outside
    })

    const joined = <A, E, R>(f: (joined: boolean) => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      Effect.contextWith((context: Context.Context<never>) =>
        f(Option.isSome(Context.getOption(context, sql.transactionService)))
      )
    // The server may say less than before (see `sql/horizon.ts`), and what it said stays true.
    let highest = 0
    const horizonFor = (operation: EventStoreError["operation"]) =>
      joined((joined) =>
        Effect.map(translated(operation)(sql.unsafe<HorizonRow>(horizonCall(schema), [joined])), ([row]) => {
          highest = Math.max(highest, Number(row!.o_horizon))
          return { horizon: highest, last: Number(row!.o_last) }
        })
      )
    const { announce, horizons } = yield* wakeups.make({
      pg,
      channel: `hexfold_${name}`,
      pollInterval: Duration.fromInputUnsafe(pollInterval),
      horizon: answered(horizonFor("horizons"), "horizons"),
      outside
    })

    const appendBatch = yield* batcher.make<EventStore.Append, EventStore.Appended, AppendFailure>({
      operation: "append",
      call: (appends) =>
        outside(Effect.tap(translated("append")(appendAll(sql, schema, alone, false)(appends)), Effect.sync(announce))),
      isUndone,
      touches: touchesOf,
      maxInFlight,
      maxBatch
    })
    const readBatch = yield* batcher.make<
      ReadRequest,
      EventStore.StreamsRead,
      Effect.Error<ReturnType<Store["readStreams"]>>
    >({
      operation: "readStreams",
      call: (requests) => outside(translated("readStreams")(readAllStreams(sql, schema)(requests))),
      isUndone,
      touches: () => ({ exclusive: [], shared: [] }),
      maxInFlight,
      maxBatch
    })

    // A sweep that failed is made up for by the next one.
    if (Duration.isFinite(retention)) {
      yield* outside(sweep(sql, schema, retention)).pipe(
        Effect.catchCause((cause) => Effect.logDebug("expired command ids were not swept", cause)),
        Effect.repeat(Schedule.spaced(sweepInterval)),
        Effect.forkScoped
      )
    }

    // Reads page after page; each begins behind the last event of the one before.
    const pages = (
      operation: EventStoreError["operation"],
      after: bigint,
      limit: number,
      page: (after: bigint, limit: number) => Effect.Effect<ReadonlyArray<PageRow>, SqlError.SqlError>,
      keyOf: (row: PageRow) => bigint
    ) =>
      Stream.paginate({ after, left: limit }, ({ after, left }) => {
        const size = Math.min(left, pageSize)
        return Effect.map(translated(operation)(page(after, size)), (rows) => {
          const last = rows.at(-1)
          const isLast = last === undefined || (rows.length < size && Number(last.size) < pageBytes)
          const rest = { after: last === undefined ? after : keyOf(last), left: left - rows.length }
          return [
            rows.map((row) => toRecorded(row, row.stream_id)),
            isLast || rest.left <= 0 ? Option.none() : Option.some(rest)
          ] as const
        })
      })

    return EventStore.EventStore.of({
      append: (append) => {
        const checked = AppendCheck.check(append)
        if ("_tag" in checked) return Effect.fail(checked)
        return joined((joined) => {
          if (!joined) return appendBatch(checked)
          return Effect.flatMap(translated("append")(appendAll(sql, schema, within, true)([checked])), ([exit]) =>
            Effect.andThen(sql.afterCommit(Effect.sync(announce)), exit!)
          )
        })
      },

      readStreams: (requests, command) => {
        const refusal = AppendCheck.checkRead("readStreams", requests, command)
        if (refusal !== undefined) return Effect.fail(refusal)
        return joined((joined) =>
          joined
            ? Effect.flatMap(
                translated("readStreams")(readAllStreams(sql, schema)([{ requests, command }])),
                ([exit]) => exit!
              )
            : readBatch({ requests, command })
        )
      },

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
          (after, size) => sql.unsafe<PageRow>(query, [keyOf(streamId), after, texts(types), size, BigInt(pageBytes)]),
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
          Effect.map(horizonFor("readAll"), ({ horizon }) => {
            const upTo = BigInt(Math.min(horizon, options.upTo ?? Infinity))
            return pages(
              "readAll",
              BigInt(options.after ?? beginning(direction)),
              limit,
              (after, size) =>
                sql.unsafe<PageRow>(query, [after, upTo, texts(aggregates), texts(types), size, BigInt(pageBytes)]),
              ({ position }) => position
            )
          })
        )
      },

      horizons
    })
  })

/**
 * Supplies the event store on the application's own `PgClient`: one pool, and
 * one scope of transactions for both. While there are live readers one
 * connection of the pool listens, so the pool needs more than one.
 *
 * @example
 * ```ts
 * import { PgEventStore } from "@hexfold/adapters-pg"
 * import { PgClient } from "@effect/sql-pg"
 * import { Layer, Redacted } from "effect"
 *
 * const Database = PgClient.layer({ url: Redacted.make("postgres://postgres@localhost/postgres") })
 *
 * const Stores = PgEventStore.layer({ schema: "accounting" }).pipe(Layer.provideMerge(Database))
 * ```
 */
export const layer = (
  options: Options = {}
): Layer.Layer<EventStore.EventStore, EventStoreError, PgClient.PgClient | SqlClient.SqlClient> =>
  Layer.effect(EventStore.EventStore, make(options))

/**
 * Supplies the event store together with a client of its own.
 *
 * @example
 * ```ts
 * import { PgEventStore } from "@hexfold/adapters-pg"
 * import { Redacted } from "effect"
 *
 * const Stores = PgEventStore.layerUrl(Redacted.make("postgres://postgres@localhost/postgres"))
 * ```
 */
export const layerUrl = (
  url: Redacted.Redacted,
  options: Options = {}
): Layer.Layer<EventStore.EventStore | PgClient.PgClient | SqlClient.SqlClient, EventStoreError | SqlError.SqlError> =>
  Layer.provideMerge(layer(options), PgClient.layer({ url, applicationName: "hexfold" }))

/**
 * As {@link layerUrl}, with the URL from the configuration: `DATABASE_URL`.
 *
 * @example
 * ```ts
 * import { PgEventStore } from "@hexfold/adapters-pg"
 *
 * const Stores = PgEventStore.layerConfig()
 * ```
 */
export const layerConfig = (
  options: Options = {}
): Layer.Layer<
  EventStore.EventStore | PgClient.PgClient | SqlClient.SqlClient,
  EventStoreError | SqlError.SqlError | Config.ConfigError
> => Layer.unwrap(Effect.map(Config.Redacted("DATABASE_URL"), (url) => layerUrl(url, options)))

/**
 * Forgets the command ids that are older than `olderThan`, and tells how many
 * they were: for a job of its own, where no store has a `commandRetention`.
 * Works in small transactions of its own, also inside a caller's: there on
 * another connection of the pool. Any number may run at once, beside appends.
 *
 * @example
 * ```ts
 * import { PgEventStore } from "@hexfold/adapters-pg"
 * import { PgClient } from "@effect/sql-pg"
 * import { Effect, Redacted } from "effect"
 *
 * const url = Redacted.make("postgres://postgres@localhost/postgres")
 *
 * PgEventStore.sweepCommands({ olderThan: "30 days" }).pipe(Effect.provide(PgClient.layer({ url })))
 * ```
 */
export const sweepCommands = (options: {
  /** The schema of the store; `hexfold` if not given. */
  readonly schema?: string
  readonly olderThan: Duration.Input
}): Effect.Effect<number, EventStoreError, SqlClient.SqlClient> =>
  Effect.gen(function* () {
    const schema = options.schema ?? PgMigrations.defaultSchema
    const olderThan = Duration.fromInputUnsafe(options.olderThan)
    yield* checkSchemaName(schema)
    yield* checkDurations("maintenance", { olderThan })
    const sql = (yield* SqlClient.SqlClient).withoutTransforms()
    return yield* translated("maintenance")(outsideOf(sql)(sweep(sql, quoted(schema), olderThan)))
  })

type Store = EventStore.EventStore["Service"]

interface HorizonRow {
  readonly o_horizon: bigint
  readonly o_last: bigint
}

interface PageRow extends EventRow {
  readonly stream_id: string
  readonly size: bigint
}

const beginning = (direction: "forwards" | "backwards"): number =>
  direction === "forwards" ? 0 : Number.MAX_SAFE_INTEGER

const texts = (values: ReadonlyArray<string> | undefined) =>
  values === undefined ? null : array(values, PgTypes.OID.text)

const checkNumbers = (options: Readonly<Record<string, number>>): Effect.Effect<void, EventStoreError> => {
  const wrong = Object.entries(options).find(([, value]) => !(Number.isSafeInteger(value) && value > 0))
  return wrong === undefined
    ? Effect.void
    : refuse("open", `${wrong[0]} must be a whole number above 0, not ${wrong[1]}`)
}

const checkDurations = (
  operation: EventStoreError["operation"],
  options: Readonly<Record<string, Duration.Duration>>
): Effect.Effect<void, EventStoreError> => {
  const wrong = Object.entries(options).find(([, value]) => !Duration.isPositive(value))
  return wrong === undefined
    ? Effect.void
    : refuse(operation, `${wrong[0]} must be above 0, not ${Duration.format(wrong[1])}`)
}

const refuse = (operation: EventStoreError["operation"], detail: string) =>
  Effect.fail(new EventStoreError({ operation, reason: new Reason.Rejected({ detail }) }))

// Outside of any transaction of the fiber that happens to run the effect.
const outsideOf =
  (sql: SqlClient.SqlClient) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.updateContext(
      effect,
      (context: Context.Context<R>) => Context.omit(sql.transactionService)(context) as Context.Context<R>
    )

// The append function needs a fresh snapshot for each of its statements. Where
// the database or the role defaults to more, each call says what it needs.
const readCommitted = (sql: SqlClient.SqlClient) =>
  Effect.map(
    translated("open")(
      sql.unsafe<{ readonly level: string }>("select current_setting('default_transaction_isolation') as level")
    ),
    ([row]) =>
      <A, E>(call: Effect.Effect<A, E>): Effect.Effect<A, E | SqlError.SqlError> =>
        row!.level === "read committed"
          ? call
          : Effect.provideService(
              sql.withTransaction(call),
              SqlClient.BeginTransaction,
              "BEGIN ISOLATION LEVEL READ COMMITTED"
            )
  )
