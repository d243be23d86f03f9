import { PgStores } from "@hexfold/adapters-pg"
import { Aggregate, Decision, Executor, Process, Reactor } from "@hexfold/core"
import { Effect, Layer, ManagedRuntime, Redacted, Schedule, Schema } from "effect"
import pg from "pg"
import { dbos } from "./dbos.ts"
import { fibers } from "../fibers.ts"
import { type Measured, median, type Report } from "../measure.ts"

const [processes, stepsOfEach, rounds] = [1_000, 10, 3]

const Do = Schema.TaggedStruct("Do", { step: Schema.Int })
const Done = Schema.TaggedStruct("Done", { step: Schema.Int })

const jobOf = <const Name extends string>(name: Name) =>
  Aggregate.make(name, {
    id: Schema.String,
    state: Schema.Int,
    initial: 0,
    commands: [Do],
    events: [Done],
    decide: { Do: ({ step }) => Decision.accept(Done.make({ step })) },
    evolve: { Done: (_, { step }) => step }
  })

// Each step records the event, the state and a command, sends the command, and records that it was accepted.
const processOf = (round: number) => {
  const job = jobOf(`Job${round}`)
  const process = Process.make(`Doing${round}`, {
    from: [job],
    to: [job],
    start: "beginning",
    state: Schema.Int,
    initial: 0,
    on: {
      Done: {
        key: (_, { id }) => id,
        react: (steps, { step }, { id }) =>
          step < stepsOfEach
            ? Process.next(steps + 1, Process.send(job, id, Do.make({ step: step + 1 })))
            : Process.end(steps + 1)
      }
    }
  })
  return { job, process }
}

const running = (round: number, ended: Effect.Effect<boolean>) =>
  Effect.gen(function* () {
    const { job, process } = processOf(round)
    yield* fibers(64, processes, (i) => Executor.execute(job, String(i), Do.make({ step: 1 })))
    const start = performance.now()
    yield* Effect.raceFirst(
      Layer.launch(Reactor.layer([process], { concurrency: 256 })),
      Effect.repeat(ended, { until: (done) => done, schedule: Schedule.spaced("100 millis") })
    )
    return (processes * stepsOfEach) / ((performance.now() - start) / 1_000)
  })

/** Processes: the steps of many at once, beside the steps of workflows of DBOS. */
export const steps = async (url: string): Promise<ReadonlyArray<Report>> => {
  const runtime = ManagedRuntime.make(PgStores.layerUrl(Redacted.make(url), { schema: "bench_steps" }))
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const theirs = await dbos(url, processes, stepsOfEach)
  const [ours, others]: [Array<number>, Array<number>] = [[], []]
  for (let round = 0; round <= rounds; round++) {
    const ended = Effect.promise(async () => {
      const statement = "select count(*)::int as ended from bench_steps.streams where key like $1 and version = $2"
      const { rows } = await client.query<{ readonly ended: number }>(statement, [`Job${round}-%`, stepsOfEach])
      return rows[0]?.ended === processes
    })
    const ownRate = await runtime.runPromise(running(round, ended))
    const rate = await theirs.run()
    if (round > 0) {
      ours.push(ownRate)
      others.push(rate)
    }
  }
  await theirs.close()
  await client.end()
  await runtime.dispose()
  const measured: ReadonlyArray<Measured> = [
    { name: "Hexfold, steps that send a command", rates: ours, median: median(ours) },
    { name: "DBOS, steps that insert a row", rates: others, median: median(others) }
  ]
  return [
    {
      title: `Postgres: ${processes} processes at once, ${stepsOfEach} steps each`,
      measured,
      bars: [
        { claim: "steps/s", figure: median(ours), atLeast: 1_500 },
        { claim: "Hexfold / DBOS", figure: median(ours) / median(others) }
      ]
    }
  ]
}
