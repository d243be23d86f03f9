import { Aggregate, Decision, type EventStore } from "@hexfold/core"
import { DateTime, Schema } from "effect"

const fields = {
  cents: Schema.Int,
  currency: Schema.Literals(["EUR", "CHF"]),
  text: Schema.String,
  counterparty: Schema.Struct({ name: Schema.String, iban: Schema.String }),
  bookedAt: Schema.DateTimeUtcFromString,
  tags: Schema.Array(Schema.String)
}
const Book = Schema.TaggedStruct("Book", fields)
const Booked = Schema.TaggedStruct("Booked", fields)

/** An account whose events have the fields that events mostly have. */
export const Ledger = Aggregate.make("Ledger", {
  id: Schema.String,
  state: Schema.Struct({
    balances: Schema.Record(Schema.String, Schema.Int),
    bookings: Schema.Int,
    last: Schema.NullOr(Schema.DateTimeUtcFromString)
  }),
  initial: { balances: {}, bookings: 0, last: null },
  commands: [Book],
  events: [Booked],
  decide: { Book: ({ _tag: _, ...booking }) => Decision.accept(Booked.make(booking)) },
  evolve: {
    Booked: ({ balances, bookings }, { bookedAt, cents, currency }) => ({
      balances: { ...balances, [currency]: (balances[currency] ?? 0) + cents },
      bookings: bookings + 1,
      last: bookedAt
    })
  }
})

const booking = {
  cents: 1_250,
  currency: "CHF",
  text: "Invoice 2026-1187, office supplies",
  counterparty: { name: "Papeterie du Lac SA", iban: "CH9300762011623852957" },
  bookedAt: "2026-11-27T06:20:00.000Z",
  tags: ["office", "invoice"]
} as const

/** A command on it. */
export const book = Book.make({ ...booking, bookedAt: DateTime.makeUnsafe(booking.bookedAt) })

/** An event of it to append. */
export const booked = (): EventStore.NewEvent => {
  const id = crypto.randomUUID()
  return { id, type: "Booked", data: booking, metadata: { correlationId: id, causationId: id } }
}
