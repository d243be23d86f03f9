import { describe, expect, it, vi } from "@effect/vitest"
import { MemoryEventStore } from "@hexfold/adapters-memory"
import { Executor } from "@hexfold/core"
import { Effect, Exit, Tracer } from "effect"
import { Account, AccountId, Deposit, OpenAccount } from "../../support/account.ts"

const id = AccountId.make("a-1")
const open = Executor.execute(Account, id, new OpenAccount({ owner: "Anna" }), { commandId: "r-1" })
const deposit = Executor.execute(Account, id, new Deposit({ amount: 1 }))

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
            "hexfold.command_id": "r-1"
          }
        ],
        [
          "Executor.execute",
          { "hexfold.aggregate": "Account", "hexfold.stream": "Account-a-1", "hexfold.command": "Deposit" }
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

  it.effect("the span ends with what came of the command", () => {
    const spans: Array<Tracer.NativeSpan> = []
    return Effect.gen(function* () {
      yield* Effect.flip(deposit)
      yield* open
      const commands = spans.filter(({ name }) => name === "Executor.execute")
      const exits = commands.map(({ status }) => (status._tag === "Ended" ? Exit.isSuccess(status.exit) : status._tag))
      expect(exits).toEqual([false, true])
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
