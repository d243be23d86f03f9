/** All ways to ask a server. */
import { Effect, type Scope } from "effect"
import type { Front } from "../Front.ts"
import { graphql } from "./graphql.ts"
import { http } from "./http.ts"
import type { Speaker } from "./Speaker.ts"
import { byPost, bySocket } from "./transports.ts"

/** HTTP, GraphQL, and GraphQL by a socket. */
export const speakersOf = (front: Front): Effect.Effect<ReadonlyArray<Speaker>, never, Scope.Scope> =>
  Effect.map(bySocket(front), (socket) => [http(front), graphql(byPost(front)), graphql(socket)])

/** Asks every front of a server the same. */
export const each = <E, R>(
  front: Front,
  ask: (speaker: Speaker) => Effect.Effect<void, E, R>
): Effect.Effect<void, E, R | Scope.Scope> =>
  Effect.flatMap(speakersOf(front), (all) =>
    Effect.forEach(
      all,
      (speaker) =>
        Effect.annotateLogs(ask(speaker), { front: speaker.name }).pipe(
          // Which front it was is part of what went wrong.
          Effect.catchDefect((defect) => {
            if (defect instanceof Error) defect.message = `${speaker.name}: ${defect.message}`
            return Effect.die(defect)
          })
        ),
      { discard: true }
    )
  )
