/** The port that says who is asking, and the answers that need no service. */
import type { Policy } from "@hexfold/core"
import { Context, type DateTime, Effect, Layer } from "effect"
import type { AuthenticationUnavailable, TooManyRequests, Unauthenticated } from "./errors.ts"

/** Who is asking. */
export interface Identity {
  readonly caller: Policy.Caller
  /** When the credentials end. A live stream ends then, too. Without it they do not end. */
  readonly until?: DateTime.Utc
}

/**
 * The port that says who is asking.
 *
 * 1. `identify` gives the identity that valid credentials prove, and undefined where there are none at all.
 * 2. Credentials that are wrong, forged or at their end fail with `Unauthenticated`. They never count as none.
 * 3. What nobody can check now fails with `AuthenticationUnavailable`, and the client may try again.
 * 4. It may refuse with `TooManyRequests` a caller that sends too many requests.
 * 5. It ends, with an answer or with a failure.
 */
export class Authenticator extends Context.Service<
  Authenticator,
  {
    /** Who has sent these headers. Their names are in lower case. */
    readonly identify: (
      headers: Readonly<Record<string, string | undefined>>
    ) => Effect.Effect<Identity | undefined, Unauthenticated | AuthenticationUnavailable | TooManyRequests>
  }
>()("@hexfold/server/Authenticator") {}

/**
 * Nobody is known. It is for an API that is open, or whose rules all say `anyone`: any other rule refuses everybody.
 *
 * @example
 * ```ts
 * import { Authenticator } from "@hexfold/server"
 *
 * const Nobody = Authenticator.layerNobody
 * ```
 */
export const layerNobody: Layer.Layer<Authenticator> = Layer.succeed(Authenticator, {
  identify: () => Effect.succeed(undefined)
})
