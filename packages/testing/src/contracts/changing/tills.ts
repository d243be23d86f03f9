/** An aggregate whose events have changed over the years: the program of today, and that of before. */
import { Aggregate, Decision, type EventStore, Metadata, type StreamId, Versions } from "@hexfold/core"
import { Schema } from "effect"
import { appendOne } from "../eventStore/appendOne.ts"

const PaidV1 = Schema.TaggedStruct("Paid", { euros: Schema.Finite })
const PaidV2 = Schema.TaggedStruct("Paid", { euros: Schema.Finite, currency: Schema.String })
/** What is paid, today. */
export class Paid extends Schema.TaggedClass<Paid>()("Paid", { cents: Schema.Int, currency: Schema.String }) {}
/** A fee that is charged. */
export class FeeCharged extends Schema.TaggedClass<FeeCharged>()("FeeCharged", { cents: Schema.Int }) {}
/** A remark. It was called `Marked` before. */
export class Noted extends Schema.TaggedClass<Noted>()("Noted", { text: Schema.String }) {}

const PayV1 = Schema.TaggedStruct("Pay", { euros: Schema.Finite })
const Pay = Schema.TaggedStruct("Pay", { cents: Schema.Int })
const PaidWithFee = Schema.TaggedStruct("PaidWithFee", { euros: Schema.Finite, fee: Schema.Finite })
const Marked = Schema.TaggedStruct("Marked", { mark: Schema.String })
const Opened = Schema.TaggedStruct("Opened", {})

const cents = (euros: number) => Math.round(euros * 100)

/** The name of an aggregate that no other case uses. */
export const newName = (): string => `Till_${crypto.randomUUID().replaceAll("-", "")}`

/** The program of today. */
export const tillOf = <const Name extends string>(name: Name) =>
  Aggregate.make(name, {
    id: Schema.String,
    state: Schema.Struct({ cents: Schema.Int, fees: Schema.Int, notes: Schema.Array(Schema.String) }),
    initial: { cents: 0, fees: 0, notes: [] },
    commands: [Versions.first(PayV1).next(Pay, ({ euros }) => Pay.make({ cents: cents(euros) }))],
    events: [
      Versions.first(PaidV1)
        .next(PaidV2, (paid) => ({ ...paid, currency: "EUR" }))
        .next(Paid, ({ currency, euros }) => new Paid({ cents: cents(euros), currency })),
      FeeCharged,
      Noted
    ],
    retired: [
      Versions.retired(PaidWithFee, ({ euros, fee }) => [
        new Paid({ cents: cents(euros), currency: "EUR" }),
        new FeeCharged({ cents: cents(fee) })
      ]),
      Versions.retired(Marked, ({ mark }) => new Noted({ text: mark })),
      Versions.retired(Opened, () => [])
    ],
    decide: { Pay: ({ cents }) => Decision.accept(new Paid({ cents, currency: "EUR" })) },
    evolve: {
      Paid: (state, { cents }) => ({ ...state, cents: state.cents + cents }),
      FeeCharged: (state, { cents }) => ({ ...state, fees: state.fees + cents }),
      Noted: (state, { text }) => ({ ...state, notes: [...state.notes, text] })
    }
  })

/** The aggregate of today. */
export type Till = ReturnType<typeof tillOf<string>>

/** The program of before. It does not know today's events. */
export const oldTillOf = <const Name extends string>(name: Name) =>
  Aggregate.make(name, {
    id: Schema.String,
    state: Schema.Struct({ euros: Schema.Finite, marks: Schema.Array(Schema.String) }),
    initial: { euros: 0, marks: [] },
    commands: [PayV1],
    events: [PaidV1, PaidWithFee, Marked, Opened],
    decide: { Pay: ({ euros }) => Decision.accept(PaidV1.make({ euros })) },
    evolve: {
      Paid: (state, { euros }) => ({ ...state, euros: state.euros + euros }),
      PaidWithFee: (state, { euros }) => ({ ...state, euros: state.euros + euros }),
      Marked: (state, { mark }) => ({ ...state, marks: [...state.marks, mark] }),
      Opened: (state) => state
    }
  })

/** A field of the metadata, in the program of before and in that of today. */
export const OldDevice = Metadata.field("device", Schema.String)
/** The same field today. */
export const Device = Metadata.field(
  "device",
  Versions.first(Schema.String).next(Schema.Struct({ name: Schema.String }), (name) => ({ name }))
)

/** An event as a program recorded it. */
export const stored = (type: string, data: Schema.Json, schemaVersion = 1): EventStore.NewEvent => {
  const id = crypto.randomUUID()
  return { id, type, schemaVersion, data, metadata: { correlationId: id, causationId: id } }
}

/** Events of all programs that there were. */
export const past = (): ReadonlyArray<EventStore.NewEvent> => [
  stored("Opened", {}),
  stored("Paid", { euros: 1.5 }),
  stored("PaidWithFee", { euros: 2, fee: 0.25 }),
  stored("Marked", { mark: "first" }),
  stored("Paid", { euros: 3, currency: "CHF" }, 2),
  stored("Paid", { cents: 400, currency: "USD" }, 3),
  stored("Noted", { text: "last" })
]

/** The current events that {@link past} becomes, each with its part. */
export const present: ReadonlyArray<readonly [event: Paid | FeeCharged | Noted, part: number]> = [
  [new Paid({ cents: 150, currency: "EUR" }), 0],
  [new Paid({ cents: 200, currency: "EUR" }), 0],
  [new FeeCharged({ cents: 25 }), 1],
  [new Noted({ text: "first" }), 0],
  [new Paid({ cents: 300, currency: "CHF" }), 0],
  [new Paid({ cents: 400, currency: "USD" }), 0],
  [new Noted({ text: "last" }), 0]
]

/** Appends stored events to a stream. */
export const append = (
  { eventStore }: { readonly eventStore: EventStore.EventStore["Service"] },
  { streamId }: { readonly streamId: (id: string) => StreamId.StreamId },
  id: string,
  events: ReadonlyArray<EventStore.NewEvent>
) => appendOne(eventStore, { writes: [{ streamId: streamId(id), events }], conditions: [] })
