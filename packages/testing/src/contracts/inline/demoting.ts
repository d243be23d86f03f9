import { assert } from "@effect/vitest"
import { Aggregate, Decision, Projection, Records, View } from "@hexfold/core"
import { Effect, Logger, Option, Schema } from "effect"
import { appendOne } from "../eventStore/appendOne.ts"
import type { Cases } from "../plan.ts"
import { isInline, on, openWith } from "./notes.ts"

const Put = Schema.TaggedStruct("Put", { megabytes: Schema.Int, value: Schema.Number })

const Page = Aggregate.make("Page", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Put],
  events: [Put],
  errors: [],
  decide: { Put: (command) => Decision.accept(command) },
  evolve: { Put: (count) => count + 1 }
})

/** A view whose records grow, and whose schema refuses some values that the events may have. */
const viewOf = (onPoison: View.OnPoison) =>
  View.make("Pages", {
    from: [Page],
    consistency: "inline",
    onPoison,
    state: Schema.Struct({ text: Schema.String, value: Schema.Int }),
    evolve: {
      Put: (page, { megabytes, value }) => ({ text: (page?.text ?? "") + "x".repeat(megabytes << 20), value })
    }
  })

const put = (stream: string, megabytes: number, value = 1) => {
  const id = crypto.randomUUID()
  const metadata = { correlationId: id, causationId: id }
  const event = { id, type: "Put", data: { megabytes, value }, metadata }
  return { writes: [{ streamId: Page.streamId(stream), events: [event] }], conditions: [] }
}

/** Runs an effect, and returns the texts of the warnings. */
const warnings = <A, E, R>(effect: Effect.Effect<A, E, R>) => {
  const lines: Array<string> = []
  const logger = Logger.make<unknown, void>(({ logLevel, message }) => {
    if (logLevel === "Warn") lines.push([message].flat().join(" "))
  })
  return Effect.as(Effect.provideService(effect, Logger.CurrentLoggers, new Set([logger])), lines)
}

const demotes = (name: string, make: ReturnType<typeof put>) =>
  Effect.gen(function* () {
    const view = viewOf("park")
    const lines = yield* warnings(
      Effect.gen(function* () {
        const node = yield* openWith([view])
        yield* on(node, Projection.catchUp(view, { lease: "1 minute", pause: "10 millis" }))
        for (const each of [put("a", 6), put("b", 1)]) yield* appendOne(node.eventStore, each)
        assert.isTrue(yield* isInline(node, view))
        const appended = yield* appendOne(node.eventStore, make)
        assert.lengthOf(appended.events, 1)
        assert.isFalse(yield* isInline(node, view))
        yield* appendOne(node.eventStore, put("b", 1, 2))
        yield* on(node, Projection.catchUp(view, { lease: "1 minute", pause: "10 millis" }))
        const b = Option.getOrThrow(yield* on(node, Records.get(view, "b")))
        assert.deepStrictEqual([b.text.length, b.value], [2 << 20, 2])
        const a = Option.getOrThrow(yield* on(node, Records.get(view, "a")))
        assert.deepStrictEqual([a.text.length, a.value], [6 << 20, 1])
        const letters = yield* node.projectionStore.deadLetters({ view: "Pages", version: 1 })
        assert.deepStrictEqual(
          letters.map(({ error, key, parked }) => [key, parked, error?.step]),
          [["a", true, "encode"]]
        )
      })
    )
    const demoted = lines.filter((line) => line.startsWith("Pages, version 1: appends no longer maintain it"))
    assert.lengthOf(demoted, 1, name)
    assert.include(demoted[0], "encode failed for event 2 of Page-a")
  })

/** Promise 8: an event that cannot be applied fails no append. */
export const demoting: Cases = {
  "8 an append that makes a record too large succeeds; the view is left to its projection, with a warning, which parks the key":
    demotes("too large", put("a", 3)),

  "8 an append that makes a record its schema refuses succeeds; the view is left to its projection, with a warning, which parks the key":
    demotes("refused", put("a", 0, 0.5))
}
