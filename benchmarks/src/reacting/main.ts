// Rounds of reacting. Two or three processes run the process managers and reactors of the examples orders and hotel. They are
// killed at random moments, and sometimes a higher version is rolled out. Customers, a payment provider, a warehouse and a
// mail server live outside.
//   npm run reacting                                                    one round, not recorded
//   npm run reacting -- --rounds 100 --results .tmp/reacting.jsonl      a hundred rounds, each written to a file
//   npm run reacting -- --seed 17                                       the round of a seed again
//   npm run reacting -- --pace 4                                        leases and timeouts are four times as long
import { paceOf, runRounds } from "../rounds/command.ts"
import { prepare, roundsAt } from "./round.ts"

const pace = paceOf()

await runRounds({ name: "reacting", options: ["pace"], runWith: { pace }, prepare, round: roundsAt(pace) })
