import { Effect } from "effect"

/** Runs `count` commands in all, with one fiber for each caller, like a server with one fiber for each request. */
export const fibers = <E, R>(callers: number, count: number, one: (i: number) => Effect.Effect<unknown, E, R>) => {
  let next = 0
  const caller = Effect.gen(function* () {
    while (next < count) yield* one(next++)
  })
  return Effect.all(
    Array.from({ length: callers }, () => caller),
    { concurrency: "unbounded", discard: true }
  )
}
