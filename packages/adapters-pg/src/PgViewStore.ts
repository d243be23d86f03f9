/** The records of views on Postgres, 14 and later, with both their ports: a table for each generation of a view. */
import { Projection, ProjectionStore, type Query, Reason, ViewStore, ViewStoreError } from "@hexfold/core"
import { CommitCheck } from "@hexfold/core/adapter"
import { Context, Duration, Effect, Layer } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { defaultTimeout, limiting } from "./database/disconnect.ts"
import { translatedOf } from "./database/errors.ts"
import { gathering } from "./database/gathering.ts"
import { quoted } from "./database/schemaName.ts"
import { awaitServer, defaultStartTimeout } from "./database/starting.ts"
import { transactionOf, whetherJoined } from "./database/transactions.ts"
import { checkLimits } from "./events/optionChecks.ts"
import * as PgMigrations from "./PgMigrations.ts"
import { thisProcess } from "./server/thisProcess.ts"
import { claiming, renewing } from "./views/claims.ts"
import { committing } from "./views/commits.ts"
import { InlineDefinitions } from "./views/inlineDefinitions.ts"
import { reader } from "./views/reader.ts"

/** The options of both stores. */
export interface Options {
  /** The database schema that holds the tables. `hexfold` by default. */
  readonly schema?: string
  /** Whether to bring the schema up to date at the start. True by default; otherwise the schema is only checked. */
  readonly migrate?: boolean
  /** How long the layer waits at its start for a server that is still starting. 5 seconds by default. */
  readonly startTimeout?: Duration.Input
  /**
   * The most time that an operation may take, with its wait for locks and for a connection; of a rebuild or a fold in
   * pages, the load and the commit of each page. 10 seconds by default. An operation without an answer is cancelled, and
   * fails with a `Timeout`. Nobody knows then whether a commit has happened; the next claim tells. Inside a caller's
   * transaction the end of its cancellation is awaited too, for as long again at most. The migrations at
   * the start have no limit. Indexes are made while their table is empty, which takes no time.
   */
  readonly timeout?: Duration.Input
  /**
   * How long a version of a view may have no owner before it counts as left: if another version is used after that and
   * events have come, it does not answer until its projection has caught up again. 1 minute by default.
   */
  readonly leftAfter?: Duration.Input
}

// Longer than the time in which another process takes over from one that died.
const defaultLeftAfter: Duration.Input = "1 minute"

/** Both ports to the records of views. */
export type Supplied = ViewStore.ViewStore | ProjectionStore.ProjectionStore

/**
 * Both stores of views on the `SqlClient` in the context.
 *
 * Inside `sql.withTransaction` of the same client its operations join that
 * transaction: a commit happens with it or not at all, and other commits of the
 * same part wait for its end. The first claim of a generation creates its table
 * and indexes, so it needs the right to create them.
 *
 * It also supplies `Projection.Process`, so that owners are named by the host, the process and the
 * `applicationName` of the client. What the context has of it already counts.
 */
export const make = (
  options: Options = {}
): Effect.Effect<Context.Context<Supplied>, ViewStoreError, SqlClient.SqlClient> =>
  Effect.gen(function* () {
    const name = options.schema ?? PgMigrations.defaultSchema
    const timeout = Duration.fromInputUnsafe(options.timeout ?? defaultTimeout)
    const migrating =
      options.migrate === false ? PgMigrations.verify({ schema: name }) : PgMigrations.run({ schema: name })
    yield* Effect.andThen(checkLimits("open", { timeout }), migrating).pipe(
      awaitServer(options.startTimeout ?? defaultStartTimeout),
      Effect.mapError(({ reason }) => new ViewStoreError({ operation: "open", reason }))
    )
    const schema = quoted(name)
    const sql = (yield* SqlClient.SqlClient).withoutTransforms()
    // Each statement sees what was committed while the one before waited for a lock.
    const transaction = transactionOf(sql)
    const leftAfter = Duration.toSeconds(options.leftAfter ?? defaultLeftAfter)
    const claim = claiming(name, schema, sql, leftAfter)
    const { commit, drop } = committing(schema, sql, yield* InlineDefinitions)
    const read = reader(name, schema, sql, leftAfter)
    const limited = limiting(sql, timeout)
    const within =
      (operation: ViewStoreError["operation"], view?: string) =>
      <A, E>(call: Effect.Effect<A, E | SqlError.SqlError>) => {
        const onTimeout = (detail: string) =>
          new ViewStoreError({
            operation,
            ...(view === undefined ? {} : { view }),
            reason: new Reason.Timeout({ detail })
          })
        return limited(onTimeout)(translatedOf(operation, view)(call))
      }
    const query = (query: Query.Query | Query.Count | Query.Groups, version: number) =>
      within("query", query.view)(read.query(query, version))

    const reading = ViewStore.ViewStore.of({
      load: (from, keys) => within("load", from.view)(read.load(from, keys)),
      query: query as ViewStore.ViewStore["Service"]["query"],
      status: within("status")(read.status)
    })
    const deadLetters = (generation: ProjectionStore.Generation, what?: ProjectionStore.DeadLetterOptions | "count") =>
      within(
        "deadLetters",
        generation.view
      )<Counted, never>(what === "count" ? read.deadLetterCounts(generation) : read.deadLetters(generation, what))

    const renewTogether = renewing(schema, sql)
    const renew = gathering((claims: ReadonlyArray<ProjectionStore.Claim>) =>
      within("claim")(transaction(renewTogether(claims)))
    )
    // A renewal inside a caller's transaction belongs to that transaction alone.
    const claimOrRenew = (given: ProjectionStore.Claim) =>
      whetherJoined(sql, (joined) =>
        given.renews === undefined || joined
          ? transaction(claim(given))
          : Effect.flatMap(renew(given), (renewed) =>
              renewed === undefined ? transaction(claim(given)) : Effect.succeed(renewed)
            )
      )

    const writing = ProjectionStore.ProjectionStore.of({
      claim: (given) => {
        const refused = CommitCheck.checkClaim(given)
        if (refused !== undefined) return Effect.fail(refused)
        return within("claim", given.generation.view)(claimOrRenew(given))
      },

      load: (generation, keys) => within("load", generation.view)(read.loadOf(generation, keys)),

      commit: (given) => {
        const checked = CommitCheck.check(given)
        if ("_tag" in checked) return Effect.fail(checked)
        return within("commit", given.owner.generation.view)(transaction(commit(checked)))
      },

      drop: (owner) => {
        const refused = CommitCheck.checkDrop(owner)
        if (refused !== undefined) return Effect.fail(refused)
        return within("drop", owner.generation.view)(transaction(drop(owner)))
      },

      deadLetters: deadLetters as ProjectionStore.ProjectionStore["Service"]["deadLetters"]
    })
    const [named] = yield* within("open")(
      sql.unsafe<{ readonly name: string }>("select pg_catalog.current_setting('application_name') as name")
    )
    // What the application says of its process counts.
    const process = {
      ...thisProcess(),
      ...(named?.name ? { application: named.name } : {}),
      ...(yield* Projection.Process)
    }
    return Context.make(ViewStore.ViewStore, reading).pipe(
      Context.add(ProjectionStore.ProjectionStore, writing),
      Context.add(Projection.Process, process)
    )
  })

type Counted = ReadonlyArray<ProjectionStore.DeadLetter> | ProjectionStore.DeadLetterCounts

/**
 * Supplies both stores on the application's own client. They share its pool and its
 * transactions.
 *
 * @example
 * ```ts
 * import { PgViewStore } from "@hexfold/adapters-pg"
 * import { PgClient } from "@effect/sql-pg"
 * import { Layer, Redacted } from "effect"
 *
 * const Database = PgClient.layer({ url: Redacted.make("postgres://postgres@localhost/postgres") })
 *
 * const Stores = PgViewStore.layer({ schema: "accounting" }).pipe(Layer.provideMerge(Database))
 * ```
 */
export const layer = (options: Options = {}): Layer.Layer<Supplied, ViewStoreError, SqlClient.SqlClient> =>
  Layer.effectContext(make(options))
