import { EventStoreError, Reason } from "@hexfold/core"
import { Effect } from "effect"

/** Refuses a name that would mean something else without quotes. */
export const checkSchemaName = (schema: string): Effect.Effect<void, EventStoreError> =>
  /^[a-z][a-z0-9_]{0,39}$/.test(schema) && !schema.startsWith("pg_")
    ? Effect.void
    : Effect.fail(
        new EventStoreError({
          operation: "open",
          reason: new Reason.Rejected({
            detail: `${JSON.stringify(schema)} cannot name a schema: use lower-case letters, digits and "_"`
          })
        })
      )

/** A checked name for a statement. It is quoted, because it may be a reserved word. */
export const quoted = (schema: string): string => `"${schema}"`
