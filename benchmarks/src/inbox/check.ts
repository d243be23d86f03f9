/** Holds what both applications have in their logs to what is promised: nothing lost, nothing twice, in order per key. */
import { collecting } from "../rounds/report.ts"
import { fateOf } from "./apps.ts"

/** An event of the shop: an order has got an item. */
export interface Sent {
  readonly order: string
  readonly n: number
  readonly token: string
}

/** An event of the bank: it has entered an item, or has put the message of one aside. */
export interface Received {
  readonly key: string
  readonly kind: "entered" | "poison"
  readonly token: string
}

/** What a round has left behind: the logs in their order, and the tokens for which the shop has given a receipt. */
export interface Remains {
  readonly receipts: ReadonlyArray<string>
  readonly sent: ReadonlyArray<Sent>
  readonly received: ReadonlyArray<Received>
}

/** The key of an order's messages. */
export const keyOf = ({ order }: Pick<Sent, "order">): string => `Order-${order}`

/** What the bank must have: all that it does not reject. */
export const expectedOf = (sent: ReadonlyArray<Sent>): ReadonlyArray<Received> =>
  sent.flatMap((one) => {
    const kind = fateOf(one.n)
    return kind === "rejected" ? [] : [{ key: keyOf(one), kind, token: one.token }]
  })

const textOf = ({ kind, token }: Received) => `${token} ${kind}`
const byKey = (all: ReadonlyArray<Received>) => Map.groupBy(all, ({ key }) => key)

/** The problems of a round. */
export const check = ({ receipts, received, sent }: Remains): ReadonlyArray<string> => {
  const { collected, report } = collecting()
  const tokens = Map.groupBy(sent, ({ token }) => token)
  for (const token of receipts) if (!tokens.has(token)) report(`lost in the shop: ${token} has a receipt and no event`)
  for (const [token, all] of tokens) if (all.length > 1) report(`twice in the shop: ${token} has ${all.length} events`)
  const [expected, found] = [byKey(expectedOf(sent)), byKey(received)]
  for (const key of new Set([...expected.keys(), ...found.keys()])) {
    const [own, theirs] = [(expected.get(key) ?? []).map(textOf), (found.get(key) ?? []).map(textOf)]
    const counts = Map.groupBy(theirs, (text) => text)
    for (const text of own) if (!counts.has(text)) report(`lost: ${key}: ${text}`)
    for (const [text, all] of counts) {
      if (all.length > 1) report(`twice: ${key}: ${text} is there ${all.length} times`)
      if (!own.includes(text)) report(`invented: ${key}: ${text}`)
    }
    const first = [...counts.keys()]
    const at = first.findIndex((text, i) => text !== own[i])
    if (at >= 0 && first.length === own.length) {
      report(`order: ${key}: the bank has ${first[at]} at place ${at + 1}, the shop ${own[at]}`)
    }
  }
  return collected()
}
