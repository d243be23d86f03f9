// Rounds of deployments: a version of an application runs, the next one is built, rolled out process by process, rolled back
// and rolled out again, and the former one is dropped, while processes, jobs and the server are killed.
//   npm run deployments                                                        one round, not recorded
//   npm run deployments -- --rounds 50 --results .tmp/deployments.jsonl        fifty rounds, each written to a file
//   npm run deployments -- --seed 17                                           the round of a seed again
//   npm run deployments -- --pace 4                                            leases are four times as long, for a busy machine
// The same seed gives the same commands, options and victims; when a kill meets them is up to the machine.
import { paceOf, runRounds } from "../rounds/command.ts"
import { prepare, roundsAt } from "./round.ts"

const pace = paceOf()

await runRounds({ name: "deployments", options: ["pace"], runWith: pace, prepare, round: roundsAt(pace) })
