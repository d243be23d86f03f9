/** Stores of a bank that count who follows the log. */
import { MemoryStores } from "@hexfold/adapters-memory"
import { EventStore, Projection, ViewStore } from "@hexfold/core"
import { Context, Effect, Layer, Stream } from "effect"
import { open } from "../http/bank.ts"

/** Stores that count who follows the log, how often records are asked for, and how often the field `owner` of their pages is read. */
export const counting = Effect.gen(function* () {
  const seen = { followers: 0, most: 0, loads: 0, queries: 0, reads: 0 }
  const stores = yield* Layer.build(MemoryStores.layer({ views: open.views }))
  const events = Context.get(stores, EventStore.EventStore)
  const views = Context.get(stores, ViewStore.ViewStore)
  const horizons = Stream.suspend(() => {
    seen.followers++
    seen.most = Math.max(seen.most, seen.followers)
    return Stream.ensuring(
      events.horizons,
      Effect.sync(() => {
        seen.followers--
      })
    )
  })
  const counted = stores.pipe(
    Context.add(EventStore.EventStore, { ...events, horizons }),
    Context.add(ViewStore.ViewStore, {
      ...views,
      load: (...asked) => {
        seen.loads++
        return views.load(...asked)
      },
      query: ((...asked: Parameters<typeof views.query>) => {
        seen.queries++
        return Effect.map(views.query(...asked), (answer) => watched(answer, () => seen.reads++))
      }) as typeof views.query
    })
  )
  yield* Layer.build(Layer.provide(Projection.layer(open.views), Layer.succeedContext(counted)))
  return { seen, stores: counted }
})

// An answer whose records say when their field `owner` is read.
const watched = (answer: unknown, isRead: () => void): unknown => {
  const page = answer as { readonly rows?: ReadonlyArray<{ readonly key: string; readonly state: object }> }
  if (page.rows === undefined) return answer
  const rows = page.rows.map(({ key, state }) => {
    const owner = (state as { readonly owner?: string }).owner
    const get = () => {
      isRead()
      return owner
    }
    return { key, state: Object.defineProperty({ ...state }, "owner", { enumerable: true, get }) }
  })
  return { ...page, rows }
}

/** Waits for a condition. */
export const until = (condition: () => boolean): Effect.Effect<void> =>
  condition()
    ? Effect.void
    : Effect.andThen(
        Effect.promise(() => new Promise((resume) => setImmediate(resume))),
        Effect.suspend(() => until(condition))
      )
