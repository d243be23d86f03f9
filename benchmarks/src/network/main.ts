// Rounds of mixed load on two processes that serve the same API over HTTP, while these, clients and the server of Postgres
// are killed, or end in good order, at random moments.
//   npm run network                                                             one round, not recorded
//   npm run network -- --seconds 300 --rounds 6 --results .tmp/network.jsonl    half an hour of load, each round in a file
//   npm run network -- --seed 17                                                the round of a seed again
import { optionOf, runRounds } from "../rounds/command.ts"
import { prepare, roundOf } from "./round.ts"

const seconds = Number(optionOf("seconds") ?? "20")
if (!Number.isSafeInteger(seconds) || seconds < 1) throw new Error("--seconds is a whole number from 1 on")
await runRounds({
  name: "network",
  options: ["seconds"],
  runWith: { seconds },
  prepare,
  round: roundOf({ most: 6, seconds })
})
