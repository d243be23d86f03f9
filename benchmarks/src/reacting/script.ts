/** What customers, guests and the payment provider do in the round of a seed. */
import { below, type Random, randomOf } from "../rounds/random.ts"

/** How the provider behaves for a payment. */
export type Behaviour = "prompt" | "twice" | "late" | "never" | "refuses"

export interface Ordered {
  readonly id: string
  readonly item: "lamp" | "vase" | "piano"
  readonly quantity: number
  readonly cents: number
  readonly customer: string
  readonly behaviour: Behaviour
  /** When it is placed, in milliseconds after the begin. */
  readonly at: number
  /** How long after it the customer withdraws it, in milliseconds. */
  readonly withdrawnAfter: number | undefined
}

/** How a guest stands with the hotel when the group leaves. */
type Standing = "settled" | "pays later" | "never pays" | "absent"

interface Visitor {
  readonly id: string
  readonly standing: Standing
  /** How long after the begin of the check-out he pays, in milliseconds, if he does. */
  readonly paysAfter: number
}

export interface Party {
  readonly id: string
  readonly guests: ReadonlyArray<Visitor>
  /** When it leaves, in milliseconds after the begin. */
  readonly at: number
}

export interface Script {
  readonly orders: ReadonlyArray<Ordered>
  readonly groups: ReadonlyArray<Party>
  /** What the warehouse has. There is never a piano, and not a vase for everybody who wants one. */
  readonly stock: Readonly<Record<Ordered["item"], number>>
}

const oneOf = <A>(random: Random, all: ReadonlyArray<A>): A => all[below(random, all.length)]!

/** Customers and guests come within this time, in milliseconds. */
const period = 4_000

const orderOf = (random: Random, i: number): Ordered => ({
  id: `order-${i}`,
  item: oneOf(random, ["lamp", "lamp", "lamp", "lamp", "lamp", "vase", "vase", "piano"]),
  quantity: 1 + below(random, 3),
  cents: 100 + below(random, 10_000),
  customer: `customer-${below(random, 10)}`,
  behaviour: oneOf(random, ["prompt", "prompt", "prompt", "twice", "twice", "late", "never", "refuses"]),
  at: below(random, period),
  withdrawnAfter: random() < 0.3 ? below(random, 4_000) : undefined
})

const groupOf = (random: Random, i: number): Party => {
  const hasDebtors = random() < 0.5
  const standing = (): Standing => {
    const chance = random()
    if (chance < 0.75) return "settled"
    if (chance < 0.93) return "pays later"
    return hasDebtors ? oneOf(random, ["never pays", "absent"]) : "pays later"
  }
  const guests = Array.from({ length: 3 + below(random, 22) }, (_, n) => ({
    id: `guest-${i}-${n}`,
    standing: standing(),
    paysAfter: below(random, 2_500)
  }))
  return { id: `group-${i}`, guests, at: below(random, period) }
}

export const scriptOf = (seed: number): Script => {
  const random = randomOf(seed, "script")
  return {
    orders: Array.from({ length: 30 + below(random, 15) }, (_, i) => orderOf(random, i)),
    groups: Array.from({ length: 4 + below(random, 4) }, (_, i) => groupOf(random, i)),
    stock: { lamp: 1_000, vase: 8, piano: 0 }
  }
}
