import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { monotonicMillis } from "./beat.ts"

/**
 * Asks a question that many callers repeat. All calls within a time share one answer: the
 * question is asked once in that time. They share a failure too.
 */
export const recently = <A, E>(question: Effect.Effect<A, E>): ((within: Duration.Duration) => Effect.Effect<A, E>) => {
  let latest: { readonly at: number; readonly answer: Deferred.Deferred<A, E> } | undefined
  const ask = (at: number) =>
    Effect.suspend(() => {
      const answer = Deferred.makeUnsafe<A, E>()
      latest = { at, answer }
      // In a fiber of its own, so that it does not end with the first caller that waits for it.
      return Effect.as(Effect.forkDetach(Effect.interruptible(Deferred.into(question, answer))), answer)
    })
  return (within) =>
    Effect.flatMap(monotonicMillis, (now) => {
      const isRecent = latest !== undefined && now - latest.at < Duration.toMillis(within)
      return Effect.flatMap(
        isRecent ? Effect.succeed(latest!.answer) : Effect.uninterruptible(ask(now)),
        Deferred.await
      )
    })
}
