/**
 * The hash chain of an exported log: FNV-1a with 64 bits over all texts of the lines up
 * to the present one, in UTF-8. It finds what happens to a file by accident. It does not
 * protect against somebody who changes a file and makes the hashes anew: for that, keep
 * a digest of the whole file elsewhere. A SHA-256 of each line would take half of the
 * time of an export. Pure, with a state.
 */

/** The digits of a hash. */
const digits = 16

const hashMember = ',"hash":"'
const lengthOfHash = hashMember.length + digits + 2

/** The lines of one file, one after the other. */
export interface Chain {
  /** The line of a text, with its hash and a line feed. */
  readonly link: (text: string) => string
  /** Takes the hash off a line, or says why the line is not the one after the line before. */
  readonly unlink: (line: string) => { readonly text: string; readonly hash: string } | string
}

/** The chain of a file from its beginning on. */
export const make = (): Chain => {
  let high = 0xcbf29ce4
  let low = 0x84222325

  /** Adds a text, and gives the hash. */
  const add = (text: string): string => {
    const bytes = encoded(text)
    let [h, l] = [high, low]
    for (let i = 0; i < bytes.length; i++) {
      // Times 2^40 + 435, in halves of 32 bits.
      l ^= bytes[i]!
      const lowest = (l & 0xffff) * prime
      const next = (l >>> 16) * prime + (lowest >>> 16)
      h = (Math.imul(h, prime) + (next >>> 16) + (l << 8)) | 0
      l = (next << 16) | (lowest & 0xffff)
    }
    high = h
    low = l
    return hex(h) + hex(l)
  }

  return {
    link: (text) => `${text}${hashMember}${add(text)}"}\n`,

    unlink: (line) => {
      const at = line.length - lengthOfHash
      if (at < 0 || !line.startsWith(hashMember, at) || !line.endsWith('"}')) {
        return "does not end with its hash: the line was cut or changed, or the file is not an exported log"
      }
      const text = line.slice(0, at)
      const hash = line.slice(at + hashMember.length, -2)
      return hash === add(text)
        ? { text, hash }
        : "its hash does not fit: this line or the order of the lines was changed, or a line is missing or doubled before it"
    }
  }
}

const prime = 435

const hex = (half: number): string => (half >>> 0).toString(16).padStart(digits / 2, "0")

const encoder = new TextEncoder()

// Most lines are short: their bytes need no memory of their own.
const buffer = new Uint8Array(1 << 16)

/** The bytes of a text, until the next call. */
const encoded = (text: string): Uint8Array =>
  3 * text.length > buffer.length ? encoder.encode(text) : buffer.subarray(0, encoder.encodeInto(text, buffer).written)
