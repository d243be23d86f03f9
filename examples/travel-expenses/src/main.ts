import { PgClient } from "@effect/sql-pg"
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { MemoryEventStore, MemoryViewStore } from "@hexfold/adapters-memory"
import { EmbeddedPostgres, PgEventStore, PgViewStore } from "@hexfold/adapters-pg"
import { StateCache } from "@hexfold/core"
import cliProgress from "cli-progress"
import { Console, Effect, Layer, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { fileURLToPath } from "node:url"
import { Budget } from "./Budget.ts"
import { Declaration } from "./Declaration.ts"
import { overview, project } from "./overview.ts"
import { readLog } from "./readLog.ts"
import { grantBudgets, replay } from "./replay.ts"
import { report } from "./report.ts"
import { statesOf } from "./states.ts"

const flags = {
  input: Flag.File("input", { mustExist: true }).pipe(
    Flag.withDescription("The log to execute, a .csv or .csv.gz file; the sample of the repository if not given"),
    Flag.withDefault(fileURLToPath(new URL("../data/sample.csv", import.meta.url)))
  ),
  store: Flag.Literals("store", ["memory", "embedded"]).pipe(
    Flag.withDescription("Where the events go: into memory, or into an embedded Postgres"),
    Flag.withDefault("memory")
  ),
  dataFolder: Flag.String("data-folder").pipe(
    Flag.withDescription("Where the embedded Postgres keeps its data; a temporary folder if not given"),
    Flag.optional
  ),
  databaseUrl: Flag.Redacted("database-url").pipe(
    Flag.withDescription("A Postgres database for the events, instead of --store"),
    Flag.optional
  ),
  budgetLimit: Flag.Int("budget-limit").pipe(
    Flag.withDescription("What each budget of the log is granted before the first row, in euros"),
    Flag.withDefault(1_000_000)
  ),
  skipMalformed: Flag.Boolean("skip-malformed").pipe(
    Flag.withDescription("Count malformed rows and go on, instead of stopping before the first command"),
    Flag.withDefault(false)
  )
}

const run = (file: string, skipMalformed: boolean, budgetLimit: number) =>
  Effect.gen(function* () {
    const { malformed, rows } = yield* readLog(file, { skipMalformed })
    yield* grantBudgets(rows, budgetLimit * 100)
    const bar = new cliProgress.SingleBar({
      format: "{bar} {percentage}% | {value}/{total} rows | {eta} s left",
      etaBuffer: 2_000
    })
    bar.start(rows.length, 0)
    const started = performance.now()
    const outcome = yield* replay(rows, { concurrency: 256, onRow: () => bar.increment() }).pipe(
      Effect.ensuring(Effect.sync(() => bar.stop()))
    )
    const seconds = (performance.now() - started) / 1_000
    yield* Console.log(
      report(outcome, malformed.length, yield* statesOf(Declaration), yield* statesOf(Budget), seconds)
    )
    yield* project
    yield* Console.log(yield* overview)
  })

const stores = Layer.merge(PgEventStore.layer(), PgViewStore.layer())

const command = Command.make(
  "travel-expenses",
  flags,
  ({ budgetLimit, dataFolder, databaseUrl, input, skipMalformed, store }) => {
    const program = run(input, skipMalformed, budgetLimit).pipe(
      // Without it every payment would read all payments before it, and payments at the same time would race.
      Effect.provide(StateCache.layer({ capacity: 1_000 }))
    )
    if (Option.isSome(databaseUrl)) {
      return Effect.provide(program, Layer.provide(stores, PgClient.layer({ url: databaseUrl.value })))
    }
    return store === "memory"
      ? Effect.provide(program, Layer.merge(MemoryEventStore.layer, MemoryViewStore.layer))
      : Effect.provide(
          program,
          Layer.provide(
            stores,
            EmbeddedPostgres.layerClient(Option.isSome(dataFolder) ? { dataFolder: dataFolder.value } : {})
          )
        )
  }
).pipe(Command.withDescription("Executes a log of expense declarations, each row as a command"))

Command.run(command, { version: "0.0.0" }).pipe(
  Effect.catchTag(["MalformedRow", "UnreadableLog", "EmbeddedPostgresError", "EventStoreError"], (error) =>
    Effect.andThen(
      Console.error(error.message),
      Effect.sync(() => void (process.exitCode = 1))
    )
  ),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain
)
