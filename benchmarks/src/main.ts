// The README advises applications to do this: compiled schemas encode and decode faster than interpreted ones.
import "effect/schema/SchemaJITCompiler/enable"
import { EmbeddedPostgres } from "@hexfold/adapters-pg"
import { Effect, Redacted } from "effect"
import { commands as fronts } from "./fronts/commands.ts"
import { conversations } from "./conversations.ts"
import { watching } from "./fronts/watchers.ts"
import { growth } from "./growth.ts"
import { idle } from "./idle.ts"
import { inline } from "./inline.ts"
import { keep, machine, print, type Report } from "./measure.ts"
import { large } from "./large.ts"
import { liveQueries } from "./liveQueries.ts"
import { locked } from "./locked.ts"
import { many } from "./many.ts"
import { memory } from "./memory.ts"
import { moving } from "./moving.ts"
import { outside } from "./outside.ts"
import { postgres } from "./postgres.ts"
import { reactors } from "./reactions/reactors.ts"
import { steps } from "./reactions/steps.ts"
import { reading } from "./reading.ts"
import { snapshots } from "./snapshots.ts"
import { subscriptions } from "./subscriptions.ts"
import { timers } from "./reactions/timers.ts"
import { transfers } from "./transfers.ts"
import { versions } from "./versions.ts"
import { views } from "./views.ts"

// The arguments name the benchmarks to run. Without arguments all are run.
const suites: Readonly<Record<string, (url: string) => Promise<ReadonlyArray<Report>>>> = {
  memory: () => memory(),
  postgres,
  growth: (url) => growth(url, 100_000, 5_000_000),
  conversations: (url) => conversations(url),
  reading,
  large,
  many,
  locked,
  snapshots,
  moving: (url) => moving(url),
  subscriptions,
  liveQueries,
  transfers,
  versions: () => versions(),
  views,
  outside,
  reactors,
  steps,
  timers,
  idle,
  inline,
  fronts,
  watching
}
const chosen = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(suites)

const run = (url: string) =>
  Effect.promise(async () => {
    console.log(machine())
    for (const name of chosen) {
      const suite = suites[name]
      if (suite === undefined) throw new Error(`no benchmark is called ${name}: ${Object.keys(suites).join(", ")}`)
      const reports = await suite(url)
      reports.forEach(print)
      keep(name, reports, {
        server: url === "" ? undefined : "embedded Postgres 18, its defaults, on the same machine"
      })
    }
  })

const program = chosen.every((name) => name === "memory" || name === "versions")
  ? run("")
  : Effect.flatMap(EmbeddedPostgres.EmbeddedPostgres, ({ url }) => run(Redacted.value(url))).pipe(
      Effect.provide(EmbeddedPostgres.layer({ parameters: { max_connections: 300 } }))
    )

await Effect.runPromise(program)
process.exit(0)
