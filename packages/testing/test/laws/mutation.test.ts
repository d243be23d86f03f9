/** Functions that change what they were given, in values that `Object.freeze` does not protect. */
import { Aggregate, Decision, View } from "@hexfold/core"
import { Laws } from "@hexfold/testing"
import { Schema } from "effect"
import { assert, describe, it } from "vitest"

const few = { runs: 100, seed: 7 }

const lawOf = (check: () => unknown): string => {
  try {
    check()
  } catch (failure) {
    if (failure instanceof Laws.LawFailure) return failure.law
    throw failure
  }
  return "no law is broken"
}

const tags = Schema.ReadonlySet(Schema.String)
const bytes = Schema.Uint8Array
const Tag = Schema.TaggedStruct("Tag", { tags, bytes, at: Schema.Date })
const Tagged = Schema.TaggedStruct("Tagged", { tags, bytes, at: Schema.Date })
type Tagged = typeof Tagged.Type
interface State {
  readonly tags: ReadonlySet<string>
}

const same = ({ at, bytes: given, tags: all }: typeof Tag.Type) =>
  Decision.accept({ _tag: "Tagged" as const, at, bytes: given, tags: all })
const union = (state: State, event: Tagged): State => ({ tags: new Set([...state.tags, ...event.tags]) })

const thing = ({ decide = same, evolve = union }: { readonly decide?: typeof same; readonly evolve?: typeof union }) =>
  Aggregate.make("Thing", {
    id: Schema.NonEmptyString,
    state: Schema.Struct({ tags }),
    initial: Object.freeze({ tags: new Set<string>() }),
    commands: [Tag],
    events: [Tagged],
    decide: { Tag: decide },
    evolve: { Tagged: evolve }
  })

const add = (set: ReadonlySet<string>) => (set as Set<string>).add("x")

describe("an input that is changed in place", () => {
  it("is fine if it is a copy", () => void Laws.check(thing({}), few))

  const decides: Readonly<Record<string, (command: typeof Tag.Type) => unknown>> = {
    "a Set of a command": (command) => add(command.tags),
    "a Date of a command": ({ at }) => at.setTime(0),
    "bytes of a command": (command) => command.bytes.fill(7)
  }
  for (const [name, change] of Object.entries(decides)) {
    it(`may be ${name}`, () => {
      const decide: typeof same = (command) => {
        change(command)
        return same(command)
      }
      assert.strictEqual(
        lawOf(() => Laws.check(thing({ decide }), few)),
        "decide does not change its inputs"
      )
    })
  }

  const evolves: Readonly<Record<string, (state: State, event: Tagged) => unknown>> = {
    "a Set of an event": (_, event) => add(event.tags),
    "a Date of an event": (_, { at }) => at.setTime(0),
    "bytes of an event": (_, event) => event.bytes.fill(7),
    "a Set of a state that is frozen itself": (state) => add(state.tags)
  }
  for (const [name, change] of Object.entries(evolves)) {
    it(`may be ${name}`, () => {
      const evolve: typeof union = (state, event) => {
        change(state, event)
        return Object.freeze(union(state, event))
      }
      assert.strictEqual(
        lawOf(() => Laws.check(thing({ evolve }), few)),
        "evolve does not change its inputs"
      )
    })
  }

  const views: Readonly<Record<string, (record: ReadonlySet<string> | undefined, event: Tagged) => unknown>> = {
    "a Set of a record": (record) => record !== undefined && add(record),
    "bytes of the event of a view": (_, event) => event.bytes.fill(7)
  }
  for (const [name, change] of Object.entries(views)) {
    it(`may be ${name}`, () => {
      const Seen = View.make("Seen", {
        from: [thing({})],
        state: tags,
        evolve: {
          Tagged: (record, event) => {
            change(record, event)
            return new Set([...(record ?? []), ...event.tags])
          }
        }
      })
      assert.strictEqual(
        lawOf(() => Laws.check(Seen, few)),
        "evolve does not change its inputs"
      )
    })
  }
})
