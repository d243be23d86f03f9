import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"

/** Seals cursors and opens them. */
export interface Seal {
  readonly seal: (cursor: string) => Effect.Effect<string>
  /** The cursor that was sealed, or `undefined` if this key has not sealed it. */
  readonly open: (sealed: string) => Effect.Effect<string | undefined>
}

/** How the cursors of queries are sealed; not at all by default. */
export const CursorKey: Context.Reference<Seal | undefined> = Context.Reference<Seal | undefined>(
  "@hexfold/core/CursorKey",
  { defaultValue: () => undefined }
)

const encode = Schema.encodeSync(Schema.Uint8ArrayFromBase64Url)
const decode = Schema.decodeResult(Schema.Uint8ArrayFromBase64Url)

const algorithm = "AES-GCM"

// Twelve random bytes stand before the text, as the algorithm asks for. A key may seal some billions of cursors.
const nonceLength = 12

/** Seals by a secret text: nobody without it can read a cursor or make one. */
export const sealOf = (secret: Redacted.Redacted): Seal => {
  const { subtle } = crypto
  const bytes = new TextEncoder().encode(Redacted.value(secret))
  let made: ReturnType<typeof subtle.importKey> | undefined
  const key = () =>
    (made ??= subtle
      .digest("SHA-256", bytes)
      .then((digest) => subtle.importKey("raw", digest, algorithm, false, ["encrypt", "decrypt"])))

  const seal = async (cursor: string): Promise<string> => {
    const iv = crypto.getRandomValues(new Uint8Array(nonceLength))
    const sealed = await subtle.encrypt({ name: algorithm, iv }, await key(), new TextEncoder().encode(cursor))
    return encode(new Uint8Array([...iv, ...new Uint8Array(sealed)]))
  }

  const open = async (sealed: string): Promise<string | undefined> => {
    const given = new Uint8Array(Result.getOrElse(decode(sealed), () => []))
    if (given.length <= nonceLength) return undefined
    const iv = given.subarray(0, nonceLength)
    const used = await key()
    // Whatever does not open was not sealed by this key.
    const opened = await subtle
      .decrypt({ name: algorithm, iv }, used, given.subarray(nonceLength))
      .catch(() => undefined)
    return opened === undefined ? undefined : new TextDecoder().decode(opened)
  }

  return {
    seal: (cursor) => Effect.promise(() => seal(cursor)),
    open: (sealed) => Effect.promise(() => open(sealed))
  }
}
