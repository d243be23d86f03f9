import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { ProjectionMonitor, StateCache } from "@hexfold/core"
import cliProgress from "cli-progress"
import { Console, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { fileURLToPath } from "node:url"
import { Budget } from "./Budget.ts"
import { projectionsTable } from "./charts.ts"
import { Declaration } from "./Declaration.ts"
import { definitions, keeping, verified, type Way } from "./keeping.ts"
import { exportLog, importLog } from "./moving.ts"
import { overview } from "./overview.ts"
import { readLog } from "./readLog.ts"
import { grantBudgets, replay } from "./replay.ts"
import { report } from "./report.ts"
import { statesOf } from "./states.ts"
import { storeFlags, storesOf } from "./stores.ts"

const flags = {
  input: Flag.File("input", { mustExist: true }).pipe(
    Flag.withDescription("The log to execute, a .csv or .csv.gz file; the sample of the repository if not given"),
    Flag.withDefault(fileURLToPath(new URL("../data/sample.csv", import.meta.url)))
  ),
  ...storeFlags,
  import: Flag.File("import", { mustExist: true }).pipe(
    Flag.withDescription("An exported log to import before the first row, a .ndjson or .ndjson.gz file"),
    Flag.optional
  ),
  export: Flag.String("export").pipe(
    Flag.withDescription("Where to write the log of the events after the last row, a .ndjson or .ndjson.gz file"),
    Flag.optional
  ),
  views: Flag.Literals("views", ["after", "live", "inline"]).pipe(
    Flag.withDescription("How views are kept: brought up to date after the last row; live; or inline, by the appends"),
    Flag.withDefault("after")
  ),
  verify: Flag.Boolean("verify").pipe(
    Flag.withDescription("Compare the views with the events at the end"),
    Flag.withDefault(false)
  ),
  budgetLimit: Flag.Int("budget-limit").pipe(
    Flag.withDescription("The amount that each budget of the log is granted before the first row, in euros"),
    Flag.withDefault(1_000_000)
  ),
  skipMalformed: Flag.Boolean("skip-malformed").pipe(
    Flag.withDescription("Count malformed rows and go on, instead of stopping before the first command"),
    Flag.withDefault(false)
  )
}

interface Settings {
  readonly input: string
  readonly skipMalformed: boolean
  readonly budgetLimit: number
  readonly views: Way
  readonly verify: boolean
  readonly import: Option.Option<string>
  readonly export: Option.Option<string>
}

const run = ({ budgetLimit, input, skipMalformed, verify, views, ...moves }: Settings) =>
  Effect.gen(function* () {
    if (Option.isSome(moves.import)) yield* Console.log(yield* importLog(moves.import.value))
    const { malformed, rows } = yield* readLog(input, { skipMalformed })
    yield* grantBudgets(rows, budgetLimit * 100)
    const bar = new cliProgress.SingleBar({
      format: "{bar} {percentage}% | {value}/{total} rows | {eta} s left",
      etaBuffer: 2_000
    })
    bar.start(rows.length, 0)
    let seconds = 0
    const executed = Effect.gen(function* () {
      const started = performance.now()
      const outcome = yield* replay(rows, { concurrency: 256, onRow: () => bar.increment() })
      seconds = (performance.now() - started) / 1_000
      bar.stop()
      const status = yield* ProjectionMonitor.status(definitions(views))
      if (views !== "after") yield* Console.log(`At the last row\n${projectionsTable(status)}`)
      return outcome
    }).pipe(Effect.ensuring(Effect.sync(() => bar.stop())))
    const outcome = yield* keeping(views, executed)
    yield* Console.log(
      report(outcome, malformed.length, yield* statesOf(Declaration), yield* statesOf(Budget), seconds)
    )
    yield* Console.log(yield* overview)
    if (verify) yield* Console.log(`\n${yield* verified}`)
    if (Option.isSome(moves.export)) yield* Console.log(yield* exportLog(moves.export.value))
  })

const command = Command.make("travel-expenses", flags, ({ dataFolder, databaseUrl, store, ...settings }) => {
  const program = run(settings).pipe(
    // Without a cache, every payment reads all payments before it, and payments at the same time race.
    Effect.provide(StateCache.layer({ capacity: 1_000 }))
  )
  return Effect.provide(program, storesOf({ dataFolder, databaseUrl, store }, definitions(settings.views)))
}).pipe(Command.withDescription("Executes a log of expense declarations, each row as a command"))

Command.run(command, { version: "0.0.0" }).pipe(
  Effect.catchTag(
    [
      "MalformedRow",
      "UnreadableLog",
      "EmbeddedPostgresError",
      "EventStoreError",
      "PlatformError",
      "InvalidLogFile",
      "ImportRefused"
    ],
    (error) =>
      Effect.andThen(
        Console.error(error.message),
        Effect.sync(() => void (process.exitCode = 1))
      )
  ),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain
)
