// Rounds in which owners of views are killed. One process executes a log. Others keep views of it. Again and again the process
// that owns a view, or a part of a view, is killed.
//   npm run owners -- --log declarations.csv.gz                                            one round, not recorded
//   npm run owners -- --log declarations.csv.gz --rounds 50 --results .tmp/owners.jsonl    fifty rounds, each written to a file
//   npm run owners -- --seed 17                                                            the round of a seed again
//   npm run owners -- --pace 4                                                             leases are four times as long
// Without --log, a made-up log is executed. The same seed gives the same slice of the log, options and choices of victims; when
// a kill meets them is up to the machine.
import { fileOf, paceOf, runRounds } from "../rounds/command.ts"
import { prepare, roundsWith } from "./round.ts"

const [log, pace] = [fileOf("log"), paceOf()]

await runRounds({
  ...{ name: "owners", options: ["log", "pace"], runWith: { log, pace } },
  ...{ prepare, round: roundsWith(log, pace) }
})
