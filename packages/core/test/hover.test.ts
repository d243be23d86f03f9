import { expect, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { mkdir, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"

const fixture = `
import { Aggregate, Decision, EventDecodeError, EventStore, EventStoreError, Executor, InvalidCommand, Projection, Query, Receipt, Subscription, View, ViewStore, ViewStoreError, WaitTimeout } from "@hexfold/core"
import { Effect, Schema, Stream } from "effect"

class AccountState extends Schema.Class<AccountState>("AccountState")({ balance: Schema.Int }) {}
class OpenAccount extends Schema.TaggedClass<OpenAccount>()("OpenAccount", {}) {}
class Deposit extends Schema.TaggedClass<Deposit>()("Deposit", { amount: Schema.Int }) {}
class Withdraw extends Schema.TaggedClass<Withdraw>()("Withdraw", { amount: Schema.Int }) {}
class AccountOpened extends Schema.TaggedClass<AccountOpened>()("AccountOpened", {}) {}
class MoneyDeposited extends Schema.TaggedClass<MoneyDeposited>()("MoneyDeposited", { amount: Schema.Int }) {}
class MoneyWithdrawn extends Schema.TaggedClass<MoneyWithdrawn>()("MoneyWithdrawn", { amount: Schema.Int }) {}
class NotOpen extends Schema.TaggedError<NotOpen>()("NotOpen", {}) {}
class InsufficientFunds extends Schema.TaggedError<InsufficientFunds>()("InsufficientFunds", {}) {}

export const Account = Aggregate.make("Account", {
  id: Schema.String,
  state: AccountState,
  initial: new AccountState({ balance: 0 }),
  commands: [OpenAccount, Deposit, Withdraw],
  events: [AccountOpened, MoneyDeposited, MoneyWithdrawn],
  errors: [NotOpen, InsufficientFunds],
  decide: {
    OpenAccount: () => Decision.accept(new AccountOpened()),
    Deposit: ({ amount }, { balance }) =>
      balance < 0 ? Decision.reject(new NotOpen()) : Decision.accept(new MoneyDeposited({ amount })),
    Withdraw: ({ amount }, { balance }) =>
      balance < amount ? Decision.reject(new InsufficientFunds()) : Decision.accept(new MoneyWithdrawn({ amount }))
  },
  evolve: {
    AccountOpened: (state) => state,
    MoneyDeposited: ({ balance }, { amount }) => new AccountState({ balance: balance + amount }),
    MoneyWithdrawn: ({ balance }, { amount }) => new AccountState({ balance: balance - amount })
  }
})

export const executed = Executor.execute(Account, "a", new Deposit({ amount: 1 }))
export const loaded = Executor.load(Account, "a")
export const Deposits = View.make("Deposits", {
  from: [Account],
  state: Schema.Int,
  evolve: { MoneyDeposited: (count = 0) => count + 1 }
})
export const reflected = executed.pipe(Projection.waitFor([Deposits]))
export const live = Subscription.query(Deposits, Query.from(Deposits))
`

const root = join(import.meta.dirname, "../../..")
const folder = join(import.meta.dirname, ".tmp/hover")

it("the compiler shows an aggregate and its execution by the names of the domain", async () => {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, "fixture.ts"), fixture)
  await writeFile(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      extends: join(root, ".config/tsconfig.base.json"),
      compilerOptions: {
        composite: false,
        declarationMap: false,
        emitDeclarationOnly: true,
        customConditions: ["@hexfold/source"],
        lib: ["ES2024", "DOM"],
        // The imports without a use let the compiler shorten the names that it shows.
        noUnusedLocals: false,
        rootDir: root,
        outDir: "out"
      },
      files: ["fixture.ts"]
    })
  )
  const compiled = await promisify(execFile)(join(root, "node_modules/.bin/tsc"), ["--project", folder]).catch(
    (failed: { readonly stdout: string }) => failed
  )
  expect(compiled.stdout).toBe("")
  const declared = await readFile(join(folder, "out/packages/core/test/.tmp/hover/fixture.d.ts"), "utf8")
  expect(declared.split("\n").filter((line) => line.startsWith("export declare"))).toEqual([
    'export declare const Account: Aggregate.Aggregate<"Account", string, AccountState, Deposit | OpenAccount | Withdraw, AccountOpened | MoneyDeposited | MoneyWithdrawn, InsufficientFunds | NotOpen>;',
    "export declare const executed: Effect.Effect<Receipt.Receipt<AccountOpened | MoneyDeposited | MoneyWithdrawn>, InsufficientFunds | NotOpen | Executor.ExecuteError, EventStore.EventStore>;",
    "export declare const loaded: Effect.Effect<Executor.Loaded<AccountState>, Executor.LoadError, EventStore.EventStore>;",
    'export declare const Deposits: View.View<"Deposits", number, AccountOpened | MoneyDeposited | MoneyWithdrawn, View.Envelope<"Account", string>>;',
    "export declare const reflected: Effect.Effect<Receipt.Receipt<AccountOpened | MoneyDeposited | MoneyWithdrawn>, InsufficientFunds | NotOpen | ViewStoreError | WaitTimeout<Receipt.Receipt<AccountOpened | MoneyDeposited | MoneyWithdrawn>> | Executor.ExecuteError, EventStore.EventStore | ViewStore.ViewStore>;",
    "export declare const live: Stream.Stream<Query.Page<number>, Subscription.QueryError, EventStore.EventStore | ViewStore.ViewStore>;"
  ])
  await rm(folder, { recursive: true })
})
