/** Callers by signed tokens (JSON Web Tokens), in the header `Authorization: Bearer …`. */
import { Policy } from "@hexfold/core"
import { Clock, DateTime, Duration, Effect, Layer } from "effect"
import * as Jose from "jose"
import { Authenticator, type Identity } from "../Authenticator.ts"
import { AuthenticationUnavailable, Unauthenticated } from "../errors.ts"

/** What a token says, once its signature is verified. */
export type Claims = Readonly<Record<string, unknown>>

/** Which tokens count. */
export interface Options {
  /** Who must have made the token: its claim `iss`. */
  readonly issuer: string
  /** For whom the token must be: its claim `aud`. */
  readonly audience: string
  /** The algorithms of signatures. `ES256`, `RS256` and `EdDSA` by default. A token never chooses another one. */
  readonly algorithms?: ReadonlyArray<string>
  /** The roles of a caller. By default the texts of the claim `roles`. */
  readonly roles?: (claims: Claims) => ReadonlyArray<string>
  /** How far the clocks of the issuer and of this process may differ. 5 seconds by default. */
  readonly tolerance?: Duration.Input
}

/** Which tokens count, and where the keys of their issuer are. */
export interface RemoteOptions extends Options {
  /** Where the issuer publishes its keys, as a JSON Web Key Set. */
  readonly url: string
  /** How keys are fetched. `fetch` by default. */
  readonly fetch?: Jose.FetchImplementation
}

/** Which tokens count, and the keys of their issuer. */
export interface LocalOptions extends Options {
  readonly keys: Jose.JSONWebKeySet
}

/**
 * Identifies callers by tokens that are verified with the keys which their issuer publishes. The keys are fetched once
 * for all requests, again after ten minutes, and for a key that is not among them, at most twice a minute. While they
 * cannot be fetched, nobody can be identified: `AuthenticationUnavailable`.
 *
 * @example
 * ```ts
 * import { Tokens } from "@hexfold/server/auth"
 *
 * const Callers = Tokens.jwks({
 *   url: "https://id.example/.well-known/jwks.json",
 *   issuer: "https://id.example",
 *   audience: "expenses"
 * })
 * ```
 */
export const jwks = ({ fetch, url, ...options }: RemoteOptions): Layer.Layer<Authenticator> =>
  Layer.sync(Authenticator, () =>
    identifying(
      Jose.createRemoteJWKSet(new URL(url), fetch === undefined ? {} : { [Jose.customFetch]: fetch }),
      options
    )
  )

/**
 * Identifies callers by tokens that are verified with keys at hand.
 *
 * @example
 * ```ts
 * import { Tokens } from "@hexfold/server/auth"
 * import type { JSONWebKeySet } from "jose"
 *
 * declare const keys: JSONWebKeySet
 *
 * const Callers = Tokens.local({ keys, issuer: "https://id.example", audience: "expenses" })
 * ```
 */
export const local = ({ keys, ...options }: LocalOptions): Layer.Layer<Authenticator> =>
  Layer.sync(Authenticator, () => identifying(Jose.createLocalJWKSet(keys), options))

const identifying = (keys: Jose.JWTVerifyGetKey, options: Options): Authenticator["Service"] => {
  const {
    algorithms = ["ES256", "RS256", "EdDSA"],
    audience,
    issuer,
    roles = rolesOf,
    tolerance = "5 seconds"
  } = options
  return {
    identify: ({ authorization }) =>
      Effect.gen(function* () {
        if (authorization === undefined) return undefined
        const token = /^Bearer +([^\s]+) *$/i.exec(authorization)?.[1]
        if (token === undefined) return yield* new Unauthenticated({ detail: "it is no bearer token" })
        const now = yield* Clock.currentTimeMillis
        const { payload } = yield* Effect.tryPromise({
          try: () =>
            Jose.jwtVerify(token, keys, {
              issuer,
              audience,
              algorithms: [...algorithms],
              requiredClaims: ["sub", "exp"],
              clockTolerance: Duration.toSeconds(tolerance),
              currentDate: new Date(now)
            }),
          catch: refusalOf
        })
        const { exp, sub } = payload
        if (typeof sub !== "string" || sub === "") return yield* new Unauthenticated({ detail: "it names nobody" })
        return {
          caller: Policy.caller(sub, { roles: roles(payload), claims: payload }),
          until: DateTime.makeUnsafe(exp! * 1_000)
        } satisfies Identity
      })
  }
}

const rolesOf = ({ roles }: Claims): ReadonlyArray<string> =>
  Array.isArray(roles) ? roles.filter((role): role is string => typeof role === "string") : []

// A token whose signature, claims or form is wrong is refused. Keys that could not be fetched say nothing about a token.
const refusalOf = (cause: unknown): Unauthenticated | AuthenticationUnavailable =>
  cause instanceof Jose.errors.JOSEError && !unavailable.has(cause.code)
    ? new Unauthenticated({ detail: cause.code })
    : new AuthenticationUnavailable({ cause })

const unavailable = new Set(["ERR_JWKS_TIMEOUT", "ERR_JWKS_INVALID", "ERR_JOSE_GENERIC"])
