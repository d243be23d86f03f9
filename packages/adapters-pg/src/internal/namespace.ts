import { sha256 } from "@noble/hashes/sha2.js"
import { utf8ToBytes } from "@noble/hashes/utils.js"

/**
 * The upper 16 bits of the advisory locks of a schema's appends: 1 to 32,767,
 * from the schema's name. Should two schemas of one database share one, readers
 * of either wait for appends of both; nothing is missed.
 */
export const namespaceOf = (schema: string): string => {
  const digest = sha256(utf8ToBytes(schema))
  return String(1 + (((digest[0]! << 8) | digest[1]!) % 32_767))
}
