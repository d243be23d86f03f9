import type { EventStore, EventStoreError } from "@hexfold/core"
import { Effect } from "effect"
import type { SqlClient } from "effect/sql"
import type { Limit } from "../database/disconnect.ts"
import { translated } from "../database/errors.ts"
import { whetherJoined } from "../database/transactions.ts"
import { horizonCall } from "../sql/horizon.ts"

/** Asks for the horizon, on behalf of an operation. */
export type AskHorizon = (operation: EventStoreError["operation"]) => Effect.Effect<EventStore.Horizon, EventStoreError>

/**
 * Asks the server for the horizon. The server may name a lower one than before
 * (see `sql/horizon.ts`); what it named before stays true, so the highest counts.
 */
export const askHorizon = (sql: SqlClient.SqlClient, schema: string, limited: Limit): AskHorizon => {
  let highest = 0
  return (operation) =>
    whetherJoined(sql, (joined) =>
      Effect.map(limited(operation)(translated(operation)(sql.unsafe<Row>(horizonCall(schema), [joined]))), ([row]) => {
        highest = Math.max(highest, Number(row!.o_horizon))
        return { position: highest, drawn: Number(row!.o_last), history: 1, holders: [] }
      })
    )
}

interface Row {
  readonly o_horizon: bigint
  readonly o_last: bigint
}
