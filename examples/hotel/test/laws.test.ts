import { Laws } from "@hexfold/testing"
import { it } from "vitest"
import { CheckOutTogether } from "../src/CheckOutTogether.ts"
import { Group } from "../src/Group.ts"
import { Stay } from "../src/Stay.ts"

// Every run of the tests draws other histories.
const runs = 100

it("the aggregates and the boundary keep their laws", () => {
  Laws.check(Stay, { runs })
  Laws.check(Group, { runs })
  Laws.check(CheckOutTogether, { runs, with: [Stay] })
})

it("nobody leaves who has not paid", () =>
  void Laws.always(
    Stay,
    "a guest who goes owes nothing",
    (before, after) => after._tag !== "Gone" || before._tag === "Gone" || (before._tag === "In" && before.balance <= 0),
    { runs, with: [CheckOutTogether] }
  ))

it("a group comes to one end", () =>
  void Laws.always(
    Group,
    "a group that has left, or that was given up, stays so",
    (before, after) => before._tag === "Staying" || before._tag === "Leaving" || before._tag === after._tag,
    { runs, with: [CheckOutTogether] }
  ))
