/** The event store on Postgres, 14 and later. */
import { PgClient } from "@effect/sql-pg"
import { EventStore, type EventStoreError, LogTransfer, StreamDirectory, StreamLocks } from "@hexfold/core"
import { AppendCheck } from "@hexfold/core/adapter"
import { Context, Duration, Effect, Layer, type Redacted, type Scope } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { checkIndex } from "./conversations/indexes.ts"
import { defaultTimeout, limitOf } from "./database/disconnect.ts"
import { isBlocked, isExpired, isStandby, isUndone, translated } from "./database/errors.ts"
import { checkLog } from "./database/logChecks.ts"
import { clientConfig, databaseUrl, poolSizeOf, whetherToListen } from "./database/client.ts"
import { checkSchemaName, quoted } from "./database/schemaName.ts"
import { awaitServer, defaultStartTimeout } from "./database/starting.ts"
import { isJoined, outsideOf, readCommitted, transactionOf, whetherJoined } from "./database/transactions.ts"
import { touched } from "./events/appendBinds.ts"
import { type Answer, type AppendFailure, appendAll, touchesOf } from "./events/appender.ts"
import * as batcher from "./events/batcher.ts"
import { watchHeld } from "./events/heldHorizon.ts"
import { askHorizon, type KnownHistory } from "./events/horizon.ts"
import { logReader } from "./events/logReader.ts"
import { checkDurations, checkLimits, checkNumbers } from "./events/optionChecks.ts"
import { type ReadRequest, readAllStreams } from "./events/streamReader.ts"
import * as singleAppend from "./events/singleAppend.ts"
import { sweep, sweepEvery } from "./events/sweeper.ts"
import { streamDirectory } from "./directory/streamDirectory.ts"
import * as streamLocks from "./events/streamLocks.ts"
import * as wakeups from "./events/wakeups.ts"
import { logTransfer } from "./transfer/logTransfer.ts"
import * as PgMigrations from "./PgMigrations.ts"
import * as inlineAppends from "./views/inlineAppends.ts"
import { InlineDefinitions } from "./views/inlineDefinitions.ts"

/** The options of the event store. */
export interface Options {
  /** The database schema that holds the tables. `hexfold` by default. */
  readonly schema?: string
  /** Whether to bring the schema up to date at the start. True by default; otherwise the schema is only checked. */
  readonly migrate?: boolean
  /** The most appends, or reads of streams, that share a call. 512 by default. */
  readonly maxBatch?: number
  /**
   * The most calls of appends, and of reads, under way at once; each uses a connection of the pool. 2 by default.
   * While calls are stuck, a few more may be under way: a fifth of the pool, and at least 1.
   */
  readonly maxInFlight?: number
  /** The most events in a page of a read. 1,000 by default. */
  readonly pageSize?: number
  /** The bytes of payload, as it is written out, after which a page of a read ends. 4 MiB by default. */
  readonly pageBytes?: number
  /**
   * The most time that a statement may take; of a read in pages, each page. 10 seconds by default. A statement
   * without an answer is cancelled, and fails with a `Timeout`. Nobody knows then whether an append has happened.
   * Inside a caller's transaction the end of its cancellation is awaited too, for as long again at most.
   * The migrations at the start have no limit.
   */
  readonly timeout?: Duration.Input
  /**
   * How long an append waits for streams that another transaction holds. The same as `timeout` by default. It then
   * fails with a `Timeout` that names the stream, and has done nothing. Appends to other streams go on meanwhile.
   */
  readonly lockTimeout?: Duration.Input
  /**
   * Whether a connection pooler in transaction mode, such as pgbouncer, stands between the client and the server.
   * Then live readers poll and do not listen for notifications. `layerUrl` and `layerConfig` turn prepared statements
   * off; a client of the application must be made with `prepare: false`.
   */
  readonly pooler?: "transaction"
  /** How long the layer waits at its start for a server that is still starting. 5 seconds by default. */
  readonly startTimeout?: Duration.Input
  /**
   * How long an open append may hold readers and views back before the store logs a warning that names it; another
   * follows each minute. 10 seconds by default.
   */
  readonly warnHeldAfter?: Duration.Input
  /** The longest time that a live reader waits if no notification wakes it. 500 ms by default. */
  readonly pollInterval?: Duration.Input
  /**
   * The least time for which a command id is remembered. Forever by default. A sweep forgets older ids; a repeated
   * command is executed again then. So this must be longer than any client repeats a command.
   */
  readonly commandRetention?: Duration.Input
  /** The time between two sweeps of expired command ids; the first is at the start. 1 minute by default. */
  readonly sweepInterval?: Duration.Input
}

/**
 * An event store on the `PgClient` in the context.
 *
 * Appends and reads of streams from concurrent fibers share calls. Inside
 * `sql.withTransaction` of the same client they join that transaction instead, and
 * do not share calls. Such a transaction locks the streams that it appended to
 * until its end. Appends to these streams wait for it, for `lockTimeout` at most;
 * appends to other streams go on. So keep such a transaction short, and do not let
 * it wait for another append.
 *
 * A command inside such a transaction is tried once, and uses no state cache. Repeat
 * the transaction as a whole, best with `PgStores.transaction`. Run the commands of one
 * transaction one after the other: two fibers of it that write to the same
 * stream at once may conflict.
 */
export const make = (
  options: Options = {}
): Effect.Effect<
  EventStore.EventStore["Service"],
  EventStoreError,
  PgClient.PgClient | SqlClient.SqlClient | Scope.Scope
> => Effect.map(open(options), ({ store }) => store)

const open = (options: Options) =>
  Effect.gen(function* () {
    const { maxBatch = 512, maxInFlight = 2, pageBytes = 4 << 20, pageSize = 1_000 } = options
    const name = options.schema ?? PgMigrations.defaultSchema
    const pollInterval = Duration.fromInputUnsafe(options.pollInterval ?? "500 millis")
    const retention = Duration.fromInputUnsafe(options.commandRetention ?? "Infinity")
    const sweepInterval = Duration.fromInputUnsafe(options.sweepInterval ?? "1 minute")
    yield* checkNumbers({ maxBatch, maxInFlight, pageBytes, pageSize })
    const timeout = Duration.fromInputUnsafe(options.timeout ?? defaultTimeout)
    const lockTimeout = Duration.fromInputUnsafe(options.lockTimeout ?? timeout)
    yield* checkDurations("open", { commandRetention: retention, sweepInterval })
    const warnHeldAfter = Duration.fromInputUnsafe(options.warnHeldAfter ?? "10 seconds")
    yield* checkDurations("open", { warnHeldAfter })
    yield* checkLimits("open", { timeout, lockTimeout })
    const pg = yield* PgClient.PgClient
    const listens = yield* whetherToListen(pg, options.pooler)
    yield* (
      options.migrate === false ? PgMigrations.verify({ schema: name }) : PgMigrations.run({ schema: name })
    ).pipe(awaitServer(options.startTimeout ?? defaultStartTimeout))
    const schema = quoted(name)
    const sql = pg.withoutTransforms()
    const outside = outsideOf(sql)
    const limited = limitOf(sql, timeout)
    const autocommit = yield* limited("open")(readCommitted(sql))
    const views = yield* InlineDefinitions
    const inline = yield* inlineAppends.make({ schema, sql, views, autocommit, outside, limited })
    const { alone, joined: within, ordered } = inline
    const known: KnownHistory = { log: undefined, checked: 0n, check: checkLog(sql, name) }
    const watch = watchHeld(name, warnHeldAfter)
    const horizonFor = askHorizon({ sql, schema, limited, known, watch })
    yield* outside(horizonFor("open")).pipe(
      // A standby can still read single streams. Appends and horizons are refused, each time.
      Effect.catchIf(isStandby, ({ message }) => Effect.logWarning(`hexfold: ${message}`))
    )
    const spare = Math.max(1, Math.floor(poolSizeOf(pg) / 5))
    const { announce, horizons } = yield* wakeups.make({
      pg,
      listens,
      schema: name,
      pollInterval,
      ask: (names) => horizonFor("horizons", { names }),
      // Listeners and notifications are no part of a transaction of the fiber that needs them first.
      limited: (query) => outside(limited("horizons")(query)),
      outside
    })
    const sweeping = sweep({ sql, schema, olderThan: retention, timeout, committed: autocommit })
    if (Duration.isFinite(retention)) yield* sweepEvery(name, sweepInterval, sweeping)

    const single = singleAppend.make(sql, schema, autocommit)
    const appendBatch = yield* batcher.make<EventStore.Append, Answer, AppendFailure>({
      operation: "append",
      call: (appends, lockTimeout) => {
        const call = appendAll(sql, schema, alone, false, { lockTimeout, known, single })(appends)
        return outside(limited("append")(Effect.tap(translated("append")(call), Effect.sync(announce))))
      },
      isUndone,
      isBlocked,
      isExpired,
      touches: touchesOf,
      describe: (append) => `an append to ${namesOf(touched(append))}`,
      maxInFlight,
      spare,
      maxBatch,
      lockTimeout
    })
    const readBatch = yield* batcher.make<ReadRequest, EventStore.StreamsRead, ReadFailure>({
      operation: "readStreams",
      call: (requests) =>
        outside(limited("readStreams")(translated("readStreams")(readAllStreams(sql, schema, known)(requests)))),
      isUndone,
      isBlocked: () => false,
      isExpired,
      touches: () => ({ exclusive: [], shared: [] }),
      describe: ({ requests }) => `a read of ${namesOf(requests)}`,
      maxInFlight,
      spare,
      maxBatch,
      lockTimeout: timeout
    })

    // Half of the pool stays free for appends and reads.
    const places = Math.max(1, Math.floor(poolSizeOf(pg) / 2))
    const locks = streamLocks.make({ sql, schema, ordered, limited, timeout, lockTimeout, places })

    const store = EventStore.EventStore.of({
      append: (append) => {
        const checked = AppendCheck.check(append)
        if ("_tag" in checked) return Effect.fail(checked)
        return whetherJoined(sql, (joined) => {
          if (!joined) return appendBatch(checked)
          const waits = { lockTimeout: Math.ceil(Duration.toMillis(lockTimeout)) }
          const call = translated("append")(appendAll(sql, schema, within, true, { ...waits, known })([checked]))
          return Effect.flatMap(limited("append")(call), ([exit]) =>
            Effect.andThen(sql.afterCommit(Effect.sync(announce)), exit!)
          )
        })
      },

      readStreams: (requests, command) => {
        const refusal = AppendCheck.checkRead("readStreams", requests, command)
        if (refusal !== undefined) return Effect.fail(refusal)
        return whetherJoined(sql, (joined) => {
          if (!joined) return readBatch({ requests, command })
          const reading = translated("readStreams")(readAllStreams(sql, schema, known)([{ requests, command }]))
          return Effect.flatMap(limited("readStreams")(reading), ([exit]) => exit!)
        })
      },

      ...logReader({ sql, schema, pageSize, pageBytes, horizonFor, limited, checkIndex: checkIndex(sql, name) }),
      horizons,
      inTransaction: isJoined(sql)
    })
    const transfer = logTransfer({ sql, schema, limited, pageSize, pageBytes })
    return { store, locks, transfer, directory: streamDirectory({ sql, schema, limited }) }
  })

/** What the layers supply: the event store, the locks and the list of its streams, and what moves its log. */
export type Supplied =
  | EventStore.EventStore
  | StreamLocks.StreamLocks
  | StreamDirectory.StreamDirectory
  | LogTransfer.LogTransfer

/**
 * Supplies the event store, and what belongs to it, on the application's own `PgClient`:
 * both share one pool and its transactions. While there are live readers, one connection of the
 * pool listens for notifications. In a pool of one connection they poll instead.
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
): Layer.Layer<Supplied, EventStoreError, PgClient.PgClient | SqlClient.SqlClient> =>
  Layer.effectContext(
    Effect.map(open(options), ({ directory, locks, store, transfer }) =>
      Context.make(EventStore.EventStore, store).pipe(
        Context.add(StreamLocks.StreamLocks, locks),
        Context.add(StreamDirectory.StreamDirectory, directory),
        Context.add(LogTransfer.LogTransfer, transfer)
      )
    )
  )

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
): Layer.Layer<Supplied | PgClient.PgClient | SqlClient.SqlClient, EventStoreError | SqlError.SqlError> =>
  Layer.provideMerge(layer(options), PgClient.layer(clientConfig(url, options.pooler)))

/**
 * Like {@link layerUrl}, but with the URL from the configuration: `DATABASE_URL`,
 * an environment variable unless another `ConfigProvider` is installed. Fails
 * with an `EventStoreError` (`Rejected`) that names it if it is not set.
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
): Layer.Layer<Supplied | PgClient.PgClient | SqlClient.SqlClient, EventStoreError | SqlError.SqlError> =>
  Layer.unwrap(Effect.map(databaseUrl, (url) => layerUrl(url, options)))

/**
 * Forgets the command ids that are older than `olderThan`, and returns how many
 * it has forgotten. It is meant for a job of its own, where no store has a
 * `commandRetention`. It works in small transactions of its own; inside a caller's
 * transaction it uses another connection of the pool. Any number of sweeps may run
 * at once, beside appends.
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
  /** The schema of the store. `hexfold` by default. */
  readonly schema?: string
  /** The age from which a command id is forgotten. */
  readonly olderThan: Duration.Input
  /** The most time that each of the small transactions may take. 10 seconds by default. It then fails with a `Timeout`. */
  readonly timeout?: Duration.Input
}): Effect.Effect<number, EventStoreError, SqlClient.SqlClient> =>
  Effect.gen(function* () {
    const schema = options.schema ?? PgMigrations.defaultSchema
    const olderThan = Duration.fromInputUnsafe(options.olderThan)
    yield* checkSchemaName(schema)
    yield* checkDurations("maintenance", { olderThan })
    const timeout = Duration.fromInputUnsafe(options.timeout ?? defaultTimeout)
    yield* checkLimits("maintenance", { timeout })
    const sql = (yield* SqlClient.SqlClient).withoutTransforms()
    return yield* sweep({ sql, schema: quoted(schema), olderThan, timeout, committed: transactionOf(sql) })
  })

type ReadFailure = Effect.Error<ReturnType<EventStore.EventStore["Service"]["readStreams"]>>

const namesOf = (streams: ReadonlyArray<{ readonly streamId: string }>): string => {
  const names = streams.slice(0, 3).map(({ streamId }) => JSON.stringify(streamId))
  return names.join(", ") + (streams.length > 3 ? " and others" : "")
}
