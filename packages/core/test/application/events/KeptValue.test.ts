import { describe, expect, it } from "@effect/vitest"
import { KeptValue } from "@hexfold/core/adapter"
import { DateTime, Option, Result, Schema } from "effect"

class Point extends Schema.Class<Point>("Point")({ x: Schema.Int, at: Schema.DateTimeUtc }) {}
const at = DateTime.makeUnsafe("2026-01-05T09:00:00Z")
const Counts = Schema.Record(Schema.String, Schema.Int)

const keep = <A>(schema: Schema.Codec<A, unknown>, value: NoInfer<A>) => Result.getOrThrow(KeptValue.of(schema)(value))
const refusal = <A>(schema: Schema.Codec<A, unknown>, value: NoInfer<A>) =>
  Result.getFailure(KeptValue.of(schema)(value))

describe("what a store keeps of a value", () => {
  it("is its JSON and what that is decoded to: another value that is equal", () => {
    const point = new Point({ x: 1, at })
    const { json, value } = keep(Point, point)
    expect(json).toEqual({ x: 1, at: "2026-01-05T09:00:00.000Z" })
    expect(value).toEqual(point)
    expect(value).not.toBe(point)
  })

  it("is an instance for a plain object with the fields of a class", () => {
    expect(keep(Point, { x: 1, at }).value).toBeInstanceOf(Point)
    expect(keep(Schema.Array(Point), [{ x: 1, at }]).value[0]).toBeInstanceOf(Point)
  })

  it("has the fields in the order of the schema, and free keys in one order, so equal values have equal texts", () => {
    const text = (schema: Schema.Codec<unknown, unknown>, value: object) => JSON.stringify(keep(schema, value).json)
    expect(text(Schema.Struct({ b: Schema.Int, a: Schema.Int }), { a: 1, b: 2 })).toBe('{"b":2,"a":1}')
    expect(text(Counts, { ccc: 3, b: 2, a: 1 })).toBe(text(Counts, { a: 1, b: 2, ccc: 3 }))
    expect(Object.is(keep(Schema.Number, -0).value, 0)).toBe(true)
  })

  it("may be changed by who gets it", () => {
    const { value } = keep(Counts, { a: 1 })
    expect(Object.isFrozen(value)).toBe(false)
  })

  it("is nothing if the value breaks its schema, cannot be JSON, or would be read back as another one", () => {
    const whole = 'breaks its schema: Expected an integer\n  at ["x"]'
    expect(refusal(Point, { x: 0.5, at })).toEqual(Option.some(whole))
    expect(refusal(Counts, { ["a\0"]: 1 })).toEqual(
      Option.some('cannot be stored: the value: the key "a\\u0000" contains NUL')
    )
    expect(refusal(Schema.Struct({ note: Schema.String }), { note: "a\0" })).toEqual(
      Option.some("cannot be stored: .note: contains NUL")
    )
    // Such a union is refused in events, but the state of an aggregate may have it.
    const Time = Schema.Struct({ at: Schema.Union([Schema.String, Schema.Date]) })
    expect(refusal(Time, { at: new Date(0) })).toEqual(
      Option.some("would be changed: .at is a Date and would be read back as a string")
    )
    expect(keep(Time, { at: "today" }).value).toEqual({ at: "today" })
  })
})
