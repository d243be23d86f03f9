/**
 * A process that watches a live query at each server, and writes each result down, over all ends of its connections.
 *   node watcher.ts ORIGINS FOLDER COUNT
 */
import { Remote } from "@hexfold/client"
import { Query } from "@hexfold/core"
import { Effect, Stream } from "effect"
import { join } from "node:path"
import { write } from "../kills/lines.ts"
import "../rounds/endWithParent.ts"
import { Tallies } from "./bank.ts"
import type { ResultLine } from "./check.ts"
import { watched } from "./graphql.ts"

const [origins, folder, count] = process.argv.slice(2) as [string, string, string]
const servers = origins.split(",")
const query = Query.from(Tallies, { orderBy: [["last", "asc"]], limit: 100 })

const shown = (i: number) => (tallies: ResultLine["tallies"]) =>
  Effect.sync(() => write(join(folder, `results-${i}.jsonl`), { tallies } satisfies ResultLine))

// Half of them ask over HTTP, half over GraphQL.
const watch = (i: number) => {
  const url = servers[i % servers.length]!
  if (i % 4 < 2) return Stream.runForEach(watched(url, `watcher${i}`), shown(i))
  return Remote.live(Tallies, query).pipe(
    Stream.runForEach(({ rows }) => shown(i)(Object.fromEntries(rows.map(({ key, state }) => [key, state.count])))),
    Effect.provide(Remote.layerFetch({ url, headers: { authorization: `Bearer watcher${i}` } }))
  )
}

await Effect.runPromise(
  Effect.forEach(
    Array.from({ length: Number(count) }, (_, i) => i),
    watch,
    { concurrency: "unbounded", discard: true }
  )
)
