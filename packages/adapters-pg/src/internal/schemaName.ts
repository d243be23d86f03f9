import { EventStoreError } from "@hexfold/core"
import { sha256 } from "@noble/hashes/sha2.js"
import { utf8ToBytes } from "@noble/hashes/utils.js"
import { Effect } from "effect"

/** Refuses a name that would need quotes: it stands in every statement as it is. */
export const checkSchemaName = (schema: string): Effect.Effect<void, EventStoreError.EventStoreError> =>
  /^[a-z][a-z0-9_]{0,39}$/.test(schema)
    ? Effect.void
    : Effect.fail(
        new EventStoreError.EventStoreError({
          operation: "open",
          reason: new EventStoreError.Rejected({
            detail: `${JSON.stringify(schema)} cannot name a schema: use lower-case letters, digits and "_"`
          })
        })
      )

/**
 * The upper 16 bits of the advisory locks of a schema's appends: 1 to 32,767,
 * from the schema's name. Should two schemas of one database share one, readers
 * of either wait for appends of both; nothing is missed.
 */
export const namespaceOf = (schema: string): string => {
  const digest = sha256(utf8ToBytes(schema))
  return String(1 + (((digest[0]! << 8) | digest[1]!) % 32_767))
}
