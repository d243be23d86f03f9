import { assert, describe, expect, it } from "@effect/vitest"
import { MemoryEventStore } from "@hexfold/adapters-memory"
import { Aggregate, Executor, Metadata, MetadataDecodeError, UnknownMetadata, Versions } from "@hexfold/core"
import { AppendCheck } from "@hexfold/core/adapter"
import { DateTime, Effect, Option, Result, Schema } from "effect"
import { TestClock } from "effect/testing"
import { Account, AccountId, OpenAccount } from "../../support/account.ts"

const Ring = Schema.TaggedStruct("Ring", { times: Schema.Int })
const Rang = Schema.TaggedStruct("Rang", {})
const Bell = Aggregate.make("Bell", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Ring],
  events: [Rang],
  errors: [],
  decide: { Ring: ({ times }) => Result.succeed(Array.from({ length: times }, () => Rang.make({}))) },
  evolve: { Rang: (count) => count + 1 }
})

const ring = (times: number, options?: Executor.ExecuteOptions) =>
  Effect.map(Executor.execute(Bell, "b", { _tag: "Ring", times }, options), ({ events }) => events)
const ringOnce = Effect.map(ring(1), (events) => events[0]!)

const Tenant = Metadata.field("tenant", Schema.String)
const Since = Metadata.field("since", Schema.DateTimeUtc)

const strictlyAscending = (ids: ReadonlyArray<string>) => ids.every((id, i) => i === 0 || ids[i - 1]! < id)

describe("event ids", () => {
  it.effect("are UUIDs of version 7 that carry the time of the command", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.parse("2031-02-03T04:05:06.789Z"))
      const { id } = yield* ringOnce
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      expect(Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16)).toBe(Date.parse("2031-02-03T04:05:06.789Z"))
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("of 100,000 events of one millisecond are unique and ascend", () =>
    Effect.gen(function* () {
      const ids = (yield* ring(100_000)).map(({ id }) => id)
      expect(new Set(ids).size).toBe(100_000)
      expect(strictlyAscending(ids)).toBe(true)
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("ascend from one command to the next, of whichever aggregate, also when the clock is set back", () =>
    Effect.gen(function* () {
      const ids: Array<string> = []
      for (const time of ["2032-01-01", "2032-01-01", "2033-01-01", "2032-06-01"]) {
        yield* TestClock.setTime(Date.parse(time))
        ids.push((yield* ringOnce).id)
        const opened = yield* Executor.execute(
          Account,
          AccountId.make(`${ids.length}`),
          new OpenAccount({ owner: "Anna" })
        )
        ids.push(opened.events[0]!.id)
      }
      expect(strictlyAscending(ids)).toBe(true)
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )
})

describe("correlation and causation", () => {
  it.effect("are the command's id", () =>
    Effect.gen(function* () {
      for (const { metadata } of yield* ring(2, { commandId: "r-1" })) {
        expect(metadata).toEqual({ correlationId: "r-1", causationId: "r-1" })
      }
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("of a command without an id are the id of its first event, for all of its events", () =>
    Effect.gen(function* () {
      const events = yield* ring(3)
      for (const { metadata } of events) {
        expect(metadata).toEqual({ correlationId: events[0]!.id, causationId: events[0]!.id })
      }
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("are what the program says, even for a command with an id", () =>
    Effect.gen(function* () {
      const [event] = yield* ring(1, { commandId: "r-1" }).pipe(
        Metadata.with({ correlationId: "job-1", causationId: "e-1" })
      )
      expect(event!.metadata).toEqual({ correlationId: "job-1", causationId: "e-1" })
      const [half] = yield* ring(1, { commandId: "r-2" }).pipe(Metadata.with({ correlationId: "job-1" }))
      expect(half!.metadata).toEqual({ correlationId: "job-1", causationId: "r-2" })
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )
})

describe("with", () => {
  it.effect("an inner one adds to an outer one, and wins where both say something", () =>
    Effect.gen(function* () {
      const event = yield* ringOnce.pipe(
        Metadata.with({ actor: "inner", fields: [Tenant.set("inner")] }),
        Metadata.with({
          actor: "outer",
          correlationId: "outer",
          fields: [Tenant.set("outer"), Since.set(DateTime.makeUnsafe(0))]
        })
      )
      expect(event.metadata).toEqual({
        correlationId: "outer",
        causationId: event.id,
        actor: "inner",
        fields: { tenant: "inner", since: "1970-01-01T00:00:00.000Z" }
      })
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("an inner one without fields leaves those of an outer one", () =>
    Effect.gen(function* () {
      const event = yield* ringOnce.pipe(
        Metadata.with({ actor: "inner" }),
        Metadata.with({ actor: "outer", fields: [Tenant.set("outer")] })
      )
      expect(event.metadata).toMatchObject({ actor: "inner", fields: { tenant: "outer" } })
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("holds for the program that it wraps and not beyond", () =>
    Effect.gen(function* () {
      const inside = yield* ringOnce.pipe(Metadata.with({ actor: "anna" }))
      const outside = yield* ringOnce
      expect(inside.metadata.actor).toBe("anna")
      expect(outside.metadata).not.toHaveProperty("actor")
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("of two fields of one name the later one counts", () =>
    Effect.gen(function* () {
      const event = yield* ringOnce.pipe(Metadata.with({ fields: [Tenant.set("first"), Tenant.set("second")] }))
      expect(event.metadata.fields).toEqual({ tenant: "second" })
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("reaches the commands of forked programs", () =>
    Effect.gen(function* () {
      const events = yield* Effect.all([ringOnce, Effect.yieldNow.pipe(Effect.andThen(ringOnce))], {
        concurrency: 2
      }).pipe(Metadata.with({ actor: "anna" }))
      expect(events.map(({ metadata }) => metadata.actor)).toEqual(["anna", "anna"])
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )
})

const metadata = (fields: Metadata.Metadata["fields"]): Metadata.Metadata => ({
  correlationId: "c",
  causationId: "c",
  ...(fields === undefined ? {} : { fields })
})

describe("a field", () => {
  it.effect("comes back from an event as it was set, also where its schema transforms", () =>
    Effect.gen(function* () {
      const since = DateTime.makeUnsafe("2026-01-02T03:04:05Z")
      const event = yield* ringOnce.pipe(Metadata.with({ fields: [Tenant.set("acme"), Since.set(since)] }))
      expect(Tenant.get(event.metadata)).toEqual(Result.succeed(Option.some("acme")))
      expect(Since.get(event.metadata)).toEqual(Result.succeed(Option.some(since)))
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it("that was not set is none", () => {
    expect(Tenant.get(metadata(undefined))).toEqual(Result.succeed(Option.none()))
    expect(Tenant.get(metadata({ other: "acme" }))).toEqual(Result.succeed(Option.none()))
  })

  it("called like a member of every object is none unless it was set", () => {
    expect(Metadata.field("toString", Schema.Unknown).get(metadata({}))).toEqual(Result.succeed(Option.none()))
  })

  it("with a value that does not decode is a failure, not none", () => {
    const failure = Result.getOrThrow(Result.flip(Tenant.get(metadata({ tenant: 1 }))))
    assert.instanceOf(failure, MetadataDecodeError)
    expect(failure).toMatchObject({ field: "tenant", schemaVersion: 1 })
    expect(Schema.isSchemaError(failure.cause)).toBe(true)
  })

  it("cannot be set to a value that breaks its schema", () => {
    expect(() => Metadata.field("n", Schema.Int).set(1.5)).toThrow("integer")
  })
})

describe("a field with versions", () => {
  class Device extends Schema.Class<Device>("Device")({ name: Schema.NonEmptyString, floor: Schema.Int }) {}
  const Named = Schema.Struct({ name: Schema.String })
  const First = Metadata.field("device", Schema.String)
  const Ahead = Metadata.field(
    "device",
    Versions.first(Schema.String).ahead(Named, ({ name }) => name)
  )
  const chain = Versions.first(Schema.String).next(Named, (name) => ({ name }))
  const Second = Metadata.field("device", chain)
  const Third = Metadata.field(
    "device",
    chain.next(Device, ({ name }) => new Device({ name, floor: 0 }))
  )
  const device = new Device({ name: "till", floor: 0 })
  const written = (setting: Metadata.Setting) =>
    Effect.map(ringOnce.pipe(Metadata.with({ fields: [setting] })), (event) => event.metadata)

  it.effect("has its current value, whatever version it was written with", () =>
    Effect.gen(function* () {
      const some = <A>(value: A) => Result.succeed(Option.some(value))
      for (const setting of [First.set("till"), Ahead.set("till"), Second.set({ name: "till" }), Third.set(device)]) {
        expect(Third.get(yield* written(setting))).toEqual(some(device))
      }
      expect(Ahead.get(yield* written(Second.set({ name: "till" })))).toEqual(some("till"))
      expect(Second.get(yield* written(First.set("till")))).toEqual(some({ name: "till" }))
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("is stored with its version, and of version 1 as before", () =>
    Effect.gen(function* () {
      expect(yield* written(Third.set(device))).toMatchObject({
        fields: { device: { name: "till", floor: 0 } },
        versions: { device: 3 }
      })
      for (const setting of [First.set("till"), Ahead.set("till"), Tenant.set("acme")]) {
        expect(yield* written(setting)).not.toHaveProperty("versions")
      }
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("of another version in an inner program has the inner version", () =>
    Effect.gen(function* () {
      const inner = (setting: Metadata.Setting, outer: Metadata.Setting) =>
        Effect.map(
          ringOnce.pipe(Metadata.with({ fields: [setting] }), Metadata.with({ fields: [outer, Tenant.set("acme")] })),
          (event) => Third.get(event.metadata)
        )
      expect(yield* inner(First.set("till"), Third.set(device))).toEqual(Result.succeed(Option.some(device)))
      expect(yield* inner(Third.set(device), First.set("x"))).toEqual(Result.succeed(Option.some(device)))
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it("of a version that only a newer program knows fails retryably", () => {
    const newer = { ...metadata({ device: { name: "till" } }), versions: { device: 2 } }
    const failure = Result.getOrThrow(Result.flip(First.get(newer)))
    assert.instanceOf(failure, UnknownMetadata)
    expect(failure).toMatchObject({ field: "device", schemaVersion: 2, known: 1, isRetryable: true })
    expect(failure.message).toBe(
      'version 2 of the metadata "device": this program knows its versions up to 1; a newer one has written it'
    )
  })

  it("fails with the version and the cause if a step is wrong", () => {
    const failureOf = (step: (text: string) => Device) => {
      const { get } = Metadata.field("device", Versions.first(Schema.String).next(Device, step))
      const failure = Result.getOrThrow(Result.flip(get(metadata({ device: "" }))))
      assert.instanceOf(failure, MetadataDecodeError)
      return failure
    }
    const bug = new TypeError("no name")
    const thrown = failureOf(() => {
      throw bug
    })
    expect(thrown).toMatchObject({ schemaVersion: 1, cause: bug, detail: "a step has thrown: TypeError: no name" })
    expect(failureOf((name) => new Device({ name, floor: 1 })).detail).toContain('["name"]')
    expect(failureOf((name) => ({ name, floor: 1 })).detail).toContain("a step gives a value that does not match")
  })

  it("is refused in an append if its version is not a version after the first", () => {
    for (const [fields, versions] of [
      [{ device: 1 }, { device: 0 }],
      [{ device: 1 }, { device: 1 }],
      [{ device: 1 }, { device: 1.5 }],
      [{ device: 1 }, { other: 2 }],
      [undefined, { device: 2 }]
    ] as const) {
      const checked = AppendCheck.checkMetadata({ ...metadata(fields), versions })
      assert.isTrue("reason" in checked, JSON.stringify(versions))
    }
    expect(AppendCheck.checkMetadata({ ...metadata({ device: 1 }), versions: {} })).toEqual(metadata({ device: 1 }))
  })
})
