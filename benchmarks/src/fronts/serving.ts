/** What the programs that are measured share: their stores, a server of Node, and a parent that they end with. */
import { NodeHttpServer } from "@effect/platform-node"
import { MemoryStores } from "@hexfold/adapters-memory"
import { PgStores } from "@hexfold/adapters-pg"
import { Effect, Layer, Redacted } from "effect"
import { HttpServer } from "effect/http"
import { createServer } from "node:http"

/** A server on a free port. */
export const Server = NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" })

/** Tells the parent the port. */
export const ready = Layer.effectDiscard(
  Effect.map(HttpServer.HttpServer, ({ address }) => process.send?.(/:(\d+)$/.exec(String(address))![1]!))
)

/** What the parent gives after the URL: `no-views` for an API without views. */
export const hasViews = process.argv[3] !== "no-views"

/** The stores on Postgres if the parent gives a URL, else in memory. */
export const storesIn = (schema: string) => {
  const url = process.argv[2] ?? ""
  return url === "" ? MemoryStores.layer() : PgStores.layerUrl(Redacted.make(url), { schema })
}

/** Runs the program until its parent ends. */
export const launch = <E>(served: Layer.Layer<never, E>): void => {
  process.on("disconnect", () => process.exit(0))
  Effect.runFork(Layer.launch(served))
}
