// Rounds of reactions. Two or three processes run the process managers and reactors of the examples orders and hotel. They are
// killed at random moments, and sometimes a higher version is rolled out. Customers, a payment provider, a warehouse and a
// mail server live outside.
//   npm run reactions                                                    one round, not recorded
//   npm run reactions -- --rounds 100 --results .tmp/reactions.jsonl     a hundred rounds, each written to a file
//   npm run reactions -- --seed 17                                       the round of a seed again
//   npm run reactions -- --pace 4                                        leases and timeouts are four times as long
import { paceOf, runRounds } from "../rounds/command.ts"
import { prepare, roundsAt } from "./round.ts"

const pace = paceOf()

await runRounds({ name: "reactions", options: ["pace"], runWith: { pace }, prepare, round: roundsAt(pace) })
