/**
 * The index of the part to which a key falls: FNV-1a over its UTF-16 code
 * units, modulo the number of parts. Where records are divided it must never
 * change.
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
