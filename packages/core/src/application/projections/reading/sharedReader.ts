import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { Consumer } from "../../../domain/view/consumer.ts"
import { isFollowed, union } from "../../../domain/view/follows.ts"
import type { EventStoreError } from "../../../ports/errors.ts"
import type { EventStore } from "../../../ports/EventStore.ts"
import { type Page, type Range, type Reader, reader, readPage } from "./eventReader.ts"

/** A page of the events of all views, read once. */
interface Shared extends Page {
  readonly after: number
  readonly history: number
}

/**
 * One reader for several views. What one view reads, the others get too if their
 * positions are close to it. A view that lags far reads its own events alone.
 * Only the latest pages are kept, so memory is bounded.
 */
type Follower = Pick<Consumer, "follows">

export const make = (views: ReadonlyArray<Follower>, events: EventStore["Service"]): ((view: Follower) => Reader) => {
  const all = union(views.map(({ follows }) => follows))
  const pages: Array<Shared> = []
  const reading = new Map<string, Deferred.Deferred<Shared, EventStoreError>>()

  const read: (range: Range) => Effect.Effect<Shared, EventStoreError> = (range) =>
    Effect.map(
      readPage(range, () => events.readAll({ ...range, ...all })),
      (read) => {
        const page = { after: range.after, history: range.history, ...read }
        pages.push(page)
        if (pages.length > kept) pages.shift()
        return page
      }
    )

  // Between the look at `reading` and its entry nothing else runs, so a page is read once.
  const readOnce = (range: Range, alone: Effect.Effect<Page, EventStoreError>) =>
    Effect.suspend((): Effect.Effect<Page, EventStoreError> => {
      const place = placeOf(range)
      const underWay = reading.get(place)
      // The read may be interrupted. Then each view that waits for it reads alone.
      if (underWay !== undefined) return Effect.catchCause(Deferred.await(underWay), () => alone)
      const deferred = Deferred.makeUnsafe<Shared, EventStoreError>()
      reading.set(place, deferred)
      return Effect.uninterruptibleMask((restore) =>
        Effect.onExit(restore(read(range)), (exit) => {
          reading.delete(place)
          return Deferred.done(deferred, exit)
        })
      )
    })

  return (view) => {
    const alone = reader(view, events)
    const part = ({ end, events }: Page, { after, upTo }: Range): Page => ({
      events: events.filter(
        (event) => event.position > after && event.position <= upTo && isFollowed(view.follows, event)
      ),
      end: Math.min(end, upTo)
    })
    return (range) =>
      Effect.suspend(() => {
        const { after, history } = range
        // What was read in another history of the log may not be there any more.
        const present = pages.filter((page) => page.history === history)
        const page = present.find((page) => page.after <= after && after < page.end)
        if (page !== undefined) return Effect.succeed(part(page, range))
        const lags = present.some(({ end }) => after < end)
        if (lags && !reading.has(placeOf(range))) return alone(range)
        return Effect.map(readOnce(range, alone(range)), (page) => part(page, range))
      })
  }
}

const placeOf = ({ after, history }: Range): string => `${history} ${after}`

const kept = 3
