/** Sizes of JSON as Postgres writes jsonb out: the unit of every limit, because it is what a reader receives. */
import type * as Schema from "effect/Schema"

/** The bytes of a text in UTF-8. */
export const utf8Bytes = (text: string): number => {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 0x80) bytes += beyondAscii(code)
  }
  return bytes
}

// How many bytes more than one a UTF-16 unit beyond ASCII takes. A surrogate pair has two units and four bytes.
const beyondAscii = (code: number): number => (code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 1 : 2)

/** The bytes of a valid JSON value as Postgres writes jsonb: a space after `:` and `,`, and numbers without an exponent. */
export const jsonBytes = (value: Schema.Json): number => {
  if (typeof value === "string") return textBytes(value)
  if (typeof value === "number") return numberBytes(value)
  if (typeof value === "boolean") return value ? 4 : 5
  if (value === null) return 4
  let bytes = 2
  let members = 0
  if (Array.isArray(value)) {
    for (const member of value as Schema.JsonArray) bytes += jsonBytes(member)
    members = value.length
  } else {
    const object = value as Schema.JsonObject
    for (const key in object) {
      bytes += textBytes(key) + 2 + jsonBytes(object[key]!)
      members++
    }
  }
  return members === 0 ? bytes : bytes + 2 * (members - 1)
}

// One loop counts what UTF-8 adds and what escapes add. Two loops take twice the time for a large text. A regular
// expression finds that a large text has neither, in a third of the time of the loop: 1.3 ms for a MiB, and not 4.0 ms.
const textBytes = (text: string): number => {
  let bytes = 2 + text.length
  if (text.length > large && plain.test(text)) return bytes
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 0x80) bytes += beyondAscii(code)
    else if (code === 0x22 || code === 0x5c) bytes += 1
    else if (code < 0x20) bytes += (code >= 0x08 && code <= 0x0a) || code === 0x0c || code === 0x0d ? 1 : 5
  }
  return bytes
}

const large = 256

// Printable ASCII without the quotation mark and the backslash.
const plain = /^[ !#-[\]-~]*$/

const numberBytes = (value: number): number => {
  const text = JSON.stringify(value)
  const e = text.indexOf("e")
  if (e < 0) return text.length
  const sign = value < 0 ? 1 : 0
  const exponent = Number(text.slice(e + 1))
  const dot = text.indexOf(".")
  const decimals = dot < 0 ? 0 : e - dot - 1
  // JavaScript writes an exponent from 1e21 on, where at most 17 digits are not zeros, and below 1e-6.
  return sign + (exponent > 0 ? exponent + 1 : 2 + decimals - exponent)
}
