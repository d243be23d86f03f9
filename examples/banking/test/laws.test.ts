import { Laws } from "@hexfold/testing"
import { describe, it } from "vitest"
import { Account } from "../src/Account.ts"
import { Rules, TransferMoney } from "../src/TransferMoney.ts"

const balanceOf = (account: (typeof Account)["initial"]) => (account._tag === "Opened" ? account.balance : 0)

// Every run of the tests draws other histories.
const runs = 100

describe("the laws of the bank", () => {
  it("Account keeps the laws of aggregates", () => void Laws.check(Account, { runs }))

  it("Rules keeps the laws of aggregates", () => void Laws.check(Rules, { runs }))

  it("TransferMoney keeps the laws of boundaries", () => void Laws.check(TransferMoney, { runs }))

  it("an account is never overdrawn", () =>
    void Laws.invariant(Account, "balance is never negative", (account) => balanceOf(account) >= 0, {
      runs,
      with: [TransferMoney]
    }))

  it("an account stays open", () =>
    void Laws.always(Account, "once opened, always opened", (_, after) => after._tag === "Opened", { runs }))

  it("a transfer makes no money", () =>
    void Laws.conserved(TransferMoney, "money", ({ from, to }) => balanceOf(from) + balanceOf(to), { runs }))
})
