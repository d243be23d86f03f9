/** Says who is asking, by the token of a person of the example. */
import { Policy } from "@hexfold/core"
import { Authenticator, Unauthenticated } from "@hexfold/server"
import { Effect, Layer } from "effect"
import { people } from "./people.ts"

/** The callers by their tokens. The budget is the one that the budget owner owns. */
export const callers = (budget: string): Layer.Layer<Authenticator.Authenticator> => {
  const byToken = new Map(
    people.map(({ name, role, token }) => [
      token,
      Policy.caller(name, { roles: [role], claims: role === "BUDGET OWNER" ? { budget } : {} })
    ])
  )
  return Layer.succeed(Authenticator.Authenticator, {
    identify: ({ authorization }) => {
      if (authorization === undefined) return Effect.succeed(undefined)
      const caller = byToken.get(authorization.replace(/^Bearer /i, ""))
      return caller === undefined
        ? Effect.fail(new Unauthenticated({ detail: "nobody has this token" }))
        : Effect.succeed({ caller })
    }
  })
}
