import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { StateCache } from "@hexfold/core"
import { Console, Effect, Layer } from "effect"
import { Command, Flag } from "effect/cli"
import { HttpServer } from "effect/http"
import { fileURLToPath } from "node:url"
import { api } from "../api.ts"
import { keeping } from "../keeping.ts"
import { readLog } from "../readLog.ts"
import { grantBudgets, replay } from "../replay.ts"
import { storeFlags, storesOf } from "../stores.ts"
import { announcement } from "./announcement.ts"
import { serving } from "./serving.ts"

const flags = {
  input: Flag.File("input", { mustExist: true }).pipe(
    Flag.withDescription("The log to begin with, a .csv or .csv.gz file; the sample of the repository if not given"),
    Flag.withDefault(fileURLToPath(new URL("../../data/sample.csv", import.meta.url)))
  ),
  rows: Flag.Int("rows").pipe(
    Flag.filter(
      (rows) => rows >= 0,
      () => "a number from 0"
    ),
    Flag.withDescription("How many rows of the log are executed before the server starts"),
    Flag.withDefault(2_000)
  ),
  port: Flag.Int("port").pipe(
    Flag.withDescription("The port of this machine; 0 for any that is free"),
    Flag.withDefault(3_000)
  ),
  ...storeFlags
}

interface Settings {
  readonly input: string
  readonly rows: number
  readonly port: number
}

const run = ({ input, port, rows: most }: Settings) =>
  Effect.gen(function* () {
    const { rows: all } = yield* readLog(input, { skipMalformed: false })
    const rows = all.slice(0, most)
    yield* grantBudgets(rows, 100_000_000)
    const { accepted } = yield* keeping("after", replay(rows, { concurrency: 256, onRow: () => {} }))
    const budget = rows[0]?.budget ?? "budget-1"
    const announcing = HttpServer.addressFormattedWith((url) =>
      Console.log(
        announcement({ accepted, budget, declaration: rows[0]?.declaration, of: all.length, rows: rows.length, url })
      )
    )
    yield* Layer.launch(Layer.provide(Layer.effectDiscard(announcing), serving({ budget, port })))
  })

const command = Command.make("travel-expenses-server", flags, ({ dataFolder, databaseUrl, store, ...settings }) =>
  run(settings).pipe(
    // Without a cache, every payment reads all payments before it.
    Effect.provide(StateCache.layer({ capacity: 1_000 })),
    Effect.provide(storesOf({ dataFolder, databaseUrl, store }, api.views))
  )
).pipe(Command.withDescription("Serves the API of the travel expenses, and a page that shows the declarations live"))

Command.run(command, { version: "0.0.0" }).pipe(
  Effect.catchTag(
    ["MalformedRow", "UnreadableLog", "EmbeddedPostgresError", "EventStoreError", "PageError", "ServeError"],
    (error) =>
      Effect.andThen(
        // The server's error has no message of its own.
        Console.error(error._tag === "ServeError" ? `cannot listen: ${String(error.cause)}` : error.message),
        Effect.sync(() => void (process.exitCode = 1))
      )
  ),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain
)
