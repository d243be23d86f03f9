/**
 * The index of the part to which a key belongs: FNV-1a over the bytes of its
 * UTF-16 code units, the lower byte first, modulo the number of parts. This
 * function must never change, because stored records are divided by it.
 *
 * http://www.isthe.com/chongo/tech/comp/fnv/
 */
export const partOf = (key: string, of: number): number => {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i++) {
    const unit = key.charCodeAt(i)
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193)
    hash = Math.imul(hash ^ (unit >> 8), 0x01000193)
  }
  return (hash >>> 0) % of
}
