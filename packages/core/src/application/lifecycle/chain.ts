/** The hash chain of an exported log. Pure. */
import { sha256 } from "@noble/hashes/sha2.js"
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js"

/** The digits of a hash: half of a SHA-256, which keeps a line short and is enough to find any change. */
const digits = 32

/** The hash of a line after the hash of the line before, which is "" for the first line. */
const hashOf = (previous: string, text: string): string =>
  bytesToHex(sha256(utf8ToBytes(previous + text)).subarray(0, digits / 2))

const hashMember = ',"hash":"'
const lengthOfHash = hashMember.length + digits + 2

/** A line whose hash is right, without the hash; and the hash. */
export interface Linked {
  readonly text: string
  readonly hash: string
}

/** The line of a text, with its hash and a line feed. */
export const link = (previous: string, text: string): { readonly line: string; readonly hash: string } => {
  const hash = hashOf(previous, text)
  return { line: `${text}${hashMember}${hash}"}\n`, hash }
}

/** Takes the hash off a line, or says why the line is not the one after the line before. */
export const unlink = (previous: string, line: string): Linked | string => {
  const at = line.length - lengthOfHash
  if (at < 0 || !line.startsWith(hashMember, at) || !line.endsWith('"}')) {
    return "does not end with its hash: the line was cut or changed, or the file is not an exported log"
  }
  const text = line.slice(0, at)
  const hash = line.slice(at + hashMember.length, -2)
  return hash === hashOf(previous, text)
    ? { text, hash }
    : "its hash does not fit: this line or the order of the lines was changed, or a line is missing or doubled before it"
}
