/** How often a caller may ask. A layer around the port that says who is asking, so that every front obeys it. */
import type { Policy } from "@hexfold/core"
import { Duration, Effect, Layer } from "effect"
import { RateLimiter } from "effect/persistence"
import { Authenticator } from "../Authenticator.ts"
import { AuthenticationUnavailable, TooManyRequests } from "../errors.ts"

/** How often a caller may ask. */
export interface Options {
  /** The most requests of a caller within a window, from 1 on. All of them may come at once. */
  readonly limit: number
  /** The time in which so many requests are allowed again. */
  readonly window: Duration.Input
  /**
   * Whose requests are counted together. By default these are the requests of one caller, and all requests without a
   * caller. Give callers that are not known a key of their own by a header that a proxy of yours sets. A request without a
   * key is not counted.
   */
  readonly keyOf?: (
    caller: Policy.Caller | undefined,
    headers: Readonly<Record<string, string | undefined>>
  ) => string | undefined
}

/**
 * Counts the requests of each caller, and refuses those that are too many. The answer says when to come again: over HTTP
 * it is 429 with `Retry-After`. A live stream counts once, when it is opened.
 *
 * The counts are where Effect's `RateLimiterStore` keeps them: in this process, or in Redis for several processes. If the
 * store fails, requests are answered as unavailable.
 *
 * @example
 * ```ts
 * import { Authenticator } from "@hexfold/server"
 * import { RateLimits } from "@hexfold/server/limits"
 * import { Layer } from "effect"
 * import { RateLimiter } from "effect/persistence"
 *
 * declare const Sessions: Layer.Layer<Authenticator.Authenticator>
 *
 * const Callers = RateLimits.layer({ limit: 100, window: "1 minute" }).pipe(
 *   Layer.provide(Sessions),
 *   Layer.provide(RateLimiter.layer),
 *   Layer.provide(RateLimiter.layerStoreMemory)
 * )
 * ```
 */
export const layer = ({
  keyOf = ownKey,
  limit,
  window
}: Options): Layer.Layer<Authenticator, never, Authenticator | RateLimiter.RateLimiter> => {
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw new Error(`${limit} is not a valid limit: use a whole number from 1 on`)
  }
  const period = Duration.fromInputUnsafe(window)
  if (!Duration.isFinite(period) || Duration.toMillis(period) <= 0) {
    throw new Error(`${Duration.format(period)} is not a valid window: use a time above 0 that ends`)
  }
  return Layer.effect(
    Authenticator,
    Effect.gen(function* () {
      const { identify } = yield* Authenticator
      const { consume } = yield* RateLimiter.RateLimiter
      return {
        identify: (headers) =>
          Effect.tap(identify(headers), (identity) => {
            const key = keyOf(identity?.caller, headers)
            if (key === undefined) return Effect.void
            return Effect.mapError(consume({ algorithm: "token-bucket", key, limit, window: period }), ({ reason }) =>
              reason._tag === "RateLimitExceeded"
                ? new TooManyRequests({ limit, window: period, retryAfter: reason.retryAfter })
                : new AuthenticationUnavailable({ cause: reason })
            )
          })
      }
    })
  )
}

// A subject may have any name, and none may be that of all who are not known.
const ownKey = (caller: Policy.Caller | undefined): string => JSON.stringify([caller?.subject ?? null])
