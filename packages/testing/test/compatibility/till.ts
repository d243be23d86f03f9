/** Tills whose definitions differ, and what the gate says of the change from one to the other. */
import { Aggregate, Decision, type Versions, View } from "@hexfold/core"
import * as Compatibility from "@hexfold/testing/Compatibility"
import { Schema, type SchemaAST } from "effect"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

type Tagged = Aggregate.Tagged
type Event = Aggregate.TaggedSchema
type Declared = Event | Versions.Chain<Event>
type State = { readonly cents: number; readonly count: number }

export const StateOf = Schema.Struct({ cents: Schema.Int, count: Schema.Int })

export interface Definition {
  readonly id?: Schema.Codec<unknown, unknown>
  readonly events?: ReadonlyArray<Declared>
  readonly retired?: ReadonlyArray<Versions.Retired<Tagged>>
  readonly state?: Schema.Codec<unknown, unknown>
  readonly initial?: unknown
  readonly revision?: number
  readonly evolve?: (state: never, event: never) => unknown
  readonly commands?: ReadonlyArray<Event>
}

export const Paid = Schema.TaggedStruct("Paid", { cents: Schema.Int })
export const Refunded = Schema.TaggedStruct("Refunded", {
  cents: Schema.Int,
  reason: Schema.optionalKey(Schema.String)
})

/** A till with one command, which records an event as it is given. */
export const till = ({
  commands = [],
  events = [Paid, Refunded],
  evolve = (state: State, { cents, euros = 0 }: { readonly cents?: number; readonly euros?: number }) => ({
    cents: state.cents + (cents ?? 100 * euros),
    count: state.count + 1
  }),
  ...rest
}: Definition = {}): Aggregate.Aggregate<"Till", unknown, unknown, Tagged, Tagged, never> => {
  const current = events.map((each) => ("current" in each ? each.current : each))
  const Record = Schema.TaggedStruct("Record", { event: Schema.Union(current) })
  const definition = {
    id: Schema.NonEmptyString,
    state: StateOf,
    initial: { cents: 0, count: 0 },
    ...rest,
    commands: [Record, ...commands],
    events,
    decide: Object.fromEntries([
      ["Record", ({ event }: { readonly event: Tagged }) => Decision.accept(event)],
      ...commands.map((each) => [tagOf(each), () => Decision.nothing])
    ]),
    evolve: Object.fromEntries(current.map((each) => [tagOf(each), evolve]))
  }
  // The definitions of these tests are not known to the compiler.
  return Aggregate.make("Till", definition as never) as never
}

const tagOf = ({ fields: { _tag } }: Event): string => String((_tag.ast as SchemaAST.Literal).literal)

/** A folder that is there while some code runs. */
export const inFolder = <A>(run: (folder: string) => A): A => {
  const folder = mkdtempSync(join(tmpdir(), "hexfold-golden-"))
  try {
    return run(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

type Target = ReturnType<typeof till> | ReturnType<typeof takings>

export const check = (target: Target, options: Compatibility.Options): Compatibility.Report =>
  "keysOf" in target ? Compatibility.check(target, options) : Compatibility.check(target, options)

/** What the gate says when one definition takes the place of another, and the file before and after it. */
export const change = (before: Target, after: Target) =>
  inFolder((folder) => {
    const { file } = check(before, { folder, write: true })
    const made = readFileSync(file, "utf8")
    const { outcome } = check(after, { folder, write: true })
    // A file does not grow on its own.
    const again = check(after, { folder, write: false }).outcome
    if (again !== "complete") throw new Error(`the file is ${again} once it was written`)
    return { outcome, made, renewed: readFileSync(file, "utf8") }
  })

/** The failure of the gate. */
export const failureOf = (run: () => unknown): Compatibility.CompatibilityFailure => {
  try {
    run()
  } catch (failure) {
    if (failure instanceof Compatibility.CompatibilityFailure) return failure
    throw failure
  }
  throw new Error("the change has passed")
}

/** The message of the gate about a change, in one line. */
export const refusal = (before: Target, after: Target): string =>
  failureOf(() => change(before, after)).message.replace(/\s+/g, " ")

export interface ViewDefinition {
  readonly from?: Definition
  readonly version?: number
  readonly state?: Schema.Codec<unknown, unknown>
  readonly key?: (event: never, envelope: never) => string
  readonly evolve?: Readonly<Record<string, (record: never, event: never) => unknown>>
}

const sum = (record: { readonly cents: number } | undefined, { cents }: { readonly cents: number }) => ({
  cents: (record?.cents ?? 0) + cents
})

/** The sum of each till. */
export const takings = ({
  evolve = { Paid: sum, Refunded: sum },
  from,
  state = Schema.Struct({ cents: Schema.Int }),
  ...rest
}: ViewDefinition = {}): View.View<"Takings", unknown, Tagged, View.Envelope<string, unknown>> =>
  View.make("Takings", { ...rest, from: [till(from)], state, evolve } as never) as never
