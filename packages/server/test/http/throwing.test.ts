import { assert, describe, it } from "@effect/vitest"
import { EventStore, ViewStore } from "@hexfold/core"
import { Context, Effect, Stream } from "effect"
import { counting } from "../graphql/counting.ts"
import { serveOn } from "../graphql/web.ts"
import { open } from "./bank.ts"
import { serve } from "./web.ts"

const secret = new Error("secret")

/** A log whose pages throw from a moment on. */
const breaking = (broken: { yet: boolean }) => (log: EventStore.EventStore["Service"]) => ({
  ...log,
  readAll: (...asked: Parameters<typeof log.readAll>) =>
    Stream.suspend(() => (broken.yet ? Stream.die(secret) : log.readAll(...asked)))
})

/** What a stream of events says until it ends. */
const wholeOf = (response: Response, whenBegun: () => void) =>
  Effect.promise(async () => {
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    let text = ""
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return text
      text += value
      if (text.includes("data: ")) whenBegun()
    }
  })

describe("a live stream in which something throws", () => {
  it.live("ends with the problem, and says nothing of it", () =>
    Effect.gen(function* () {
      const broken = { yet: false }
      const { ask } = yield* serve(open, open.views, breaking(broken))
      const opening = (id: string) =>
        Effect.asVoid(ask(`/aggregates/Account/${id}/Open`, { body: { owner: "ann" }, headers: { prefer: "wait=5" } }))
      yield* opening("a")
      const context = yield* Effect.context<never>()
      const text = yield* wholeOf(yield* ask("/events"), () => {
        if (broken.yet) return
        broken.yet = true
        Effect.runForkWith(context)(ask("/aggregates/Account/b/Open", { body: { owner: "ann" } }))
      })
      assert.match(text, /event: error\ndata: .*"title":"Internal"/)
      assert.notInclude(text, "secret")
    })
  )

  it.live("ends over GraphQL with an error, too", () =>
    Effect.gen(function* () {
      const { stores } = yield* counting
      const broken = { yet: false }
      const views = Context.get(stores, ViewStore.ViewStore)
      const throwing = stores.pipe(
        Context.add(EventStore.EventStore, breaking(broken)(Context.get(stores, EventStore.EventStore))),
        Context.add(ViewStore.ViewStore, {
          ...views,
          query: ((...asked: Parameters<typeof views.query>) =>
            Effect.suspend(() => (broken.yet ? Effect.die(secret) : views.query(...asked)))) as typeof views.query
        })
      )
      const { data, follow } = yield* serveOn(open, throwing)
      const opening = (id: string) =>
        data(`mutation { accountOpen(id: "${id}", input: { owner: "ann" }) { __typename } }`)
      yield* data(`mutation { accountOpen(id: "a", input: { owner: "ann" }, waitFor: [Accounts]) { __typename } }`)
      const lives = [
        yield* follow(`subscription { accounts { nodes { key } } }`),
        yield* follow(`subscription { events { meta { type } } }`)
      ]
      for (const live of lives) assert.isUndefined((yield* live.next)?.data?.errors)
      broken.yet = true
      yield* opening("b")
      for (const live of lives) {
        const { errors } = (yield* live.next)!.data!
        assert.strictEqual(errors?.[0]?.extensions["code"], "INTERNAL")
        assert.notInclude(JSON.stringify(errors), "secret")
        assert.strictEqual((yield* live.next)?.event, "complete")
      }
    })
  )
})
