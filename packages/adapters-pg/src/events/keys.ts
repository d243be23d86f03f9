import { sha256 } from "@noble/hashes/sha2.js"
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js"

// An index entry of Postgres holds 2,704 bytes at most, and 1,000 characters
// may take 4,000. An id never looks like a digest: a stream's id has a name
// before its first "-", and a command's id gets a prefix.
const longest = 2_000

/** The key by which a stream or a command is found: its id, or the digest of a long id. */
export const keyOf = (id: string): string => {
  if (id.length <= longest / 4) return id
  const bytes = utf8ToBytes(id)
  return bytes.length <= longest ? id : `sha256:${bytesToHex(sha256(bytes))}`
}

/** Like {@link keyOf}, but for a command's id, which may be any text. */
export const commandKeyOf = (id: string): string => keyOf(`c:${id}`)
