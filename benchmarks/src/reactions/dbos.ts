import { DBOS } from "@dbos-inc/dbos-sdk"
import pg from "pg"

/** Workflows of DBOS at once, each with steps that insert a row. Each run gives their steps a second. */
export const dbos = async (url: string, workflows: number, stepsOfEach: number) => {
  const pool = new pg.Pool({ connectionString: url, max: 20 })
  await pool.query("create table if not exists dbos_done (workflow text not null, step int not null)")
  const workflow = DBOS.registerWorkflow(
    async (name: string) => {
      for (let step = 1; step <= stepsOfEach; step++) {
        await DBOS.runStep(
          async () => {
            await pool.query({ name: "done", text: "insert into dbos_done values ($1, $2)", values: [name, step] })
          },
          { name: "insert" }
        )
      }
    },
    { name: "benchmark" }
  )
  DBOS.setConfig({ name: "benchmark", systemDatabaseUrl: url, systemDatabasePoolSize: 20, logLevel: "error" })
  await DBOS.launch()
  return {
    run: async () => {
      const start = performance.now()
      const handles = await Promise.all(
        Array.from({ length: workflows }, (_, i) => DBOS.startWorkflow(workflow)(`workflow ${i}`))
      )
      await Promise.all(handles.map((handle) => handle.getResult()))
      return (workflows * stepsOfEach) / ((performance.now() - start) / 1_000)
    },
    close: async () => {
      await DBOS.shutdown()
      await pool.end()
    }
  }
}
