/**
 * A digest of a text: 12 hexadecimal digits, the same in every process and for
 * every version of the library. It finds out that a text has changed; it does not
 * protect against texts that were made to have the same digest.
 */
export const digest = (text: string): string => {
  let high = 0xdeadbeef
  let low = 0x41c6ce57
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    high = Math.imul(high ^ unit, 2_654_435_761)
    low = Math.imul(low ^ unit, 1_597_334_677)
  }
  high = Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909)
  low = Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909)
  return (hex(high) + hex(low)).slice(-12)
}

const hex = (n: number): string => (n >>> 0).toString(16).padStart(8, "0")
