import { describe, expect, it, vi } from "@effect/vitest"
import { MemoryEventStore } from "@hexfold/adapters-memory"
import { Boundary, Decision, Executor, Metadata, Projection } from "@hexfold/core"
import { Effect, Exit, Fiber, Schema, Tracer } from "effect"
import { TestClock } from "effect/testing"
import { Account, AccountId, Deposit, NotOpen, OpenAccount, accountErrors } from "../../support/account.ts"
import { Activity, stores } from "../../support/projected.ts"

const id = AccountId.make("a-1")
const open = Executor.execute(Account, id, new OpenAccount({ owner: "Anna" }), { commandId: "r-1" })
const deposit = Executor.execute(Account, id, new Deposit({ amount: 1 }))

const Give = Boundary.make("Give", {
  command: Schema.TaggedStruct("Give", { to: Schema.Array(AccountId), amount: Schema.Int }),
  participants: ({ to }) => ({ to: to.map((id) => Account.at(id)) }),
  errors: accountErrors,
  decide: ({ amount }, { to }) => {
    if (amount === 13) throw new Error("a mistake in decide")
    return Decision.all({ to: to.map((state) => Account.decide(new Deposit({ amount }), state)) })
  }
})

const collecting = (spans: Array<Tracer.NativeSpan>): Tracer.Tracer =>
  Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })

describe("with a tracer", () => {
  it.effect("a command is a span that names the aggregate, the stream, the command and its id", () => {
    const spans: Array<Tracer.NativeSpan> = []
    return Effect.gen(function* () {
      yield* open
      yield* deposit
      const commands = spans.filter(({ name }) => name === "Executor.execute")
      expect(commands.map(({ attributes, name }) => [name, Object.fromEntries(attributes)])).toEqual([
        [
          "Executor.execute",
          {
            "hexfold.aggregate": "Account",
            "hexfold.stream": "Account-a-1",
            "hexfold.command": "OpenAccount",
            "hexfold.command_id": "r-1",
            "hexfold.outcome": "accepted"
          }
        ],
        [
          "Executor.execute",
          {
            "hexfold.aggregate": "Account",
            "hexfold.stream": "Account-a-1",
            "hexfold.command": "Deposit",
            "hexfold.outcome": "accepted"
          }
        ]
      ])
    }).pipe(Effect.provide(MemoryEventStore.layer()), Effect.withTracer(collecting(spans)))
  })

  it.effect("the loading of an aggregate is a span that names the aggregate and the stream", () => {
    const spans: Array<Tracer.NativeSpan> = []
    return Effect.gen(function* () {
      yield* Executor.load(Account, id)
      expect(spans.map(({ attributes, name }) => [name, Object.fromEntries(attributes)])).toEqual([
        ["Executor.load", { "hexfold.aggregate": "Account", "hexfold.stream": "Account-a-1" }]
      ])
    }).pipe(Effect.provide(MemoryEventStore.layer()), Effect.withTracer(collecting(spans)))
  })

  it.effect("the span ends with the outcome: a rejection is no error of it, a failure is", () => {
    const spans: Array<Tracer.NativeSpan> = []
    return Effect.gen(function* () {
      expect(yield* Effect.flip(deposit)).toEqual(new NotOpen())
      yield* open
      yield* open
      const invalid = yield* Effect.flip(Executor.execute(Give, { _tag: "Give", to: [id], amount: 0.5 }))
      expect(invalid._tag).toBe("InvalidCommand")
      yield* Effect.exit(Executor.execute(Give, { _tag: "Give", to: [id], amount: 13 }))
      const commands = spans.filter(({ name }) => name === "Executor.execute")
      const ends = commands.map(({ attributes, status }) => [
        attributes.get("hexfold.outcome"),
        status._tag === "Ended" ? Exit.isSuccess(status.exit) : status._tag
      ])
      expect(ends).toEqual([
        ["rejected", true],
        ["accepted", true],
        ["repeated", true],
        ["failed", false],
        ["failed", false]
      ])
    }).pipe(Effect.provide(MemoryEventStore.layer()), Effect.withTracer(collecting(spans)))
  })

  it.effect("a command over a boundary is a span that names the boundary and its streams", () => {
    const spans: Array<Tracer.NativeSpan> = []
    return Effect.gen(function* () {
      const other = AccountId.make("a-2")
      yield* open
      yield* Executor.execute(Account, other, new OpenAccount({ owner: "Bert" }))
      yield* Executor.execute(Give, { _tag: "Give", to: [id, other], amount: 1 }, { commandId: "g-1" })
      const span = spans.findLast(({ name }) => name === "Executor.execute")
      expect(Object.fromEntries(span!.attributes)).toEqual({
        "hexfold.boundary": "Give",
        "hexfold.streams": ["Account-a-1", "Account-a-2"],
        "hexfold.command": "Give",
        "hexfold.command_id": "g-1",
        "hexfold.outcome": "accepted"
      })
    }).pipe(Effect.provide(MemoryEventStore.layer()), Effect.withTracer(collecting(spans)))
  })

  it.effect("a wait for views is a span that names the views and the position", () => {
    const spans: Array<Tracer.NativeSpan> = []
    return Effect.gen(function* () {
      yield* Projection.catchUp(Activity)
      const waiting = yield* open.pipe(Projection.waitFor(Activity), Effect.withSpan("request"), Effect.forkChild)
      yield* TestClock.adjust("1 second")
      yield* Projection.catchUp(Activity)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(waiting)
      const request = spans.find(({ name }) => name === "request")!
      const wait = spans.find(({ name }) => name === "Projection.waitFor")!
      expect(Object.fromEntries(wait.attributes)).toEqual({ "hexfold.views": ["Activity"], "hexfold.position": 1 })
      expect(wait.parent).toMatchObject({ _tag: "Some", value: { spanId: request.spanId } })
      const nothing = spans.length
      // A command without events is not waited for.
      yield* Effect.succeed({ position: 0 }).pipe(Projection.waitFor(Activity))
      expect(spans).toHaveLength(nothing)
    }).pipe(Effect.provide(stores), Effect.withTracer(collecting(spans)))
  })

  it.effect("the trace id is the correlation id of the events, unless the program says another", () => {
    const spans: Array<Tracer.NativeSpan> = []
    return Effect.gen(function* () {
      const { events } = yield* open.pipe(Effect.withSpan("request"))
      const { traceId } = spans.find(({ name }) => name === "request")!
      expect(events[0]!.metadata).toEqual({ correlationId: traceId, causationId: "r-1" })
      // Without a span of the program, the command's own begins the trace.
      const alone = yield* deposit
      const own = spans.findLast(({ name }) => name === "Executor.execute")!
      expect(alone.events[0]!.metadata.correlationId).toBe(own.traceId)
      expect(own.traceId).not.toBe(traceId)
      const said = yield* deposit.pipe(Metadata.with({ correlationId: "c" }), Effect.withSpan("request"))
      expect(said.events[0]!.metadata.correlationId).toBe("c")
    }).pipe(Effect.provide(MemoryEventStore.layer()), Effect.withTracer(collecting(spans)))
  })

  it.effect("each attempt's read and append are spans inside the command's", () => {
    const spans: Array<Tracer.NativeSpan> = []
    return Effect.gen(function* () {
      yield* open
      expect(spans.map(({ name, parent }) => [name, parent._tag === "Some" ? parent.value.spanId : "none"])).toEqual([
        ["Executor.execute", "none"],
        ["EventStore.readStreams", spans[0]!.spanId],
        ["EventStore.append", spans[0]!.spanId]
      ])
    }).pipe(Effect.provide(MemoryEventStore.layer()), Effect.withTracer(collecting(spans)))
  })

  it.effect("the span is a child of the program's", () => {
    const spans: Array<Tracer.NativeSpan> = []
    return Effect.gen(function* () {
      yield* open.pipe(Effect.withSpan("request"))
      const [request, command] = spans
      expect(request!.name).toBe("request")
      expect(command!.parent).toMatchObject({ _tag: "Some", value: { spanId: request!.spanId } })
    }).pipe(Effect.provide(MemoryEventStore.layer()), Effect.withTracer(collecting(spans)))
  })
})

describe("without a tracer", () => {
  it.effect("no span is made, not even one that nobody sees", () =>
    Effect.gen(function* () {
      const made = vi.spyOn(Tracer.nativeTracer, "span")
      yield* Effect.addFinalizer(() => Effect.sync(() => made.mockRestore()))
      yield* open
      yield* deposit
      yield* Executor.load(Account, id)
      expect(made).not.toHaveBeenCalled()
      // The count is honest: a span of the program itself would have been seen.
      yield* Effect.withSpan(Effect.void, "control")
      expect(made).toHaveBeenCalledTimes(1)
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )
})
