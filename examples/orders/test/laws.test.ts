import { Laws } from "@hexfold/testing"
import { describe, it } from "vitest"
import { Books } from "../src/Books.ts"
import { Order } from "../src/Order.ts"
import { Payment } from "../src/Payment.ts"
import { Shipment } from "../src/Shipment.ts"
import { Stock } from "../src/Stock.ts"

// Every run of the tests draws other histories.
const runs = 100

describe("the laws of the shop", () => {
  it("its aggregates keep the laws of aggregates", () => {
    Laws.check(Order, { runs })
    Laws.check(Stock, { runs })
    Laws.check(Payment, { runs })
    Laws.check(Shipment, { runs })
    Laws.check(Books, { runs })
  })

  it("nothing is promised that is not there", () =>
    void Laws.invariant(Stock, "what is available is never negative", ({ available }) => available >= 0, { runs }))

  it("only what comes in and goes out changes what there is", () =>
    void Laws.always(
      Stock,
      "reserving moves goods and loses none",
      (before, after, event) => {
        const sum = ({ available, reserved }: typeof before) =>
          reserved.reduce((all, { quantity }) => all + quantity, available)
        const change = { StockReceived: 1, StockTaken: -1, StockReserved: 0, StockReleased: 0 }[event._tag]
        return sum(after) === sum(before) + change * event.quantity
      },
      { runs }
    ))

  it("an end is an end", () => {
    const ends = new Set(["Completed", "Cancelled", "Refused", "Reversed", "Dispatched", "Stopped"])
    const stays = (before: { readonly _tag: string }, after: { readonly _tag: string }) =>
      !ends.has(before._tag) || before._tag === after._tag
    Laws.always(Order, "a completed or cancelled order stays so", stays, { runs })
    Laws.always(Payment, "a refused or reversed payment stays so", stays, { runs })
    Laws.always(Shipment, "a dispatched or stopped shipment stays so", stays, { runs })
  })
})
