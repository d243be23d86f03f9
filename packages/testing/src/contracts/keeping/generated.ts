/** Generated views whose handlers branch on what a record holds, and the records that their events have to make. */
import { Aggregate, Decision, type EventStore, View } from "@hexfold/core"
import { InlineViews } from "@hexfold/core/adapter"
import { Option, Result, Schema, SchemaTransformation, Stream } from "effect"
import fc from "fast-check"
import type { OneAppend } from "../eventStore/appendOne.ts"
import { nothing, type Sample, samples } from "./schemas.ts"

/** What a handler is given, with all that it could notice. */
const describe = (value: unknown): string => {
  if (typeof value === "bigint") return `${value}n`
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value)
  if (typeof value === "string") return JSON.stringify(value)
  if (typeof value !== "object" || value === null) return String(value)
  if (Option.isOption(value)) return Option.isNone(value) ? "None" : `Some(${describe(value.value)})`
  if (Array.isArray(value)) return `[${value.map(describe).join()}]`
  if (value instanceof Uint8Array || value instanceof Map || value instanceof Set) {
    return `${value.constructor.name}(${describe([...value])})`
  }
  if (value instanceof Date) return `Date(${value.getTime()})`
  const members = Object.entries(value).map(([name, member]) => `${name}: ${describe(member)}`)
  const prototype: object | null = Object.getPrototypeOf(value)
  return `${prototype === null ? "" : prototype.constructor.name}{${members.join()}}`
}

const Do = Schema.TaggedStruct("Do", { n: Schema.Int })
const Done = Schema.TaggedStruct("Done", { n: Schema.Int })

/** An aggregate that no other case uses. */
const newDeed = () =>
  Aggregate.make(`Deed_${crypto.randomUUID().replaceAll("-", "")}`, {
    id: Schema.String,
    state: Schema.Int,
    initial: 0,
    commands: [Do],
    events: [Done],
    errors: [],
    decide: { Do: ({ n }) => Decision.accept({ _tag: "Done", n }) },
    evolve: { Done: (count) => count + 1 }
  })

/** A definition from which views are made under several names. */
interface Generated {
  readonly sample: Sample
  /** Whether the record also lists what the handler was given each time. */
  readonly lists: boolean
  readonly onPoison: View.OnPoison
  readonly ns: ReadonlyArray<number>
}

/** A definition with an aggregate of its own. */
export interface Kept extends Generated {
  readonly deed: ReturnType<typeof newDeed>
}

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype

/** The next value: it depends on the event and on everything that the present value holds. */
const nextOf = ({ values }: Sample, before: unknown, n: number): unknown => {
  let chosen = n
  for (const character of describe(before)) chosen = (chosen * 31 + character.charCodeAt(0)) % 1_000_003
  const value = values[chosen % values.length]
  switch (n % 9) {
    case 0:
      return before ?? value
    case 1:
    case 2:
      return isPlain(before) && isPlain(value) ? { ...before, ...value } : value
    case 3:
      // A careless handler changes what it was given.
      if (isPlain(before)) return Object.assign(before, value)
      if (Array.isArray(before)) before.push(...(Array.isArray(value) ? value : []))
      return before ?? value
    case 4:
      if (chosen % 2 === 0) throw new Error("poison")
      return value
    default:
      return value
  }
}

const seen = Schema.Array(Schema.String)

/** A view of a definition. Even numbers touch the record of their stream, odd ones a record of all streams. */
export const viewOf = (
  { deed, lists, onPoison, sample }: Kept,
  name: string,
  consistency: View.Consistency = "async"
): View.Any => {
  const key = ({ n }: { readonly n: number }, { id }: { readonly id: string }) => (n % 2 === 0 ? id : "all")
  const common = { from: [deed], consistency, onPoison, key } as const
  if (!lists) {
    return View.make(`${name}_${deed.name}`, {
      ...common,
      state: sample.schema,
      evolve: { Done: (state, { n }) => (n % 7 === 6 ? undefined : nextOf(sample, state, n)) }
    })
  }
  return View.make(`${name}_${deed.name}`, {
    ...common,
    state: Schema.Struct({ value: sample.schema, seen }),
    evolve: {
      Done: (state, { n }) => {
        if (n % 7 === 6) return undefined
        const given = describe(state?.value)
        const value = nextOf(sample, state?.value, n)
        return { value, seen: [...(state?.seen ?? []), given] }
      }
    }
  })
}

const definitions = (sample: fc.Arbitrary<Sample>, lists: fc.Arbitrary<boolean>): fc.Arbitrary<Generated> =>
  fc
    .record({
      sample,
      lists,
      onPoison: fc.constantFrom("stop", "skip", "park"),
      ns: fc.array(fc.nat({ max: 62 }), { minLength: 4, maxLength: 12 })
    })
    .filter(isDefined)

/** Definitions, each with its events. The records of one of them are null in JSON, which is seldom drawn. */
export const generate = (count: number): ReadonlyArray<Kept> =>
  [
    ...fc.sample(definitions(samples, fc.boolean()), count - 1),
    ...fc.sample(definitions(fc.constant(nothing), fc.constant(false)), 1)
  ].map((each) => ({ ...each, deed: newDeed() }))

// A schema whose JSON has two meanings is refused where the view is made.
const isDefined = (each: Generated): boolean =>
  Result.isSuccess(Result.try(() => viewOf({ ...each, deed: newDeed() }, "Tried")))

/** The append of some of the events, to two streams. */
export const append = ({ deed }: Kept, ns: ReadonlyArray<number>): OneAppend => ({
  writes: [0, 1].flatMap((stream) => {
    const events = ns
      .filter((n) => (n % 3 === 0) === (stream === 0))
      .map((n) => {
        const id = crypto.randomUUID()
        return { id, type: "Done", data: { n }, metadata: { correlationId: id, causationId: id } }
      })
    return events.length === 0 ? [] : [{ streamId: deed.streamId(`s${stream}`), events }]
  }),
  conditions: []
})

/** What a view has made of its events: records as the text of their JSON, and the events that it has not applied. */
export interface Outcome {
  readonly records: Readonly<Record<string, string>>
  readonly stopped: number | undefined
  readonly deadLetters: ReadonlyArray<string>
}

export const letter = (position: number, key: string, parked: boolean): string =>
  `${position} ${key}${parked ? " parked" : ""}`

/**
 * The outcome of events that are applied one by one, to records that were written
 * out as text and read again. Every state is encoded and decoded.
 */
export const expected = (kept: Kept, events: ReadonlyArray<EventStore.RecordedEvent>): Outcome => {
  const { sample } = kept
  // Nothing says of this schema that it changes no value.
  const schema = sample.isPlain
    ? sample.schema.pipe(Schema.decodeTo(Schema.toType(sample.schema), SchemaTransformation.passthrough()))
    : sample.schema
  const view = viewOf({ ...kept, sample: { ...sample, schema } }, "Expected")
  const texts = new Map<string, string>()
  const parked = new Set<string>()
  const deadLetters: Array<string> = []
  let stopped: number | undefined
  for (const event of events) {
    const { fold, keys } = Result.getOrThrow(InlineViews.plan(view, [event]))
    const key = keys[0]!
    if (parked.has(key)) {
      deadLetters.push(letter(event.position, key, true))
      continue
    }
    const text = texts.get(key)
    const stored = new Map<string, Schema.Json>(text === undefined ? [] : [[key, JSON.parse(text)]])
    const folded = fold(stored)
    if (Result.isSuccess(folded)) {
      for (const { key, state } of folded.success.put) texts.set(key, JSON.stringify(state))
      for (const key of folded.success.remove) texts.delete(key)
      continue
    }
    if (view.onPoison === "stop") {
      stopped = event.position
      break
    }
    if (view.onPoison === "park") parked.add(key)
    deadLetters.push(letter(event.position, key, view.onPoison === "park"))
  }
  return { records: sorted(texts), stopped, deadLetters }
}

export const sorted = (texts: Iterable<readonly [string, string]>) =>
  Object.fromEntries([...texts].sort(([a], [b]) => (a < b ? -1 : 1)))

/** The keys that records of these views may have. */
export const keys = ["all", "s0", "s1"]

/** The events of a definition, as the store has them. */
export const logOf = (eventStore: EventStore.EventStore["Service"], { deed }: Kept) =>
  Stream.runCollect(eventStore.readAll({ aggregates: [deed.name] }))

/** For the message of a case that fails. */
export const nameOf = ({ lists, ns, onPoison, sample }: Kept): string =>
  `${sample.name}, ${onPoison}${lists ? ", lists" : ""}, events ${ns.join()}`
