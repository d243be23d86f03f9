/** The views of an application in two versions. Their records tell if an event is missing, doubled, out of order, or of the other version. */
import { Projection, View } from "@hexfold/core"
import { type Duration, Layer, Schema } from "effect"
import { Account } from "../kills/accounts.ts"

/** A version of the application. */
export type Version = 1 | 2

/** What the records of both versions say of the events that they contain. */
const seen = { count: Schema.Int, digest: Schema.Int, last: Schema.Int }

const One = Schema.Struct({ shape: Schema.Literal("one"), balance: Schema.Int, ...seen })
const Two = Schema.Struct({ shape: Schema.Literal("two"), paidIn: Schema.Int, paidOut: Schema.Int, ...seen })
type One = typeof One.Type
type Two = typeof Two.Type

/** A record of either version. */
export type State = One | Two

const next = (before: State | undefined, factor: number, position: number) => ({
  count: (before?.count ?? 0) + 1,
  digest: ((before?.digest ?? 0) * factor + position) % 1_000_000_007,
  last: position
})

/** Adds an event to a record of version 1. */
export const one = (before: One | undefined, amount: number, position: number): One => ({
  shape: "one",
  balance: (before?.balance ?? 0) + amount,
  ...next(before, 31, position)
})

/** Adds an event to a record of version 2. */
export const two = (before: Two | undefined, amount: number, position: number): Two => ({
  shape: "two",
  paidIn: (before?.paidIn ?? 0) + Math.max(amount, 0),
  paidOut: (before?.paidOut ?? 0) + Math.max(-amount, 0),
  ...next(before, 37, position)
})

interface Envelope {
  readonly id: string
  readonly position: number
}
interface Amount {
  readonly amount: number
}
type Kind = { readonly _tag: "Deposited" | "Withdrawn" }

const evolveOne = {
  Deposited: (before: One | undefined, { amount }: Amount, { position }: Envelope) => one(before, amount, position),
  Withdrawn: (before: One | undefined, { amount }: Amount, { position }: Envelope) => one(before, -amount, position)
}
const evolveTwo = {
  Deposited: (before: Two | undefined, { amount }: Amount, { position }: Envelope) => two(before, amount, position),
  Withdrawn: (before: Two | undefined, { amount }: Amount, { position }: Envelope) => two(before, -amount, position)
}

/** The names of the views, and the keys that an event touches in each version. */
export const keysOf = {
  /** Kept by one projection. */
  Balances: { 1: (id) => [id], 2: (id) => [id, "all"] },
  /** Kept in parts. */
  Activity: { 1: (id) => [id], 2: (id, kind) => [id, kind] },
  /** Kept by the appends: a record is made of one stream. */
  Ledger: { 1: (id) => [id], 2: (id) => [id] },
  /** Kept by the appends: the record is made of all streams. */
  Sum: { 1: () => ["all"], 2: () => ["all"] }
} satisfies Record<string, Record<Version, (id: string, kind: string) => ReadonlyArray<string>>>

/** The name of a view. */
export type Name = keyof typeof keysOf

/** The names of the views. */
export const names = Object.keys(keysOf) as ReadonlyArray<Name>

/** The views that appends maintain. */
export const inlineNames: ReadonlyArray<Name> = ["Ledger", "Sum"]

/** The number of parts into which the keys of a view are divided. */
export const partsOf = (name: Name): number => (name === "Activity" ? 3 : 1)

const from = [Account] as const
const inline = "inline" as const
const keyIn =
  (name: Name, version: Version) =>
  ({ _tag }: Kind, { id }: { readonly id: string }) =>
    keysOf[name][version](id, _tag)

const first = { from, state: One, evolve: evolveOne, version: 1 }
const second = { from, state: Two, evolve: evolveTwo, version: 2 }

const viewsOfOne = {
  Balances: View.make("Balances", { ...first, key: keyIn("Balances", 1) }),
  Activity: View.make("Activity", { ...first, key: keyIn("Activity", 1) }),
  Ledger: View.make("Ledger", { ...first, consistency: inline }),
  Sum: View.make("Sum", { ...first, consistency: inline, key: keyIn("Sum", 1) })
}
const viewsOfTwo = {
  Balances: View.make("Balances", { ...second, key: keyIn("Balances", 2) }),
  Activity: View.make("Activity", { ...second, key: keyIn("Activity", 2) }),
  Ledger: View.make("Ledger", { ...second, consistency: inline }),
  Sum: View.make("Sum", { ...second, consistency: inline, key: keyIn("Sum", 2) })
}

/** The views of a version. */
export const viewsOf = (version: Version): ReadonlyArray<View.Any & { readonly name: Name }> =>
  Object.values<View.Any & { readonly name: Name }>(version === 1 ? viewsOfOne : viewsOfTwo)

/** How a view is projected, with leases of so many milliseconds. */
export const optionsOf = ({ name }: { readonly name: Name }, lease: number): Projection.Options => ({
  ...{ lease, pause: "100 millis", batch: 50 },
  parts: partsOf(name)
})

/** Keeps the views of a version. */
export const projecting = (
  version: Version,
  lease: number,
  keepFor?: Duration.Input
): Layer.Layer<never, never, Projection.Stores> => {
  const others = keepFor === undefined ? {} : { keepFor }
  const layers = [...Map.groupBy(viewsOf(version), ({ name }) => partsOf(name)).values()].map((views) =>
    Projection.layer(views, { ...optionsOf(views[0]!, lease), ...others })
  )
  return Layer.mergeAll(...(layers as [Layer.Layer<never, never, Projection.Stores>]))
}
