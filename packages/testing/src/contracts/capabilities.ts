import { assert } from "@effect/vitest"
import { Effect, Exit, Fiber, Option } from "effect"
import type { Capability } from "./Backend.ts"
import { appendTo, events, newStream, open, versionOf } from "./eventStore/streams.ts"
import { catchUp, inline, isInline, openWith } from "./inline/notes.ts"
import { type Case, type Cases, needs } from "./plan.ts"
import { eventually } from "./eventually.ts"
import { newGeneration, own, placeOf } from "./projectionStore/generations.ts"

/** For each capability the case that fails on a backend which declares it and does not have it. */
const probes: Readonly<Record<Capability, Case>> = {
  otherProcesses: needs("otherProcesses")(function* () {
    const [one, other] = [yield* open, yield* open]
    const streamId = newStream()
    yield* appendTo(one.eventStore, streamId, events(1))
    assert.strictEqual(yield* versionOf(other.eventStore, streamId), 1)
    const generation = newGeneration()
    yield* own(one.projectionStore, generation)
    assert.strictEqual((yield* placeOf({ views: other.viewStore }, generation))?.owner, "one")
  }),

  transactions: needs("transactions")(function* () {
    const { eventStore, transaction } = yield* open
    const [kept, undone] = [newStream(), newStream()]
    yield* transaction(appendTo(eventStore, kept, events(1)))
    const failing = Effect.andThen(appendTo(eventStore, undone, events(1)), Effect.fail("rolled back"))
    assert.strictEqual(yield* Effect.flip(transaction(failing)), "rolled back")
    assert.strictEqual(yield* versionOf(eventStore, kept), 1)
    assert.strictEqual(yield* versionOf(eventStore, undone), 0)
  }),

  foreignTransactions: needs("foreignTransactions")(function* () {
    const { foreignTransaction } = yield* open
    const isOpen = yield* Effect.scoped(
      Effect.tap(foreignTransaction, (isOpen) => Effect.map(isOpen, (answer) => assert.isTrue(answer)))
    )
    yield* eventually(
      "the transaction ends with its scope",
      Effect.map(isOpen, (answer) => !answer)
    )
  }),

  inlineViews: needs("inlineViews")(function* () {
    const node = yield* openWith([inline.Each])
    yield* catchUp(node, [inline.Each])
    assert.isTrue(yield* isInline(node, inline.Each))
  }),

  lostCommits: needs("lostCommits")(function* () {
    const { eventStore, loseLast } = yield* open
    const streamId = newStream()
    yield* appendTo(eventStore, streamId, events(3))
    yield* loseLast(2)
    assert.strictEqual(yield* versionOf(eventStore, streamId), 1)
  }),

  silentConnections: needs("silentConnections")(function* () {
    const { cut, eventStore } = yield* open
    const streamId = newStream()
    yield* appendTo(eventStore, streamId, events(1))
    yield* cut
    const answer = yield* Effect.timeoutOption(Effect.exit(versionOf(eventStore, streamId)), "2 seconds")
    assert.isFalse(Option.isSome(answer) && Exit.isSuccess(answer.value))
  }),

  stalls: needs("stalls")(function* () {
    const { eventStore, stall } = yield* open
    const [stuck, free] = [newStream(), newStream()]
    yield* appendTo(eventStore, stuck, events(1))
    const release = yield* stall([stuck])
    const waiting = yield* Effect.forkChild(appendTo(eventStore, stuck, events(1)), { startImmediately: true })
    for (let i = 0; i < 10; i++) yield* appendTo(eventStore, free, events(1))
    assert.isUndefined(waiting.pollUnsafe())
    yield* release
    yield* Fiber.join(waiting)
  })
}

/** The cases that hold a backend to the capabilities which it declares. */
export const declaring = (capabilities: ReadonlyArray<Capability>): Cases =>
  Object.fromEntries(
    capabilities.map((capability) => [`a declared capability is there: ${capability}`, probes[capability]])
  )
