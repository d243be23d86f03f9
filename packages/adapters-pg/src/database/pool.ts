import type { PgClient } from "@effect/sql-pg"
import { Predicate } from "effect"

/** The most connections of a client. The driver's default counts where the client does not say. */
export const poolSizeOf = ({ config }: PgClient.PgClient): number =>
  Predicate.hasProperty(config, "maxConnections") && typeof config.maxConnections === "number"
    ? config.maxConnections
    : 10
