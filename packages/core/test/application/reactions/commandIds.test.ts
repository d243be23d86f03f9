import { describe, expect, it } from "@effect/vitest"
import { Aggregate, Decision, EventStore, EventStoreError, Executor, Reactor, Reason } from "@hexfold/core"
import { Effect, Layer, Schedule, Schema, Stream } from "effect"
import { stores } from "../../support/projected.ts"
import { ring, ringing } from "../../support/reacting.ts"

class Print extends Schema.TaggedClass<Print>()("Print", { text: Schema.String }) {}
class Printed extends Schema.TaggedClass<Printed>()("Printed", { text: Schema.String }) {}
class TooLong extends Schema.TaggedError<TooLong>()("TooLong", {}) {}

const Printer = Aggregate.make("Printer", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Print],
  events: [Printed],
  errors: [TooLong],
  decide: {
    Print: ({ text }) => (text.length > 3 ? Decision.reject(new TooLong()) : Decision.accept(new Printed({ text })))
  },
  evolve: { Printed: (count) => count + 1 }
})

const print = (text: string) => Executor.execute(Printer, "p", new Print({ text }))

const noAnswer = Effect.fail(
  new EventStoreError({ operation: "append", reason: new Reason.Rejected({ detail: "lost" }) })
)

/**
 * Handles one event, and gives the place and the text of each append, and the texts that are printed. The answers of some
 * appends are lost.
 */
const printedBy = <E>(
  handler: () => Effect.Effect<unknown, E, EventStore.EventStore>,
  lost: (append: number) => boolean = () => false
) =>
  Effect.gen(function* () {
    yield* ring(1, ["a"])
    const store = yield* EventStore.EventStore
    const tried: Array<string> = []
    const watching: EventStore.EventStore["Service"] = {
      ...store,
      append: (append) =>
        Effect.suspend(() => {
          for (const { command, writes } of append.parts) {
            const texts = writes.flatMap(({ events }) => events.map(({ data }) => (data as { text: string }).text))
            tried.push(`${command?.id.split(":").at(-1)} ${texts.join()}`)
          }
          const answer = store.append(append)
          return lost(tried.length) ? Effect.andThen(answer, noAnswer) : answer
        })
    }
    const reactor = { ...ringing(handler), retry: Schedule.recurs(3) }
    yield* Effect.provideService(Reactor.catchUp(reactor), EventStore.EventStore, watching)
    const printed = yield* Stream.runCollect(store.readStream(Printer.streamId("p")))
    return { tried, printed: printed.map(({ data }) => (data as { text: string }).text) }
  }).pipe(Effect.provide(Layer.fresh(stores)), Effect.runPromise)

describe("the ids of a handler's commands", () => {
  it("are those of their places, in the order of execution", async () => {
    const { printed, tried } = await printedBy(() => Effect.forEach(["x", "y", "z"], print))
    expect(tried).toEqual(["0 x", "1 y", "2 z"])
    expect(printed).toEqual(["x", "y", "z"])
  })

  it("name two commands of the same content apart", async () => {
    const { printed, tried } = await printedBy(() => Effect.forEach(["x", "x"], print))
    expect(tried).toEqual(["0 x", "1 x"])
    expect(printed).toEqual(["x", "x"])
  })

  it("name commands that run at once apart", async () => {
    const { printed } = await printedBy(() => Effect.forEach(["x", "x", "y"], print, { concurrency: "unbounded" }))
    expect(printed.sort()).toEqual(["x", "x", "y"])
  })

  it("are the same when the handler is run again, and no command has a second effect", async () => {
    let runs = 0
    const { printed, tried } = await printedBy(() =>
      Effect.andThen(
        Effect.forEach(["x", "y", "x"], print),
        Effect.suspend(() => (++runs < 3 ? Effect.fail("not yet") : Effect.void))
      )
    )
    expect(runs).toBe(3)
    // What the store has found by its id before is not appended at all.
    expect(tried).toEqual(["0 x", "1 y", "2 x"])
    expect(printed).toEqual(["x", "y", "x"])
  })

  it("stay with a command that the handler tries again after a lost answer", async () => {
    const again = Effect.retry(print("x"), { times: 1 })
    const { printed, tried } = await printedBy(
      () => Effect.andThen(again, print("y")),
      (append) => append === 1
    )
    expect(tried).toEqual(["0 x", "1 y"])
    expect(printed).toEqual(["x", "y"])
  })

  it("are given again to a command that has failed, and to no other", async () => {
    const refused = Effect.flip(print("long"))
    const { tried } = await printedBy(() => Effect.all([refused, print("x"), refused, print("y"), refused, print("z")]))
    expect(tried).toEqual(["1 x", "2 y", "3 z"])
  })

  it("are no concern of a command with an id of its own", async () => {
    const own = Executor.execute(Printer, "p", new Print({ text: "own" }), { commandId: "a:7" })
    const { tried } = await printedBy(() => Effect.all([print("x"), own, print("y")]))
    expect(tried).toEqual(["0 x", "7 own", "1 y"])
  })
})
