import { assert, describe, expect, it } from "@effect/vitest"
import { Aggregate, CommandCodec, InvalidCommand, Decision } from "@hexfold/core"
import { DateTime, Equal, Result, Schema } from "effect"
import fc from "fast-check"

class Transfer extends Schema.TaggedClass<Transfer>()("Transfer", { to: Schema.String, cents: Schema.BigInt }) {}
const Schedule = Schema.TaggedStruct("Schedule", { to: Schema.String, cents: Schema.BigInt, at: Schema.DateTimeUtc })

const Wallet = Aggregate.make("Wallet", {
  id: Schema.Struct({ tenant: Schema.String, number: Schema.Int }),
  state: Schema.Int,
  initial: 0,
  commands: [Transfer, Schedule],
  events: [],
  errors: [],
  decide: { Transfer: () => Decision.nothing, Schedule: () => Decision.nothing },
  evolve: {}
})
const codec = CommandCodec.of(Wallet)

const failureOf = <A>(result: Result.Result<A, CommandCodec.CommandReadError>) => {
  const error = Result.getOrThrow(Result.flip(result))
  assert.instanceOf(error, InvalidCommand)
  return error
}

describe("decode", () => {
  it("makes a command of the JSON that came", () => {
    expect(codec.decode({ _tag: "Transfer", to: "b", cents: "12" })).toEqual(
      Result.succeed(new Transfer({ to: "b", cents: 12n }))
    )
    expect(codec.decode({ _tag: "Schedule", to: "b", cents: "12", at: "2026-01-02T03:04:05Z" })).toEqual(
      Result.succeed({ _tag: "Schedule", to: "b", cents: 12n, at: DateTime.makeUnsafe("2026-01-02T03:04:05Z") })
    )
  })

  it("gives the same command whether it may be named or not", () => {
    const json = { _tag: "Transfer", to: "b", cents: "12", surplus: 1 }
    const unnamed = Result.getOrThrow(codec.decode(json, { isNamed: false }))
    expect(unnamed).toEqual(Result.getOrThrow(codec.decode(json)))
    // Without the JSON that was sent, the fingerprint is that of a typed command.
    expect(codec.fingerprint("Wallet-1", unnamed)).toEqual(
      codec.fingerprint("Wallet-1", new Transfer({ to: "b", cents: 12n }))
    )
  })

  it("of an unknown tag names it and lists the tags that there are", () => {
    const error = failureOf(codec.decode({ _tag: 'Trans"fer', to: "b" }))
    expect({ target: error.target, part: error.part, detail: error.detail }).toEqual({
      target: "Wallet",
      part: "command",
      detail: 'the _tag is "Trans\\"fer", expected one of Transfer, Schedule'
    })
    expect(error.cause).toBeUndefined()
    expect(error.message).toBe(`Wallet: not a valid command: ${error.detail}`)
  })

  it.each([undefined, null, 1, "Transfer", [], {}, { _tag: 1 }])("of %j, without a tag, says so", (command) => {
    expect(failureOf(codec.decode(command)).detail).toBe("there is no _tag, expected one of Transfer, Schedule")
  })

  it("of wrong fields lists the issues of all of them and keeps the cause", () => {
    const error = failureOf(codec.decode({ _tag: "Schedule", to: 1, cents: "x", at: "2026-01-02T03:04:05Z" }))
    expect(error.detail).toContain('["to"]')
    expect(error.detail).toContain('["cents"]')
    expect(error.detail).not.toContain('["at"]')
    expect(Schema.isSchemaError(error.cause)).toBe(true)
  })
})

describe("a text that no store keeps", () => {
  it("is refused with the command that has it, before anything is done", () => {
    const detailOf = (to: string) => failureOf(codec.decode({ _tag: "Transfer", to, cents: "12" })).detail
    expect(detailOf("a\u0000b")).toBe("a text in it contains NUL")
    expect(detailOf("\ud800")).toBe("a text in it contains half a surrogate pair")
  })
})

describe("decodeId", () => {
  it("makes an id of the JSON that came", () => {
    expect(codec.decodeId({ tenant: "acme", number: 7 })).toEqual(Result.succeed({ tenant: "acme", number: 7 }))
  })

  it("of something else lists all issues and says that it is about the id", () => {
    const error = failureOf(codec.decodeId({ tenant: 1, number: "x" }))
    expect(error.part).toBe("id")
    expect(error.detail).toContain('["tenant"]')
    expect(error.detail).toContain('["number"]')
    expect(Schema.isSchemaError(error.cause)).toBe(true)
  })
})

describe("fingerprint", () => {
  const fingerprint = (streamId: string, to: string, cents: bigint) =>
    Result.getOrThrow(codec.fingerprint(streamId, new Transfer({ to, cents })))
  const inputs = fc.tuple(fc.string(), fc.string(), fc.bigInt())

  it("is a SHA-256 in hexadecimal", () => {
    expect(fingerprint("Wallet-1", "b", 1n)).toMatch(/^[0-9a-f]{64}$/)
  })

  it("is equal for an equal command on the same stream, and differs by stream and by command", () => {
    fc.assert(
      fc.property(inputs, inputs, (one, other) => {
        expect(fingerprint(...one)).toBe(fingerprint(...one))
        expect(fingerprint(...one) === fingerprint(...other)).toBe(Equal.equals(one, other))
      })
    )
    expect(fingerprint("Wallet-1", "b", 1n)).not.toBe(fingerprint("Wallet-2", "b", 1n))
    expect(fingerprint("Wallet-1", "b", 1n)).not.toBe(fingerprint("Wallet-1", "c", 1n))
    expect(fingerprint("Wallet-1", "b", 1n)).not.toBe(fingerprint("Wallet-1", "b", 2n))
  })

  it("does not depend on the order in which a command's fields were written", () => {
    const at = DateTime.makeUnsafe(0)
    expect(codec.fingerprint("Wallet-1", { at, cents: 1n, to: "b", _tag: "Schedule" })).toEqual(
      codec.fingerprint("Wallet-1", { _tag: "Schedule", to: "b", cents: 1n, at })
    )
  })

  it("differs for commands that differ in the tag alone", () => {
    const Twin = Aggregate.make("Twin", {
      id: Schema.String,
      state: Schema.Int,
      initial: 0,
      commands: [Schema.TaggedStruct("A", {}), Schema.TaggedStruct("B", {})],
      events: [],
      errors: [],
      decide: { A: () => Decision.nothing, B: () => Decision.nothing },
      evolve: {}
    })
    const twin = CommandCodec.of(Twin)
    expect(twin.fingerprint("Twin-1", { _tag: "A" })).not.toEqual(twin.fingerprint("Twin-1", { _tag: "B" }))
  })
})
