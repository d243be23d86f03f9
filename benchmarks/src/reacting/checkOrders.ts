/** Holds orders, stock, payments, mails and the books to what the script says. The model here knows nothing of the process. */
import type { Report } from "../rounds/report.ts"
import type { Fact, Index, Remains } from "./facts.ts"
import type { Ordered } from "./script.ts"

/** How an order must have ended. */
type End = { readonly _tag: "Completed" } | { readonly _tag: "Cancelled"; readonly why: string }

const cancelled = (why: string): End => ({ _tag: "Cancelled", why })

/**
 * The right end of an order: what comes first, in the order of the log, of what can end it. Goods that were never reserved
 * end it at once.
 */
const endOf = (order: Ordered, { events, timeoutOf }: Index): End | undefined => {
  const first = (stream: string, type: string) => events(stream, type)[0]
  const reserved = reservationsOf(order, events)[0]
  if (reserved === undefined) return order.item === "lamp" ? undefined : cancelled("out of stock")
  const ready = readyAt(order, events)
  const dispatched = first(`Shipment-${order.id}`, "ShipmentDispatched")
  const stopped = first(`Shipment-${order.id}`, "ShipmentStopped")
  const before: Array<readonly [at: number | undefined, end: End]> = [
    [first(`Payment-${order.id}`, "PaymentRefused")?.position, cancelled("the payment was refused: card expired")],
    [first(`Order-${order.id}`, "OrderWithdrawn")?.position, cancelled("withdrawn")],
    [timeoutOf("process/Fulfilment", order.id, "unpaid"), cancelled("not paid in time")]
  ]
  // What comes when the parcel is prepared already does not decide: only the parcel does.
  const [decisive] = before
    .flatMap(([at, end]) => (at === undefined || at > ready ? [] : [{ at, end }]))
    .toSorted((a, b) => a.at - b.at)
  if (decisive !== undefined) return decisive.end
  if (dispatched !== undefined) return { _tag: "Completed" }
  return stopped === undefined ? undefined : cancelled(String(stopped.data["why"]))
}

/** From which position on the goods are reserved and paid. */
const readyAt = (order: Ordered, events: Index["events"]): number => {
  const reserved = reservationsOf(order, events)[0]?.position ?? Infinity
  const paid = events(`Payment-${order.id}`, "PaymentConfirmed")[0]?.position ?? Infinity
  return Math.max(reserved, paid)
}

const reservationsOf = ({ id, item }: Ordered, events: Index["events"]) =>
  events(`Stock-${item}`, "StockReserved").filter(({ data }) => data["order"] === id)

/** What the script alone says of the end, if it says it. */
const checkScript = (order: Ordered, end: End, { events, timeoutOf }: Index, report: Report): void => {
  const isWithdrawn = events(`Order-${order.id}`, "OrderWithdrawn").length > 0
  const why = end._tag === "Cancelled" ? end.why : "completed"
  const isTimely = (timeoutOf("process/Fulfilment", order.id, "unpaid") ?? Infinity) > readyAt(order, events)
  const right: Readonly<Record<Ordered["behaviour"], string>> = {
    prompt: "completed",
    twice: "completed",
    late: isTimely ? "completed" : "not paid in time",
    never: "not paid in time",
    refuses: "the payment was refused: card expired"
  }
  const isScarce = order.item !== "lamp" && why === "out of stock"
  const isOverdue = !isTimely && why === "not paid in time"
  if (!isWithdrawn && !isScarce && !isOverdue && why !== right[order.behaviour]) {
    report(`end: ${order.id} of a provider that ${order.behaviour} ends as "${why}"`)
  }
  if (order.item === "piano" && why !== "out of stock") report(`end: ${order.id} wants a piano and ends as "${why}"`)
  if (isWithdrawn && order.withdrawnAfter === undefined) report(`end: ${order.id} was withdrawn by nobody`)
}

const exactly = (what: string, count: number, facts: ReadonlyArray<unknown>, report: Report): void => {
  if (facts.length !== count) report(`count: ${what}: ${facts.length}, and ${count} is right`)
}

const checkOrder = (order: Ordered, index: Index, { outside }: Remains, report: Report): End | undefined => {
  const { events, of } = index
  const { cents, customer, id, item } = order
  exactly(`placements of ${id}`, 1, events(`Order-${id}`, "OrderPlaced"), report)
  const ends = of(`Order-${id}`).filter(({ type }) => type === "OrderCompleted" || type === "OrderCancelled")
  exactly(`ends of ${id}`, 1, ends, report)
  const end = endOf(order, index)
  const [recorded] = ends
  if (end === undefined || recorded === undefined) {
    report(`open: ${id} should be ${JSON.stringify(end)} and is ${recorded?.type ?? "open"}`)
    return undefined
  }
  const isCompleted = end._tag === "Completed"
  if (recorded.type !== `Order${end._tag}` || (end._tag === "Cancelled" && recorded.data["why"] !== end.why)) {
    report(`end: ${id} is ${recorded.type} ${JSON.stringify(recorded.data)}, and should be ${JSON.stringify(end)}`)
  }
  checkScript(order, end, index, report)

  // The goods.
  const ofOrder = (type: string) => events(`Stock-${item}`, type).filter(({ data }) => data["order"] === id)
  const isOut = end._tag === "Cancelled" && end.why === "out of stock"
  exactly(`reservations of ${id}`, isOut ? 0 : 1, ofOrder("StockReserved"), report)
  exactly(`goods of ${id} taken`, isCompleted ? 1 : 0, ofOrder("StockTaken"), report)
  exactly(`goods of ${id} released`, isCompleted || isOut ? 0 : 1, ofOrder("StockReleased"), report)

  // The money: at the provider, and in the books.
  const payment = (type: string) => events(`Payment-${id}`, type)
  exactly(`payments of ${id} requested`, 1, payment("PaymentRequested"), report)
  const held = outside.money.get(id) ?? 0
  if (held !== (isCompleted ? cents : 0)) report(`money: the provider has ${held} cents of ${id}, which is ${end._tag}`)
  const entries = events("Books-sales", "Entered").filter(({ data }) => data["order"] === id)
  const sum = entries.reduce((all, { data }) => all + Number(data["cents"]), 0)
  if (sum !== (isCompleted ? cents : 0)) report(`books: they have ${sum} cents of ${id}, which is ${end._tag}`)
  const confirmed = payment("PaymentConfirmed").length
  exactly(`entries of ${id}`, isCompleted ? confirmed : 2 * confirmed, entries, report)

  // The mail.
  const text = isCompleted
    ? `Order ${id} is on its way: ${outside.trackings.get(id)}`
    : `Order ${id} is cancelled: ${end.why}`
  const mails = outside.asked.filter((asked) => asked.path === "send" && asked.text.startsWith(`Order ${id} `))
  exactly(`keys of mails about ${id}`, 1, [...new Set(mails.map(({ key }) => key))], report)
  for (const mail of mails) {
    if (mail.text !== text || mail.about !== customer) report(`mail: ${JSON.stringify(mail)} is not "${text}"`)
  }
  return end
}

/** Each event that others must hear of is told to them, at least once, and under one key. */
const checkAsked = (log: ReadonlyArray<Fact>, { asked }: Remains["outside"], report: Report): void => {
  const told = { PaymentRequested: "charge", PaymentReversed: "reverse", ShipmentPrepared: "pack" } as const
  for (const [type, path] of Object.entries(told)) {
    const about = log.flatMap((fact) => (fact.type === type ? [fact.stream.slice(fact.stream.indexOf("-") + 1)] : []))
    const calls = Map.groupBy(
      asked.filter((each) => each.path === path),
      (each) => each.about
    )
    for (const id of about) {
      exactly(`keys to ${path} ${id}`, 1, [...new Set(calls.get(id)?.map(({ key }) => key))], report)
    }
    for (const id of calls.keys()) if (!about.includes(id)) report(`asked: ${path} ${id}, which nobody has recorded`)
  }
}

/** The stock of each item: what came in is on the shelf, or was taken. Nothing is reserved any more. */
const checkStock = ({ script }: Remains, { events, of }: Index, report: Report): void => {
  for (const [item, received] of Object.entries(script.stock)) {
    const sumOf = (type: string) =>
      events(`Stock-${item}`, type).reduce((sum, { data }) => sum + Number(data["quantity"]), 0)
    const reserved = sumOf("StockReserved") - sumOf("StockReleased") - sumOf("StockTaken")
    if (reserved !== 0) report(`stock: ${reserved} of ${item} are still reserved`)
    let available = 0
    for (const { data, type } of of(`Stock-${item}`)) {
      const quantity = Number(data["quantity"])
      if (type === "StockReserved") available -= quantity
      else if (type !== "StockTaken") available += quantity
      if (available < 0) report(`stock: ${available} of ${item} are on the shelf`)
    }
    if (available !== received - sumOf("StockTaken")) report(`stock: ${available} of ${item}, and ${received} came in`)
  }
}

/** Checks all orders. */
export const checkOrders = (remains: Remains, index: Index, report: Report) => {
  const { log, outside, script } = remains
  const ends = script.orders.map((order) => checkOrder(order, index, remains, report))
  checkStock(remains, index, report)
  checkAsked(log, outside, report)
  const mails = outside.asked.filter(({ path }) => path === "send")
  exactly("keys of mails", script.orders.length, [...new Set(mails.map(({ key }) => key))], report)
  for (const problem of outside.problems) report(problem)
  const counted = (why: string) => ends.filter((end) => (end?._tag === "Cancelled" ? end.why : "") === why).length
  return {
    orders: ends.length,
    completed: ends.filter((end) => end?._tag === "Completed").length,
    withdrawn: counted("withdrawn"),
    "not paid in time": counted("not paid in time"),
    "out of stock": counted("out of stock"),
    "parcels stopped": log.filter(({ type }) => type === "ShipmentStopped").length,
    "calls of others": outside.asked.length,
    "calls again": outside.asked.length - new Set(outside.asked.map(({ key }) => key)).size
  }
}
