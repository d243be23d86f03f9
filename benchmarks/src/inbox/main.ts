// Rounds of kills on both sides of NATS: processes of an application that publishes, processes of another one that executes
// what it is sent, the server of NATS and that of Postgres are killed at random moments.
//   npm run inbox                                                     one round, not recorded
//   npm run inbox -- --rounds 100 --results .tmp/inbox.jsonl          a hundred rounds, each written to a file
//   npm run inbox -- --seed 17                                        the round of a seed again
import { paceOf, runRounds } from "../rounds/command.ts"
import { hasNats } from "../rounds/nats.ts"
import { prepare, roundOf } from "./round.ts"

if (!hasNats) {
  console.error("nats-server is not installed: apt-get install nats-server")
  process.exit(2)
}

const pace = paceOf()
await runRounds({ name: "inbox", options: ["pace"], runWith: { pace }, prepare, round: roundOf({ most: 6, pace }) })
