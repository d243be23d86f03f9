// Rounds of kills on the write side: clients, projections, followers and the server are killed at random moments.
//   npm run kills                                                     one round, not recorded
//   npm run kills -- --rounds 100 --results .tmp/kills.jsonl          a hundred rounds, each written to a file
//   npm run kills -- --seed 17                                        the round of a seed again
// The same seed gives the same commands and kills; when they meet is up to the machine.
import { runRounds } from "../rounds/command.ts"
import { prepare, round } from "./round.ts"

await runRounds({ name: "kills", prepare, round })
