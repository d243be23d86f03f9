import { assert, describe, it } from "@effect/vitest"
import { Authenticator } from "@hexfold/server"
import { Tokens } from "@hexfold/server/auth"
import { DateTime, Effect } from "effect"
import * as Jose from "jose"

const issuer = "https://id.example"
const audience = "bank"
const options = { issuer, audience }

/** A key of the issuer, and tokens that it signs. */
const key = (kid: string, alg = "ES256") =>
  Effect.promise(async () => {
    const { privateKey, publicKey } = await Jose.generateKeyPair(alg, { extractable: true })
    const jwk = { ...(await Jose.exportJWK(publicKey)), kid, alg, use: "sig" }
    const token = (claims: Jose.JWTPayload = {}, lifetime = 60) => {
      const made = new Jose.SignJWT({ sub: "ann", iss: issuer, aud: audience, ...claims })
        .setProtectedHeader({ alg, kid })
        .setExpirationTime(Math.floor(Date.now() / 1_000) + lifetime)
      return Effect.promise(() => made.sign(privateKey))
    }
    return { jwk, token, privateKey }
  })

/** An issuer that publishes keys, and counts how often it is asked. */
const published = (keys: Array<Jose.JWK>) => {
  let asked = 0
  const fetch = async () => {
    asked++
    return Response.json({ keys })
  }
  return { asked: () => asked, layer: Tokens.jwks({ ...options, url: `${issuer}/jwks`, fetch }) }
}

const identify = (token: string | undefined) =>
  Effect.flatMap(Authenticator.Authenticator, ({ identify }) =>
    identify(token === undefined ? {} : { authorization: `Bearer ${token}` })
  )

const refused = (token: string) => Effect.map(Effect.flip(identify(token)), ({ _tag }) => _tag)

describe("a token", () => {
  it.live("says who is asking, with which roles, and until when", () =>
    Effect.gen(function* () {
      const { jwk, token } = yield* key("one")
      const issued = published([jwk])
      const given = yield* token({ roles: ["clerk", 7], tenant: "acme" })
      const found = yield* Effect.provide(identify(given), issued.layer)
      assert.strictEqual(found?.caller.subject, "ann")
      assert.deepStrictEqual([...found!.caller.roles], ["clerk"])
      assert.strictEqual(found!.caller.claims["tenant"], "acme")
      assert.isAbove(DateTime.toEpochMillis(found!.until!), Date.now())
      assert.isUndefined(yield* Effect.provide(identify(undefined), issued.layer))
    })
  )

  it.live("of somebody else, for somebody else, at its end, or without an end is refused", () =>
    Effect.gen(function* () {
      const { jwk, privateKey, token } = yield* key("one")
      const endless = yield* Effect.promise(() =>
        new Jose.SignJWT({ sub: "ann", iss: issuer, aud: audience })
          .setProtectedHeader({ alg: "ES256", kid: "one" })
          .sign(privateKey)
      )
      const wrong = [
        yield* token({ iss: "https://evil.example" }),
        yield* token({ aud: "shop" }),
        yield* token({}, -60),
        yield* token({ sub: "" }),
        yield* token({ nbf: Math.floor(Date.now() / 1_000) + 600 }),
        endless
      ]
      yield* Effect.provide(
        Effect.gen(function* () {
          for (const each of wrong) assert.strictEqual(yield* refused(each), "Unauthenticated")
        }),
        published([jwk]).layer
      )
    })
  )

  it.live("that is forged is refused: another key, another algorithm, none, a changed body, and rubbish", () =>
    Effect.gen(function* () {
      const { jwk, token } = yield* key("one")
      const other = yield* key("one")
      const hidden = yield* key("one", "ES384")
      const [header, body, signature] = (yield* token()).split(".") as [string, string, string]
      const json = (text: string) => JSON.parse(Buffer.from(text, "base64url").toString()) as object
      const text = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url")
      const secret = new TextEncoder().encode(JSON.stringify(jwk))
      const symmetric = yield* Effect.promise(() =>
        new Jose.SignJWT({ sub: "ann", iss: issuer, aud: audience })
          .setProtectedHeader({ alg: "HS256", kid: "one" })
          .setExpirationTime("1h")
          .sign(secret)
      )
      const forged = [
        yield* other.token(),
        yield* hidden.token(),
        symmetric,
        new Jose.UnsecuredJWT({ sub: "ann", iss: issuer, aud: audience }).setExpirationTime("1h").encode(),
        `${text({ ...json(header), alg: "none" })}.${body}.`,
        `${header}.${text({ ...json(body), sub: "eve" })}.${signature}`,
        `${header}.${body}.`,
        "a.b.c",
        "rubbish"
      ]
      yield* Effect.provide(
        Effect.gen(function* () {
          for (const each of forged) assert.strictEqual(yield* refused(each), "Unauthenticated")
        }),
        published([jwk, hidden.jwk]).layer
      )
      const basic = Effect.flatMap(Authenticator.Authenticator, ({ identify }) =>
        identify({ authorization: "Basic YTpi" })
      )
      assert.strictEqual((yield* Effect.provide(Effect.flip(basic), published([jwk]).layer))._tag, "Unauthenticated")
    })
  )
})

describe("the keys of an issuer", () => {
  it.live("are fetched once for a thousand requests, and not for every unknown key", () =>
    Effect.gen(function* () {
      const { jwk, token } = yield* key("one")
      const unknown = yield* key("two")
      const issued = published([jwk])
      yield* Effect.provide(
        Effect.gen(function* () {
          const given = yield* token()
          yield* Effect.forEach(Array.from({ length: 1_000 }), () => identify(given), { concurrency: 50 })
          assert.strictEqual(issued.asked(), 1)
          const other = yield* unknown.token()
          for (let i = 0; i < 20; i++) assert.strictEqual(yield* refused(other), "Unauthenticated")
          assert.strictEqual(issued.asked(), 1)
        }),
        issued.layer
      )
    })
  )

  it.live("that cannot be fetched refuse nobody: the caller may try again", () =>
    Effect.gen(function* () {
      const { token } = yield* key("one")
      const given = yield* token()
      for (const fetch of [
        async () => Response.json({}, { status: 500 }),
        async () => new Response("<html>"),
        () => Promise.reject(new TypeError("no network"))
      ]) {
        const layer = Tokens.jwks({ ...options, url: `${issuer}/jwks`, fetch })
        assert.strictEqual(yield* Effect.provide(refused(given), layer), "AuthenticationUnavailable")
      }
    })
  )

  it.live("may be at hand, and may change", () =>
    Effect.gen(function* () {
      const [former, present] = [yield* key("one"), yield* key("two")]
      const layer = Tokens.local({ ...options, keys: { keys: [former.jwk, present.jwk] } })
      for (const { token } of [former, present]) {
        assert.strictEqual((yield* Effect.provide(identify(yield* token()), layer))?.caller.subject, "ann")
      }
      const rotated = Tokens.local({ ...options, keys: { keys: [present.jwk] } })
      assert.strictEqual(yield* Effect.provide(refused(yield* former.token()), rotated), "Unauthenticated")
    })
  )
})
