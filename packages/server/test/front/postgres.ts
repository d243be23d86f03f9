/** Stores on a server of Postgres, each in a schema of its own. */
import { Effect, type Redacted } from "effect"
import { client, newSchemaAt, suppliedOn } from "../../../adapters-pg/test/support/database.ts"
import type { Stores } from "./Front.ts"

/** The stores on a server; on that of the tests without a URL. */
export const storesAt =
  (url?: () => Redacted.Redacted): Stores =>
  (views) =>
    Effect.gen(function* () {
      // Each case has connections of its own, and the first calls on a connection take longer than all that follow.
      const config = { maxConnections: 3, ...(url === undefined ? {} : { url: url() }) }
      const schema = yield* newSchemaAt(config)
      return yield* suppliedOn(yield* client(config), { schema, views })
    }).pipe(Effect.orDie)
