import { Aggregate, Boundary, Decision, Executor, Process, Reactor } from "@hexfold/core"
import { Effect, Layer, Schedule, Schema } from "effect"
import { eventually } from "../eventually.ts"
import type { TroubledNode } from "../projections/trouble.ts"

/** The cases wait in real time until leases end, so leases are short. */
const quick = {
  lease: "1 second",
  pause: "20 millis",
  retry: Schedule.max([Schedule.spaced("5 millis"), Schedule.recurs(2)])
} as const

/** The options of a job that ends by itself. On a busy machine a short lease is too short for it. */
export const job = { ...quick, lease: "10 seconds" } as const

class Place extends Schema.TaggedClass<Place>()("Place", { cents: Schema.Int }) {}
class Placed extends Schema.TaggedClass<Placed>()("Placed", { cents: Schema.Int }) {}
class Cancel extends Schema.TaggedClass<Cancel>()("Cancel", { why: Schema.String }) {}
class Cancelled extends Schema.TaggedClass<Cancelled>()("Cancelled", { why: Schema.String }) {}
class Charge extends Schema.TaggedClass<Charge>()("Charge", { order: Schema.String, cents: Schema.Int }) {}
class Charged extends Schema.TaggedClass<Charged>()("Charged", { order: Schema.String, cents: Schema.Int }) {}
class Refund extends Schema.TaggedClass<Refund>()("Refund", {}) {}
class Refunded extends Schema.TaggedClass<Refunded>()("Refunded", {}) {}
class Declined extends Schema.TaggedError<Declined>()("Declined", { limit: Schema.Int }) {}
class Reserve extends Schema.TaggedClass<Reserve>()("Reserve", { order: Schema.String }) {}
class Reserved extends Schema.TaggedClass<Reserved>()("Reserved", { order: Schema.String }) {}
class Empty extends Schema.TaggedError<Empty>()("Empty", {}) {}

const limit = 100

/** The payment of this amount fails in a way that nobody has foreseen. */
export const unlucky = 13

const orderOf = (name: string) =>
  Aggregate.make(`Order_${name}`, {
    id: Schema.String,
    state: Schema.Array(Schema.String),
    initial: [],
    commands: [Place, Cancel],
    events: [Placed, Cancelled],
    decide: {
      Place: ({ cents }) => Decision.accept(new Placed({ cents })),
      Cancel: ({ why }) => Decision.accept(new Cancelled({ why }))
    },
    evolve: {
      Placed: (all) => [...all, "placed"],
      Cancelled: (all, { why }) => [...all, `cancelled: ${why}`]
    }
  })

class Wrapped extends Schema.TaggedClass<Wrapped>()("Wrapped", {}) {}

/** The orders of a newer program, in which they can be wrapped. */
const wrappedOrderOf = (name: string) => {
  const order = orderOf(name)
  return Aggregate.make(order.name, {
    id: Schema.String,
    state: order.schemas.state,
    initial: order.initial,
    commands: [Place, Cancel],
    events: [Placed, Cancelled, Wrapped],
    decide: {
      Place: (command, state) => order.decide(command, state),
      Cancel: (command, state) => order.decide(command, state)
    },
    evolve: {
      Placed: (state, event) => order.evolve(state, event),
      Cancelled: (state, event) => order.evolve(state, event),
      Wrapped: (state) => [...state, "wrapped"]
    }
  })
}

const paymentOf = (name: string) =>
  Aggregate.make(`Payment_${name}`, {
    id: Schema.String,
    state: Schema.Array(Schema.Int),
    initial: [],
    commands: [Charge, Refund],
    events: [Charged, Refunded],
    errors: [Declined],
    decide: {
      Charge: ({ cents, order }) => {
        if (cents === unlucky) throw new Error("nobody has thought of this")
        return cents > limit ? Decision.reject(new Declined({ limit })) : Decision.accept(new Charged({ cents, order }))
      },
      Refund: () => Decision.accept(new Refunded())
    },
    evolve: {
      Charged: (all, { cents }) => [...all, cents],
      Refunded: (all) => [...all, -all[0]!]
    }
  })

const stockOf = (name: string) =>
  Aggregate.make(`Stock_${name}`, {
    id: Schema.String,
    state: Schema.Array(Schema.String),
    initial: [],
    commands: [Reserve],
    events: [Reserved],
    errors: [Empty],
    decide: {
      Reserve: ({ order }, all) =>
        all.length >= 3 ? Decision.reject(new Empty()) : Decision.accept(new Reserved({ order }))
    },
    evolve: { Reserved: (all, { order }) => [...all, order] }
  })

/** Orders, payments and stock that no other case uses. */
export const newShop = () => {
  const name = crypto.randomUUID().replaceAll("-", "")
  const order = orderOf(name)
  const payment = paymentOf(name)
  const stock = stockOf(name)
  const reserve = Boundary.make(`ReserveStock_${name}`, {
    command: Schema.TaggedStruct("ReserveStock", { order: Schema.String }),
    participants: () => ({ stock: stock.at("all") }),
    errors: [Empty],
    decide: ({ order }, states) => Decision.all({ stock: stock.decide(new Reserve({ order }), states.stock) })
  })
  return { name, order, payment, stock, reserve }
}

export type Shop = ReturnType<typeof newShop>

/** The same shop in a newer program. Its processes are the same. */
export const newerOf = (shop: Shop) => ({ ...shop, order: wrappedOrderOf(shop.name) })

/** Records that an order was wrapped, which only the newer program knows. */
export const wrap = ({ eventStore }: Pick<TroubledNode, "eventStore">, { order }: Shop, id: string) => {
  const eventId = crypto.randomUUID()
  const metadata = { correlationId: eventId, causationId: eventId }
  const events = [{ id: eventId, type: "Wrapped", data: {}, metadata }]
  return eventStore.append({
    conditions: [],
    parts: [{ writes: [{ streamId: order.streamId(id), events }], reads: [] }]
  })
}

const State = Schema.Struct({ paid: Schema.Boolean, reserved: Schema.Boolean })

/** What differs between the processes of the cases. */
export interface Definition {
  readonly version?: number
  readonly onPoison?: "stop" | "skip" | "park"
  /** Is run in each step. */
  readonly seen?: (step: string) => void
}

/**
 * A process that charges an order and reserves its stock at once, in whichever order the answers come. It gives back
 * what was paid, and cancels the order, when the card is declined or the stock is empty.
 */
export const fulfilmentOf = (
  { name, order, payment, reserve, stock }: Shop | ReturnType<typeof newerOf>,
  { seen = () => {}, ...definition }: Definition = {}
) =>
  Process.make(`Fulfilment_${name}`, {
    from: [order, payment, stock],
    to: [order, payment, reserve],
    start: "beginning",
    state: State,
    initial: { paid: false, reserved: false },
    ...definition,
    on: {
      Placed: {
        key: (_, { id }) => id,
        react: (state, { cents }, { id }) => {
          seen(`placed ${id}`)
          return Process.next(
            state,
            Process.send(payment, id, new Charge({ order: id, cents })),
            Process.send(reserve, { _tag: "ReserveStock", order: id })
          )
        }
      },
      Charged: {
        key: ({ order }) => order,
        react: (state, { order }) => {
          seen(`charged ${order}`)
          return state.reserved ? Process.end({ ...state, paid: true }) : Process.next({ ...state, paid: true })
        }
      },
      Reserved: {
        key: ({ order }) => order,
        react: (state, { order }) => {
          seen(`reserved ${order}`)
          return state.paid ? Process.end({ ...state, reserved: true }) : Process.next({ ...state, reserved: true })
        }
      }
    },
    onRejected: {
      Declined: (state, { limit }, { key }) =>
        Process.end(state, Process.send(order, key, new Cancel({ why: `more than ${limit}` }))),
      Empty: (state, _, { key }) =>
        Process.end(
          state,
          Process.send(payment, key, new Refund()),
          Process.send(order, key, new Cancel({ why: "sold out" }))
        )
    }
  })

export type Fulfilment = ReturnType<typeof fulfilmentOf>

/** Places an order. */
export const place = ({ run }: Pick<TroubledNode, "run">, { order }: Shop, id: string, cents: number) =>
  run(Executor.execute(order, id, new Place({ cents })))

/** Runs a process in a node until the case ends. */
export const running = (node: Pick<TroubledNode, "run">, process: Process.Any, options: Reactor.Options = {}) =>
  Effect.forkScoped(node.run(Layer.launch(Reactor.layer([process], { ...quick, ...options }))))

/** What has become of an order. */
export const outcomeOf = ({ run }: Pick<TroubledNode, "run">, { order, payment }: Shop, id: string) =>
  Effect.map(
    run(Effect.all([Executor.load(order, id), Executor.load(payment, id)])),
    ([{ state: order }, { state: payment }]) => ({ order, payment })
  )

/** The instance of a process. */
export const instanceOf = ({ run }: Pick<TroubledNode, "run">, process: Fulfilment, id: string) =>
  Effect.map(run(Executor.load(process.log, id)), ({ state }) => state)

/** Waits until a process has ended, and has nothing left to do. */
export const ends = (node: Pick<TroubledNode, "run">, process: Fulfilment, id: string) =>
  eventually(
    `the process ${id} ends`,
    Effect.map(instanceOf(node, process, id), ({ sending, status }) => status === "ended" && sending.length === 0)
  )
