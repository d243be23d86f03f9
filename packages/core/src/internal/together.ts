import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"

/** Asks something that many want to know: all callers that ask while a question is under way share the next one. */
export const together = <A, E>(question: Effect.Effect<A, E>): Effect.Effect<A, E> => {
  const one = Semaphore.makeUnsafe(1)
  let next: Deferred.Deferred<A, E> | undefined
  // A caller may join only before the question is asked: the answer is about the moment in which it is asked.
  const asking = Effect.suspend(() => {
    next = undefined
    return question
  })
  const joined = Effect.suspend(() => {
    if (next !== undefined) return Effect.succeed(next)
    const answer = (next = Deferred.makeUnsafe<A, E>())
    // In a fiber of its own, so that it does not end with the first caller that waits for it.
    return Effect.as(Effect.forkDetach(Effect.interruptible(Deferred.into(one.withPermit(asking), answer))), answer)
  })
  return Effect.flatMap(Effect.uninterruptible(joined), Deferred.await)
}
