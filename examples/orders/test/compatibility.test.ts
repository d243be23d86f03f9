import * as Compatibility from "@hexfold/testing/Compatibility"
import { expect, it } from "vitest"
import { Books } from "../src/Books.ts"
import { Fulfilment } from "../src/Fulfilment.ts"
import { Order } from "../src/Order.ts"
import { Payment } from "../src/Payment.ts"
import { CallProvider, KeepBooks, PackParcels, SendMail } from "../src/reactors.ts"
import { Shipment } from "../src/Shipment.ts"
import { Stock } from "../src/Stock.ts"

it("a change survives what is stored, and its golden files are complete", () => {
  const folder = new URL("golden/", import.meta.url)
  const reports = Compatibility.checkAll(
    [Order, Stock, Payment, Shipment, Books, Fulfilment, CallProvider, PackParcels, KeepBooks, SendMail],
    { folder }
  )
  expect(new Set(reports.map(({ outcome }) => outcome))).toEqual(new Set(["complete"]))
})
