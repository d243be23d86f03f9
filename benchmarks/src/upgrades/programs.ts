/** Three programs of one application, in the order of their deployments: an event is renamed, another changes its fields. */
import { Aggregate, Decision, Executor, Records, Snapshots, Versions, View } from "@hexfold/core"
import { Effect, Schema } from "effect"

const PaidV1 = Schema.TaggedStruct("Paid", { euros: Schema.Finite })
const PaidV2 = Schema.TaggedStruct("Paid", { cents: Schema.Int })
const Marked = Schema.TaggedStruct("Marked", { mark: Schema.String })
const Noted = Schema.TaggedStruct("Noted", { text: Schema.String })
const Pay = Schema.TaggedStruct("Pay", { cents: Schema.Int })
const Note = Schema.TaggedStruct("Note", { text: Schema.String })

/** What all programs can be told to do. */
export type Command = typeof Pay.Type | typeof Note.Type

/** What a till has, in the words of the last program. */
export interface Contents {
  readonly cents: number
  readonly notes: ReadonlyArray<string>
}

const centsOf = (euros: number) => Math.round(euros * 100)
const euros = (cents: number) => PaidV1.make({ euros: cents / 100 })
const marked = (text: string) => Marked.make({ mark: text })

const common = { id: Schema.String, commands: [Pay, Note] } as const

const EurosAndMarks = Schema.Struct({ euros: Schema.Finite, marks: Schema.Array(Schema.String) })
const former = {
  ...common,
  state: EurosAndMarks,
  initial: { euros: 0, marks: [] },
  decide: {
    Pay: ({ cents }: typeof Pay.Type) => Decision.accept(euros(cents)),
    Note: ({ text }: typeof Note.Type) => Decision.accept(marked(text))
  },
  evolve: {
    // The sum of cents is exact, and that of euros is not.
    Paid: (state: typeof EurosAndMarks.Type, paid: typeof PaidV1.Type) => ({
      ...state,
      euros: (centsOf(state.euros) + centsOf(paid.euros)) / 100
    }),
    Marked: (state: typeof EurosAndMarks.Type, { mark }: typeof Marked.Type) => ({
      ...state,
      marks: [...state.marks, mark]
    })
  }
}

const Before = Aggregate.make("Till", { ...former, events: [PaidV1, Marked] })

// The first deployment reads what the second one will write.
const First = Aggregate.make("Till", {
  ...former,
  events: [Versions.first(PaidV1).ahead(PaidV2, ({ cents }) => euros(cents)), Marked],
  retired: [Versions.retired(Noted, ({ text }) => [marked(text)])]
})

const Second = Aggregate.make("Till", {
  ...common,
  revision: 2,
  state: Schema.Struct({ cents: Schema.Int, notes: Schema.Array(Schema.String) }),
  initial: { cents: 0, notes: [] },
  events: [Versions.first(PaidV1).next(PaidV2, (paid) => PaidV2.make({ cents: centsOf(paid.euros) })), Noted],
  retired: [Versions.retired(Marked, ({ mark }) => [Noted.make({ text: mark })])],
  decide: {
    Pay: ({ cents }) => Decision.accept(PaidV2.make({ cents })),
    Note: ({ text }) => Decision.accept(Noted.make({ text }))
  },
  evolve: {
    Paid: (state, { cents }) => ({ ...state, cents: state.cents + cents }),
    Noted: (state, { text }) => ({ ...state, notes: [...state.notes, text] })
  }
})

// The records of `Balances` are the same in all programs, so its version is too. `Notes` handles another event in the last one.
const balances = { state: Schema.Struct({ cents: Schema.Int }), consistency: "inline" } as const
const notes = { state: Schema.Struct({ notes: Schema.Array(Schema.String) }) } as const

const formerViews = (till: typeof Before) => ({
  balances: View.make("Balances", {
    ...balances,
    from: [till],
    evolve: { Paid: (state = { cents: 0 }, paid) => ({ cents: state.cents + centsOf(paid.euros) }) }
  }),
  notes: View.make("Notes", {
    ...notes,
    from: [till],
    evolve: { Marked: (state = { notes: [] }, { mark }) => ({ notes: [...state.notes, mark] }) }
  })
})

const lastViews = {
  balances: View.make("Balances", {
    ...balances,
    from: [Second],
    evolve: { Paid: (state = { cents: 0 }, { cents }) => ({ cents: state.cents + cents }) }
  }),
  notes: View.make("Notes", {
    ...notes,
    version: 2,
    from: [Second],
    evolve: { Noted: (state = { notes: [] }, { text }) => ({ notes: [...state.notes, text] }) }
  })
}

const versionOf = Effect.map(({ version }: { readonly version: number }) => version)

const formerProgram = (till: typeof Before) => ({
  views: formerViews(till),
  // Small enough that a stream has several snapshots of each program.
  snapshots: Snapshots.layer({ every: 5, of: [till] }),
  execute: (id: string, command: Command, commandId: string) =>
    versionOf(Executor.execute(till, id, command, { commandId })),
  load: (id: string) =>
    Effect.map(Executor.load(till, id), ({ state }): Contents => ({ cents: centsOf(state.euros), notes: state.marks }))
})

/** The programs. The first two count euros, and what they read is turned into the words of the last one. */
export const programs = {
  before: formerProgram(Before),
  first: formerProgram(First),
  second: {
    views: lastViews,
    snapshots: Snapshots.layer({ every: 5, of: [Second] }),
    execute: (id: string, command: Command, commandId: string) =>
      versionOf(Executor.execute(Second, id, command, { commandId })),
    load: (id: string) => Effect.map(Executor.load(Second, id), ({ state }): Contents => state)
  }
}

/** The name of a program. */
export type Name = keyof typeof programs

/** The cents of a till, as the records of a program have them. */
export const balanceOf = (name: Name, id: string) => Records.get(programs[name].views.balances, id)

/** The tills of the application. */
export const tills = Array.from({ length: 6 }, (_, i) => `t${i}`)
