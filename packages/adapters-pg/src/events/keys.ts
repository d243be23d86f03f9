import { sha256 } from "@noble/hashes/sha2.js"
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js"

// An index entry of Postgres holds 2,704 bytes at most, and 1,000 characters
// may take 4,000. No id looks like a digest: a stream's id has a name before
// its first "-", and a command's id gets a prefix.
const longest = 2_000

/** What a stream or a command is found by: its id, or the digest of a long one. */
export const keyOf = (id: string): string => {
  if (id.length <= longest / 4) return id
  const bytes = utf8ToBytes(id)
  return bytes.length <= longest ? id : `sha256:${bytesToHex(sha256(bytes))}`
}

/** As {@link keyOf}, for a command's id, which may look like anything. */
export const commandKeyOf = (id: string): string => keyOf(`c:${id}`)
