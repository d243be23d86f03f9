import { describe, expectTypeOf, it } from "@effect/vitest"
import {
  type Aggregate,
  Boundary,
  type InvalidCommand,
  Decision,
  type EventStore,
  Executor,
  Projection,
  type Receipt,
  type UnknownCommandVersion,
  type ViewStore,
  type ViewStoreError,
  type WaitTimeout
} from "@hexfold/core"
import { Effect, Schema } from "effect"
import {
  Account,
  AccountId,
  type AccountOpened,
  type AlreadyOpen,
  Deposit,
  type InsufficientFunds,
  type MoneyDeposited,
  type MoneyWithdrawn,
  type NotOpen,
  accountErrors
} from "../../support/account.ts"
import { Activity } from "../../support/projected.ts"

// What is expected here is checked by the compiler; running the tests proves only that the modules load.

type Tagged = Aggregate.Tagged
type Errors<T> = T extends Effect.Effect<unknown, infer E, unknown> ? E : never
type Needs<T> = T extends Effect.Effect<unknown, unknown, infer R> ? R : never
type Gives<T> = T extends Effect.Effect<infer A, unknown, unknown> ? A : never

const id = AccountId.make("a")
const deposit = new Deposit({ amount: 1 })
const waitFor = Projection.waitFor([Activity], { timeout: "1 second" })

const Give = Boundary.make("Give", {
  command: Schema.TaggedStruct("Give", { to: AccountId }),
  participants: ({ to }) => ({ to: Account.at(to) }),
  errors: accountErrors,
  decide: (_give, { to }) => Decision.all({ to: Account.decide(new Deposit({ amount: 1 }), to) })
})
const give = { _tag: "Give", to: id } as const

type Recorded = AccountOpened | MoneyDeposited | MoneyWithdrawn

describe("execute, then waitFor", () => {
  it("passes the receipt on, needs the view store, and can fail for it", () => {
    const plain = Executor.execute(Account, id, deposit, { commandId: "c" })
    const waiting = plain.pipe(waitFor)
    expectTypeOf<Gives<typeof waiting>>().toEqualTypeOf<Gives<typeof plain>>()
    expectTypeOf<Needs<typeof waiting>>().toEqualTypeOf<EventStore.EventStore | ViewStore.ViewStore>()
    expectTypeOf<Errors<typeof waiting>>().toEqualTypeOf<
      Errors<typeof plain> | WaitTimeout<Receipt.Receipt<Recorded>> | ViewStoreError
    >()
    expectTypeOf<Needs<typeof plain>>().toEqualTypeOf<EventStore.EventStore>()
  })

  it("over a boundary too", () => {
    const plain = Executor.execute(Give, give)
    const waiting = plain.pipe(waitFor)
    expectTypeOf<Gives<typeof waiting>>().toEqualTypeOf<Receipt.BoundaryReceipt<Recorded>>()
    expectTypeOf<Needs<typeof waiting>>().toEqualTypeOf<EventStore.EventStore | ViewStore.ViewStore>()
    expectTypeOf<Errors<typeof waiting>>().toEqualTypeOf<
      Errors<typeof plain> | WaitTimeout<Receipt.BoundaryReceipt<Recorded>> | ViewStoreError
    >()
  })

  it("of a command from outside too", () => {
    const plain = Executor.executeUnknown(Account, "a", {})
    const typed = Executor.execute(Account, id, deposit)
    expectTypeOf<Gives<typeof plain>>().toEqualTypeOf<Gives<typeof typed>>()
    expectTypeOf<Errors<typeof plain>>().toEqualTypeOf<Errors<typeof typed> | UnknownCommandVersion>()
    const waiting = plain.pipe(waitFor)
    expectTypeOf<Needs<typeof waiting>>().toEqualTypeOf<EventStore.EventStore | ViewStore.ViewStore>()
    const over = Executor.executeUnknown(Give, {}).pipe(waitFor)
    expectTypeOf<Needs<typeof over>>().toEqualTypeOf<EventStore.EventStore | ViewStore.ViewStore>()
  })

  it("is no option of an execution", () => {
    // @ts-expect-error it would not wait
    Executor.execute(Account, id, deposit, { waitFor: [Activity] })
    // @ts-expect-error it would not wait
    Executor.execute(Give, give, { timeout: "1 second" })
  })
})

describe("execute in generic code", () => {
  it("over any aggregate has the aggregate's receipt and errors", () => {
    const generic = <Name extends string, Id, State, Command extends Tagged, Event extends Tagged, Error>(
      aggregate: Aggregate.Aggregate<Name, Id, State, Command, Event, Error>,
      id: Id,
      command: Command
    ): Effect.Effect<Receipt.Receipt<Event>, Error | Executor.ExecuteError, EventStore.EventStore> =>
      Executor.execute(aggregate, id, command)
    expectTypeOf(generic(Account, id, deposit)).toEqualTypeOf(Executor.execute(Account, id, deposit))
  })

  it("over any boundary has the boundary's receipt and errors", () => {
    const generic = <Name extends string, Command extends Tagged, States, Event extends Tagged, Error>(
      boundary: Boundary.Boundary<Name, Command, States, Event, Error>,
      command: Command
    ): Effect.Effect<Receipt.BoundaryReceipt<Event>, Error | Executor.BoundaryError, EventStore.EventStore> =>
      Executor.execute(boundary, command)
    expectTypeOf(generic(Give, give)).toEqualTypeOf(Executor.execute(Give, give))
  })
})

type Domain = AlreadyOpen | NotOpen | InsufficientFunds

describe("catchTechnical", () => {
  const waiting = Executor.execute(Account, id, deposit).pipe(waitFor)

  it("leaves the errors of the domain, data-last and data-first", () => {
    const last = waiting.pipe(Executor.catchTechnical(() => Effect.succeed("technical")))
    expectTypeOf<Errors<typeof last>>().toEqualTypeOf<Domain>()
    expectTypeOf<Gives<typeof last>>().toEqualTypeOf<Receipt.Receipt<Recorded> | string>()
    const first = Executor.catchTechnical(Executor.execute(Give, give), () => Effect.fail("away" as const))
    expectTypeOf<Errors<typeof first>>().toEqualTypeOf<Domain | "away">()
  })

  it("gives the handler only what can happen, with the receipt of a wait", () => {
    waiting.pipe(
      Executor.catchTechnical((error) => {
        expectTypeOf(error).toEqualTypeOf<
          Executor.ExecuteError | ViewStoreError | WaitTimeout<Receipt.Receipt<Recorded>>
        >()
        return Effect.void
      })
    )
  })

  it("has one kind for each who can mend an error, for catchIf", () => {
    const over = Executor.execute(Give, give).pipe(waitFor)
    const mended = over.pipe(Effect.catchIf(Executor.isProgramError, (error) => Effect.die(error)))
    expectTypeOf<Errors<typeof mended>>().toEqualTypeOf<
      Domain | Executor.CallerError | Exclude<Errors<typeof over>, Executor.ProgramError>
    >()
    expectTypeOf<Executor.TechnicalError>().toEqualTypeOf<
      Executor.BoundaryError | ViewStoreError | WaitTimeout | InvalidCommand | UnknownCommandVersion
    >()
  })
})
