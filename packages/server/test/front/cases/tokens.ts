/** Callers by signed tokens, whose keys an issuer publishes over a socket of its own. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { assert } from "@effect/vitest"
import { Tokens } from "@hexfold/server/auth"
import { Effect, Option, type Scope } from "effect"
import * as Jose from "jose"
import { guarded } from "../../http/bank.ts"
import type { Cases, Front, Open } from "../Front.ts"

const issuer = "https://id.example"
const audience = "bank"

/** A key of the issuer, and the tokens that it signs. */
const newKey = (kid: string, alg = "ES256") =>
  Effect.promise(async () => {
    const { privateKey, publicKey } = await Jose.generateKeyPair(alg, { extractable: true })
    const jwk: Jose.JWK = { ...(await Jose.exportJWK(publicKey)), kid, alg, use: "sig" }
    const token = (claims: Jose.JWTPayload = {}, seconds = 600) =>
      Effect.promise(() =>
        new Jose.SignJWT({ sub: "ann", iss: issuer, aud: audience, ...claims })
          .setProtectedHeader({ alg, kid })
          .setExpirationTime(Math.floor(Date.now() / 1_000) + seconds)
          .sign(privateKey)
      )
    return { jwk, token }
  })

/** What publishes the keys, and how often it was asked. */
const publisher = (keys: Array<Jose.JWK>): Effect.Effect<{ readonly url: string; asked: number }, never, Scope.Scope> =>
  Effect.gen(function* () {
    const published = { url: "", asked: 0 }
    const server = createServer((_, response) => {
      published.asked++
      response.setHeader("content-type", "application/json").end(JSON.stringify({ keys }))
    })
    yield* Effect.acquireRelease(
      Effect.promise(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))),
      () =>
        Effect.promise(async () => {
          server.closeAllConnections()
          await new Promise((resolve) => server.close(resolve))
        })
    )
    published.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`
    return published
  })

/** A server whose callers come with tokens of the keys. */
const withKeys = (open: Open, keys: Array<Jose.JWK>) =>
  Effect.gen(function* () {
    const published = yield* publisher(keys)
    const front = yield* open(guarded, { callers: Tokens.jwks({ url: published.url, issuer, audience }) })
    return { front, published }
  })

const opening = ({ json }: Front, id: string, as: string, headers: Record<string, string> = {}, owner = "ann") =>
  json(`/aggregates/Account/${id}/Open`, { body: { owner }, as, headers })

export const tokens: Cases = {
  "a token says who is asking and with which roles, and events name the caller": (open) =>
    Effect.gen(function* () {
      const key = yield* newKey("one")
      const { front } = yield* withKeys(open, [key.jwk])
      const { body, status } = yield* opening(front, "a", yield* key.token({ roles: ["auditor"] }))
      assert.strictEqual(status, 200)
      assert.deepInclude(body.events[0]!, { actor: "ann" })
      assert.strictEqual((yield* opening(front, "b", yield* key.token({ sub: "bob" }))).status, 403)
    }),

  "a token of another algorithm, issuer, audience, key or time is refused, and so is an unsigned or a changed one": (
    open
  ) =>
    Effect.gen(function* () {
      const key = yield* newKey("one")
      const other = yield* newKey("one")
      const unknown = yield* newKey("unknown")
      const weak = yield* newKey("weak", "ES384")
      const { front, published } = yield* withKeys(open, [key.jwk, weak.jwk])
      const claims = { sub: "ann", iss: issuer, aud: audience }
      const [header, body, signature] = (yield* key.token()).split(".") as [string, string, string]
      const text = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url")
      const secret = new TextEncoder().encode(JSON.stringify(key.jwk))
      const symmetric = new Jose.SignJWT(claims)
        .setProtectedHeader({ alg: "HS256", kid: "one" })
        .setExpirationTime("1h")
      const refused = [
        yield* weak.token(),
        yield* other.token(),
        yield* unknown.token(),
        yield* Effect.promise(() => symmetric.sign(secret)),
        new Jose.UnsecuredJWT(claims).setExpirationTime("1h").encode(),
        `${text({ alg: "none", kid: "one" })}.${body}.`,
        `${header}.${text({ ...claims, sub: "eve", exp: 4_000_000_000 })}.${signature}`,
        yield* key.token({ iss: "https://evil.example" }),
        yield* key.token({ aud: "shop" }),
        yield* key.token({}, -60),
        yield* key.token({ nbf: Math.floor(Date.now() / 1_000) + 600 }),
        yield* key.token({ sub: "" }),
        "rubbish"
      ]
      for (const [i, token] of refused.entries()) {
        const { body: problem, status } = yield* opening(front, "a", token)
        assert.deepStrictEqual([status, problem["title"]], [401, "Unauthenticated"], `token ${i}`)
        assert.notInclude(JSON.stringify(problem), "ERR_")
      }
      assert.strictEqual((yield* opening(front, "a", yield* key.token())).status, 200)
      assert.strictEqual(published.asked, 1)
    }),

  "the keys are fetched once for a thousand requests": (open) =>
    Effect.gen(function* () {
      const key = yield* newKey("one")
      const { front, published } = yield* withKeys(open, [key.jwk])
      const as = yield* key.token()
      yield* Effect.forEach(
        Array.from({ length: 1_000 }),
        () => Effect.map(front.ask("/aggregates/Account/a", { as }), ({ status }) => assert.strictEqual(status, 403)),
        { concurrency: 50, discard: true }
      )
      assert.strictEqual(published.asked, 1)
    }),

  "the issuer may change its keys: a new one is fetched, and a token of an old one is refused": (open) =>
    Effect.gen(function* () {
      const former = yield* newKey("former")
      const present = yield* newKey("present")
      const keys = [former.jwk]
      const { front, published } = yield* withKeys(open, keys)
      assert.strictEqual((yield* opening(front, "a", yield* former.token())).status, 200)
      keys.splice(0, 1, present.jwk)
      // An unknown key is asked for at most twice a minute, so it is half a minute later.
      yield* later(31_000)
      assert.strictEqual((yield* opening(front, "b", yield* present.token())).status, 200)
      assert.strictEqual((yield* opening(front, "c", yield* former.token())).status, 401)
      assert.strictEqual(published.asked, 2)
    }),

  "a live stream ends with its token, with a proper end": (open) =>
    Effect.gen(function* () {
      const key = yield* newKey("one")
      const { front } = yield* withKeys(open, [key.jwk])
      const as = yield* key.token({ roles: ["auditor"] }, 2)
      for (const path of ["/events?from=now", "/live/Accounts", "/live/Accounts/a"]) {
        const frames = yield* front.events(path, { as })
        assert.strictEqual(frames.response.status, 200)
        let last = yield* frames.frame
        while (Option.isSome(last)) {
          assert.notStrictEqual(last.value.event, "error")
          last = yield* frames.frame
        }
      }
    }),

  "the keys of commands are the caller's own, whatever they are made of": (open) =>
    Effect.gen(function* () {
      const key = yield* newKey("one")
      const { front } = yield* withKeys(open, [key.jwk])
      const under = (sub: string, id: string, name: string) =>
        Effect.flatMap(key.token({ sub }), (as) => opening(front, id, as, { "idempotency-key": name }, sub))
      const one = yield* under("a:b", "one", "c")
      const two = yield* under("a", "two", "b:c")
      const three = yield* under('a","b', "three", "c")
      assert.deepStrictEqual([one.status, two.status, three.status], [200, 200, 200])
      assert.isFalse([one, two, three].some(({ body }) => body["repeated"] === true))
    })
}

/** Sets the clock of this process on, until the scope closes. */
const later = (milliseconds: number): Effect.Effect<void, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const { now } = Date
      Date.now = () => now.call(Date) + milliseconds
      return now
    }),
    (now) =>
      Effect.sync(() => {
        Date.now = now
      })
  )
