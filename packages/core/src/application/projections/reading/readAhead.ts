import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { stopwatch } from "../../../internal/steps.ts"
import type { EventStoreError } from "../../../ports/errors.ts"
import type { Page, Range, Reader } from "./eventReader.ts"

/**
 * A reader for one caller, which reads the next page while the caller works on the last one.
 *
 * The caller reads towards one horizon, below which nothing changes in its history. Why it gets what it would have read
 * itself: (1) The next page, or the failure to read it, is given only to a caller that asks for what follows the last
 * page. (2) Any other page that was read ahead is dropped. (3) So is one that has waited for long, because the log may
 * have lost its events meanwhile. At most one page is ahead, so memory is bounded.
 */
export const readAhead = (read: Reader): Effect.Effect<Reader, never, Scope.Scope> =>
  Effect.map(Scope.Scope, (scope): Reader => {
    let next: Ahead | undefined

    const begin = (range: Range, { end }: Page) => {
      const reading = Effect.flatMap(Effect.exit(read({ ...range, after: end })), (page) =>
        Effect.map(stopwatch, (age) => ({ page, age }))
      )
      return Effect.map(Effect.forkIn(reading, scope), (fiber) => {
        next = { after: end, upTo: range.upTo, fiber }
      })
    }

    const take = (range: Range): Effect.Effect<Page, EventStoreError> =>
      Effect.suspend(() => {
        const ahead = next
        next = undefined
        if (ahead === undefined) return read(range)
        if (ahead.after !== range.after || ahead.upTo > range.upTo) {
          return Effect.andThen(Fiber.interrupt(ahead.fiber), read(range))
        }
        return Effect.flatMap(Fiber.join(ahead.fiber), ({ age, page }) => (age() > oldest ? read(range) : page))
      })

    return (range) => Effect.tap(take(range), (page) => (page.end < range.upTo ? begin(range, page) : Effect.void))
  })

/** A page that is read before it is asked for. */
interface Ahead {
  readonly after: number
  readonly upTo: number
  /** Gives the page, and the milliseconds since it was read. */
  readonly fiber: Fiber.Fiber<{ readonly page: Exit.Exit<Page, EventStoreError>; readonly age: () => number }>
}

// In milliseconds. Most batches are committed sooner, and a page that the caller has read itself is as old by then.
const oldest = 100
