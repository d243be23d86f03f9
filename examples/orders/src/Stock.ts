/** What the warehouse has of one item: on the shelf, or reserved for an order until it is taken out or released. */
import { Aggregate, Decision } from "@hexfold/core"
import { Schema } from "effect"
import { Quantity } from "./Order.ts"

const order = Schema.NonEmptyString

export class Receive extends Schema.TaggedClass<Receive>()("Receive", { quantity: Quantity }) {}
export class Reserve extends Schema.TaggedClass<Reserve>()("Reserve", { order, quantity: Quantity }) {}
export class Release extends Schema.TaggedClass<Release>()("Release", { order }) {}
export class TakeOut extends Schema.TaggedClass<TakeOut>()("TakeOut", { order }) {}

export class StockReceived extends Schema.TaggedClass<StockReceived>()("StockReceived", { quantity: Quantity }) {}
export class StockReserved extends Schema.TaggedClass<StockReserved>()("StockReserved", {
  order,
  quantity: Quantity
}) {}
export class StockReleased extends Schema.TaggedClass<StockReleased>()("StockReleased", {
  order,
  quantity: Quantity
}) {}
export class StockTaken extends Schema.TaggedClass<StockTaken>()("StockTaken", { order, quantity: Quantity }) {}

export class OutOfStock extends Schema.TaggedError<OutOfStock>()("OutOfStock", { available: Schema.Int }) {}

const Reservation = Schema.Struct({ order, quantity: Quantity })
interface Shelf {
  readonly available: number
  readonly reserved: ReadonlyArray<typeof Reservation.Type>
}

/** How much is reserved for an order. */
const reservedFor = ({ reserved }: Shelf, order: string): number =>
  reserved.reduce((sum, each) => (each.order === order ? sum + each.quantity : sum), 0)

const without = ({ reserved }: Shelf, order: string) => reserved.filter((each) => each.order !== order)

export const Stock = Aggregate.make("Stock", {
  id: Schema.NonEmptyString,
  state: Schema.Struct({ available: Schema.Int, reserved: Schema.Array(Reservation) }),
  initial: { available: 0, reserved: [] },
  commands: [Receive, Reserve, Release, TakeOut],
  events: [StockReceived, StockReserved, StockReleased, StockTaken],
  errors: [OutOfStock],
  decide: {
    Receive: ({ quantity }) => Decision.accept(new StockReceived({ quantity })),
    // An order may reserve more than once, so nothing here looks for doubles: each command comes once.
    Reserve: ({ order, quantity }, { available }) =>
      available < quantity
        ? Decision.reject(new OutOfStock({ available }))
        : Decision.accept(new StockReserved({ order, quantity })),
    Release: ({ order }, shelf) => {
      const quantity = reservedFor(shelf, order)
      return quantity === 0 ? Decision.nothing : Decision.accept(new StockReleased({ order, quantity }))
    },
    TakeOut: ({ order }, shelf) => {
      const quantity = reservedFor(shelf, order)
      return quantity === 0 ? Decision.nothing : Decision.accept(new StockTaken({ order, quantity }))
    }
  },
  evolve: {
    StockReceived: ({ available, reserved }, { quantity }) => ({ available: available + quantity, reserved }),
    StockReserved: ({ available, reserved }, { order, quantity }) => ({
      available: available - quantity,
      reserved: [...reserved, { order, quantity }]
    }),
    StockReleased: (shelf, { order, quantity }) => ({
      available: shelf.available + quantity,
      reserved: without(shelf, order)
    }),
    StockTaken: (shelf, { order }) => ({ available: shelf.available, reserved: without(shelf, order) })
  }
})
