/** The keys under which stores keep ids: an id as it is, or the digest of one that is too long for an index. */
import { sha256 } from "@noble/hashes/sha2.js"
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js"

/**
 * The consumer and the position of the event from which a command's id was derived, if it was. Such an id must not be
 * forgotten while the event lies after the position of the consumer, or waits as a dead letter.
 */
export { derivedFrom } from "../commands/derivedIds.ts"

// An index entry of Postgres holds 2,704 bytes at most, and 1,000 characters
// may take 4,000. An id never looks like a digest: a stream's id has a name
// before its first "-", and a command's id gets a prefix.
const longest = 2_000

/**
 * The key of a stream's id: the id, or the digest of a long one.
 *
 * @example
 * ```ts
 * import { StoreKey } from "@hexfold/core/adapter"
 *
 * StoreKey.of("Account-1") // "Account-1"
 * ```
 */
export const of = (id: string): string => {
  if (id.length <= longest / 4) return id
  const bytes = utf8ToBytes(id)
  return bytes.length <= longest ? id : `sha256:${bytesToHex(sha256(bytes))}`
}

/** The key of a command's id. The id may be any text. */
export const ofCommand = (id: string): string => of(`c:${id}`)

/** The command's id of a key, undefined if the key is a digest. */
export const commandIdOf = (key: string): string | undefined => (key.startsWith("c:") ? key.slice(2) : undefined)
