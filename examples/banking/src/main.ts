import { MemoryEventStore } from "@hexfold/adapters-memory"
import { Executor } from "@hexfold/core"
import { Console, Effect } from "effect"
import { Account, AccountId, Deposit, Open } from "./Account.ts"
import { TransferMoney } from "./TransferMoney.ts"

const [anna, ben] = [AccountId.make("anna"), AccountId.make("ben")]

const program = Effect.gen(function* () {
  yield* Executor.execute(Account, anna, new Open({ owner: "Anna" }))
  yield* Executor.execute(Account, ben, new Open({ owner: "Ben" }))
  yield* Executor.execute(Account, anna, new Deposit({ cents: 10_000 }))

  const transfer = (cents: number) =>
    Executor.execute(TransferMoney, { _tag: "TransferMoney", from: anna, to: ben, cents })

  const { events, streams } = yield* transfer(7_000)
  yield* Console.log(events.map(({ streamId, type }) => `${streamId}: ${type}`).join(", "))
  yield* Console.log(streams.map(({ streamId, version }) => `${streamId} is at version ${version}`).join(", "))

  const refused = yield* Effect.flip(transfer(7_000))
  yield* Console.log(`a second one: ${refused._tag}`)

  for (const id of [anna, ben]) yield* Console.log((yield* Executor.load(Account, id)).state)
})

await Effect.runPromise(Effect.provide(program, MemoryEventStore.layer()))
