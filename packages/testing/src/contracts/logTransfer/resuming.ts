import { assert } from "@effect/vitest"
import { Import, type LogFile, StreamId } from "@hexfold/core"
import { DateTime, Deferred, Effect, Exit, Fiber, Random, Ref, Stream } from "effect"
import { versionOf } from "../eventStore/streams.ts"
import { type Node, open } from "../nodes.ts"
import { type Cases, needs } from "../plan.ts"
import {
  chunks,
  command,
  history,
  imported,
  importedAgain,
  linesOf,
  logOf,
  newAggregate,
  on,
  placeOf,
  unmoved
} from "./world.ts"

const count = 60

/** A file of some events and of commands, and a check that a log has all of them once. */
const fileOf = (events: (aggregate: string) => ReadonlyArray<LogFile.Event>) =>
  Effect.gen(function* () {
    const aggregate = newAggregate()
    const given = events(aggregate)
    const commands = given
      .slice(0, 25)
      .map((event) => command(crypto.randomUUID(), [placeOf(event)], [placeOf(event)]))
      .toSorted((a, b) => (a.key < b.key ? -1 : 1))
    return {
      aggregate,
      given,
      commands,
      lines: yield* linesOf(given, commands),
      assertWhole: (node: Node) =>
        Effect.gen(function* () {
          assert.deepStrictEqual((yield* logOf(node, aggregate)).map(unmoved), given.map(unmoved))
          const keys = commands.map(({ key }) => key)
          assert.deepStrictEqual((yield* node.logTransfer.find([], keys)).commands, commands)
        })
    }
  })

const file = fileOf((aggregate) => history(aggregate, count))

/** All events have one time, so no time tells that an event comes twice. */
const fileOfOneTime = fileOf((aggregate) =>
  history(aggregate, count).map((event) => ({ ...event, recordedAt: DateTime.makeUnsafe("2009-03-01T09:00:00Z") }))
)

/** An import goes on where it has stopped, whatever stopped it. */
export const resuming: Cases = {
  "an import that is stopped after any step goes on there: no event comes twice, and none is missing": Effect.gen(
    function* () {
      const node = yield* open
      for (const check of ["first", "along"] as const) {
        // Both phases of a file that is checked first, its header, all its batches, and the commands.
        // One run stops after every other step, and other runs after the rest.
        for (let steps = yield* Random.nextIntBetween(1, 2); steps < (check === "first" ? 22 : 12); steps += 2) {
          const { assertWhole, lines } = yield* file
          const options = { batchSize: 10, check }
          yield* on(node, Stream.runDrain(Stream.take(Import.steps(chunks(lines), options), steps)))
          yield* imported(node, lines, { batchSize: 1 + (steps % 13), check: steps % 2 === 0 ? "first" : "along" })
          yield* assertWhole(node)
        }
      }
    }
  ),

  "an import that is interrupted at any moment goes on": Effect.gen(function* () {
    const node = yield* open
    for (let reads = 1; reads < 60; reads += 6) {
      const { assertWhole, lines } = yield* file
      const read = yield* Ref.make(0)
      const importing = Import.run(
        Stream.tap(chunks(lines, 2_000), () => Ref.update(read, (n) => n + 1)),
        { batchSize: 5, check: "along" }
      )
      const fiber = yield* Effect.forkChild(on(node, importing))
      while ((yield* Ref.get(read)) < reads && fiber.pollUnsafe() === undefined) yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      yield* importedAgain(node, lines)
      yield* assertWhole(node)
    }
  }),

  "a file whose source fails leaves what was imported, and the import goes on": Effect.gen(function* () {
    const node = yield* open
    const { aggregate, assertWhole, lines } = yield* file
    const failing = Stream.concat(chunks(lines.slice(0, 34)), Stream.fail("the connection was lost"))
    const failure = yield* Effect.flip(on(node, Import.run(failing, { batchSize: 10, check: "along" })))
    assert.strictEqual(failure, "the connection was lost")
    const log = yield* logOf(node, aggregate)
    assert.isAtMost(log.length, 33)
    yield* imported(node, lines)
    yield* assertWhole(node)
  }),

  "a file that was imported changes nothing when it is imported again, and a later export of the log adds what is new":
    Effect.gen(function* () {
      const node = yield* open
      const { aggregate, assertWhole, commands, given, lines } = yield* file
      yield* imported(node, yield* linesOf(given.slice(0, 23), []))
      const later = yield* imported(node, lines)
      assert.strictEqual(later.written, count - 23)
      yield* assertWhole(node)
      const log = yield* logOf(node, aggregate)
      for (const check of ["first", "along"] as const) {
        const again = yield* imported(node, lines, { check })
        assert.deepStrictEqual([again.events, again.commands, again.written], [count, commands.length, 0])
      }
      assert.deepStrictEqual(yield* logOf(node, aggregate), log)
    }),

  "two imports of one file at one moment write each event once": needs("otherProcesses")(function* () {
    const nodes = [yield* open, yield* open]
    for (let i = 0; i < 5; i++) {
      const { assertWhole, lines } = yield* fileOfOneTime
      // Both have checked the file before one of them writes.
      const checked = yield* Deferred.make<void>()
      let left = nodes.length
      const importing = (node: Node) => {
        let runs = 0
        const once = Effect.suspend(() => (--left === 0 ? Deferred.succeed(checked, undefined) : Effect.void))
        const reading = Stream.suspend(() =>
          ++runs === 1
            ? chunks(lines)
            : Stream.unwrap(Effect.as(Effect.andThen(once, Deferred.await(checked)), chunks(lines)))
        )
        return Effect.exit(on(node, Import.run(reading, { batchSize: 10 })))
      }
      yield* Effect.forEach(nodes, importing, { concurrency: "unbounded" })
      yield* importedAgain(nodes[0]!, lines)
      yield* assertWhole(nodes[1]!)
    }
  }),

  "an import goes on after the log has lost the last of its events": needs("lostCommits")(function* () {
    const node = yield* open
    const { assertWhole, given, lines } = yield* file
    yield* imported(node, lines)
    yield* node.loseLast(17)
    // The log has begun another history, which the node may have to notice first.
    yield* Effect.exit(versionOf(node.eventStore, given[0]!.streamId))
    yield* imported(node, lines)
    yield* assertWhole(node)
  }),

  "an import does not go on beyond events that the log has lost meanwhile": needs("lostCommits")(function* () {
    const node = yield* open
    // Each event has a stream of its own, so no version tells that events before it were lost.
    const aggregate = newAggregate()
    const given = history(aggregate, count).map((event, i) => ({
      ...event,
      streamId: StreamId.make(aggregate, `${i}`),
      version: 1
    }))
    const lines = yield* linesOf(given)
    const steps = Import.steps(chunks(lines), { batchSize: 10, check: "along" })
    const exit = yield* Effect.exit(
      on(
        node,
        Stream.runForEach(steps, ({ events }) => (events === 30 ? Effect.orDie(node.loseLast(10)) : Effect.void))
      )
    )
    assert.isTrue(Exit.isFailure(exit))
    const log = yield* logOf(node, aggregate)
    assert.deepStrictEqual(
      log.map(({ id }) => id),
      given.slice(0, log.length).map(({ id }) => id)
    )
    yield* imported(node, lines)
    assert.deepStrictEqual((yield* logOf(node, aggregate)).map(unmoved), given.map(unmoved))
  }),

  "an import whose connection is cut fails in time, and another process goes on": needs(
    "otherProcesses",
    "silentConnections"
  )(function* () {
    for (const after of [10, 40, 60]) {
      const [cut, other] = [yield* open, yield* open]
      const { assertWhole, lines } = yield* file
      const steps = Import.steps(chunks(lines), { batchSize: 10, check: "along" })
      const importing = Stream.runForEach(steps, ({ events }) => (events >= after ? cut.cut : Effect.void))
      assert.isTrue(Exit.isFailure(yield* Effect.exit(on(cut, importing))))
      yield* importedAgain(other, lines)
      yield* assertWhole(other)
    }
  })
}
