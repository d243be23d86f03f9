import { Deferred, Effect, Exit } from "effect"

/**
 * Gathers what is asked for within a few milliseconds, and asks for it in one call,
 * which answers in the same order. A caller that is interrupted does not end the call of
 * the others.
 */
export const gathering = <In, Out, E>(
  call: (asked: ReadonlyArray<In>) => Effect.Effect<ReadonlyArray<Out>, E>
): ((asked: In) => Effect.Effect<Out, E>) => {
  let waiting: Array<{ readonly asked: In; readonly answer: Deferred.Deferred<Out, E> }> = []

  const send = Effect.suspend(() => {
    const sent = waiting
    waiting = []
    return Effect.flatMap(Effect.exit(call(sent.map(({ asked }) => asked))), (exit) =>
      Effect.forEach(
        sent,
        ({ answer }, i) =>
          Deferred.done(
            answer,
            Exit.map(exit, (answers) => answers[i]!)
          ),
        {
          discard: true
        }
      )
    )
  })

  return (asked) =>
    Effect.suspend(() => {
      const answer = Deferred.makeUnsafe<Out, E>()
      waiting.push({ asked, answer })
      // The first one begins the call, in a fiber of its own, and all that come before it begins take part.
      const begun =
        waiting.length === 1
          ? Effect.asVoid(Effect.forkDetach(Effect.interruptible(Effect.andThen(moment, send))))
          : Effect.void
      return Effect.andThen(begun, Effect.interruptible(Deferred.await(answer)))
    }).pipe(Effect.uninterruptible)
}

// By the timers of the process: the clock of the caller may stand still.
const moment = Effect.callback<void>((resume) => {
  const timer = setTimeout(() => resume(Effect.void), 5)
  return Effect.sync(() => clearTimeout(timer))
})
