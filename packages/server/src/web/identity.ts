/** Who sends a request, and in which conversation. */
import type { Policy } from "@hexfold/core"
import { type DateTime, Effect } from "effect"
import { Authenticator, type Identity } from "../Authenticator.ts"
import {
  type AuthenticationUnavailable,
  InvalidRequest,
  type TooManyRequests,
  type Unauthenticated
} from "../errors.ts"

/** The headers of a request, whose names are in lower case. */
export type Headers = Readonly<Record<string, string | undefined>>

/** Why nobody can be asking. */
export type Unidentified = Unauthenticated | AuthenticationUnavailable | TooManyRequests

/** Who is asking, and until when the credentials hold. */
export interface Identified {
  readonly caller: Policy.Caller | undefined
  readonly until: DateTime.Utc | undefined
}

/** Who is asking, and until when the credentials hold. */
export const identified = ({
  headers
}: {
  readonly headers: Headers
}): Effect.Effect<Identified, Unidentified, Authenticator> =>
  Effect.flatMap(Authenticator, ({ identify }) => Effect.map(identify(headers), identityOf))

const identityOf = (identity: Identity | undefined): Identified => ({
  caller: identity?.caller,
  until: identity?.until
})

/** The name of the conversation that `X-Correlation-Id` gives. */
export const correlationIn = (headers: Headers): Effect.Effect<string | undefined, InvalidRequest> => {
  const given = headers["x-correlation-id"]
  return given === undefined || /^[\x21-\x7e]{1,200}$/.test(given)
    ? Effect.succeed(given)
    : Effect.fail(new InvalidRequest({ part: "X-Correlation-Id", detail: "it has up to 200 visible characters" }))
}
