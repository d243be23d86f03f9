/** The options that say where the events are kept. */
import { PgClient } from "@effect/sql-pg"
import { MemoryStores } from "@hexfold/adapters-memory"
import { EmbeddedPostgres, PgStores } from "@hexfold/adapters-pg"
import type { View } from "@hexfold/core"
import { Effect, Layer, Option, type Redacted } from "effect"
import { Flag } from "effect/cli"

export const storeFlags = {
  store: Flag.Literals("store", ["memory", "embedded"]).pipe(
    Flag.withDescription("The store of the events: memory, or an embedded Postgres"),
    Flag.withDefault("memory")
  ),
  dataFolder: Flag.String("data-folder").pipe(
    Flag.withDescription("Where the embedded Postgres keeps its data; a temporary folder if not given"),
    Flag.optional
  ),
  databaseUrl: Flag.Redacted("database-url").pipe(
    Flag.withDescription("A Postgres database for the events, instead of --store"),
    Flag.optional
  )
}

interface Chosen {
  readonly store: "memory" | "embedded"
  readonly dataFolder: Option.Option<string>
  readonly databaseUrl: Option.Option<Redacted.Redacted>
}

/** The stores that the options name, which keep these views. */
export const storesOf = ({ dataFolder, databaseUrl, store }: Chosen, views: ReadonlyArray<View.Any>) =>
  Layer.unwrap(
    Effect.sync(() => {
      if (store === "memory" && Option.isNone(databaseUrl)) return MemoryStores.layer({ views })
      const database = Option.isSome(databaseUrl)
        ? PgClient.layer({ url: databaseUrl.value })
        : EmbeddedPostgres.layerClient(Option.isSome(dataFolder) ? { dataFolder: dataFolder.value } : {})
      return Layer.provide(PgStores.layer({ views }), database)
    })
  )
