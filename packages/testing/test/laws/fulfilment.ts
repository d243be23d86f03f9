import { Aggregate, Decision, Process } from "@hexfold/core"
import { Schema } from "effect"

class Place extends Schema.TaggedClass<Place>()("Place", { cents: Schema.Int }) {}
export class Placed extends Schema.TaggedClass<Placed>()("Placed", { cents: Schema.Int }) {}
export class Cancel extends Schema.TaggedClass<Cancel>()("Cancel", { why: Schema.String }) {}
class Cancelled extends Schema.TaggedClass<Cancelled>()("Cancelled", { why: Schema.String }) {}

const id = Schema.Literals(["a", "b"])

export const Order = Aggregate.make("Order", {
  id,
  state: Schema.String,
  initial: "new",
  commands: [Place, Cancel],
  events: [Placed, Cancelled],
  decide: {
    Place: ({ cents }, state) => (state === "new" ? Decision.accept(new Placed({ cents })) : Decision.nothing),
    Cancel: ({ why }, state) => (state === "placed" ? Decision.accept(new Cancelled({ why })) : Decision.nothing)
  },
  evolve: { Placed: () => "placed", Cancelled: (_, { why }) => `cancelled: ${why}` }
})

export class Charge extends Schema.TaggedClass<Charge>()("Charge", { cents: Schema.Int }) {}
export class Charged extends Schema.TaggedClass<Charged>()("Charged", { cents: Schema.Int }) {}
class Declined extends Schema.TaggedError<Declined>()("Declined", { limit: Schema.Int }) {}

export const Payment = Aggregate.make("Payment", {
  id,
  state: Schema.Int,
  initial: 0,
  commands: [Charge],
  events: [Charged],
  errors: [Declined],
  decide: {
    Charge: ({ cents }) =>
      cents > 5 ? Decision.reject(new Declined({ limit: 5 })) : Decision.accept(new Charged({ cents }))
  },
  evolve: { Charged: (sum, { cents }) => sum + cents }
})

export class Reserve extends Schema.TaggedClass<Reserve>()("Reserve", {}) {}
export class Reserved extends Schema.TaggedClass<Reserved>()("Reserved", {}) {}
export class Ship extends Schema.TaggedClass<Ship>()("Ship", {}) {}
class Shipped extends Schema.TaggedClass<Shipped>()("Shipped", {}) {}

export const Stock = Aggregate.make("Stock", {
  id,
  state: Schema.Int,
  initial: 0,
  commands: [Reserve, Ship],
  events: [Reserved, Shipped],
  decide: { Reserve: () => Decision.accept(new Reserved()), Ship: () => Decision.accept(new Shipped()) },
  evolve: { Reserved: (count) => count + 1, Shipped: (count) => count }
})

const State = Schema.Struct({ isPaid: Schema.Boolean, isReserved: Schema.Boolean })
type State = typeof State.Type

const shipped = (state: State, key: "a" | "b") =>
  state.isPaid && state.isReserved ? Process.end(state, Process.send(Stock, key, new Ship())) : Process.next(state)

interface Handlers {
  readonly charged?: (state: State, key: "a" | "b") => Process.Step<State, "Stock" | "Order", "late">
  readonly placed?: (state: State, cents: number, key: "a" | "b") => Process.Step<State, "Payment" | "Stock", "late">
  readonly declined?: (state: State, key: string) => Process.Step<State, "Order" | "Payment", "late">
  readonly late?: (state: State) => Process.Step<State, "Order", "late">
}

/** A process that ships what is paid and reserved, with other handlers. */
export const fulfilment = ({ charged, declined, late, placed }: Handlers = {}) =>
  Process.make("Fulfilment", {
    from: [Order, Payment, Stock],
    to: [Order, Payment, Stock],
    timeouts: ["late"],
    start: "beginning",
    state: State,
    initial: { isPaid: false, isReserved: false },
    on: {
      Placed: {
        key: (_, { id }) => id,
        react: (state, { cents }, { id }) =>
          placed === undefined
            ? Process.next(
                state,
                Process.send(Payment, id, new Charge({ cents })),
                Process.send(Stock, id, new Reserve()),
                Process.timeout("late", { after: "1 hour" })
              )
            : placed(state, cents, id)
      },
      Charged: {
        key: (_, { id }) => id,
        react: (state, _, { id }) =>
          charged === undefined ? shipped({ ...state, isPaid: true }, id) : charged(state, id)
      },
      Reserved: {
        key: (_, { id }) => id,
        react: (state, _, { id }) => shipped({ ...state, isReserved: true }, id)
      }
    },
    onRejected: {
      Declined: (state, { limit }, { key }) =>
        declined === undefined
          ? Process.end(state, Process.send(Order, key as "a", new Cancel({ why: `more than ${limit}` })))
          : declined(state, key)
    },
    onTimeout: {
      late: (state, key) =>
        late === undefined
          ? Process.end(state, Process.send(Order, key as "a", new Cancel({ why: "late" })))
          : late(state)
    }
  })
