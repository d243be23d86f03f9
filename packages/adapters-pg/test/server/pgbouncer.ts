import { execFileSync, spawn } from "node:child_process"
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createConnection } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Redacted, Schedule } from "effect"
import { url } from "../support/database.ts"

const program = "/usr/sbin/pgbouncer"

/** Whether pgbouncer is installed. */
export const isInstalled = ((): boolean => {
  try {
    execFileSync(program, ["--version"], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
})()

/** The URL of a pgbouncer in transaction mode before the tests' server. It ends with the scope. */
export const pgbouncer = Effect.gen(function* () {
  const to = new URL(Redacted.value(url()))
  const folder = mkdtempSync(join(tmpdir(), "hexfold-pgbouncer-"))
  const port = 20_000 + (process.pid % 20_000)
  const users = join(folder, "users.txt")
  const settings = join(folder, "pgbouncer.ini")
  writeFileSync(users, `"${to.username}" "${to.password}"\n`)
  writeFileSync(
    settings,
    `[databases]
* = host=${to.hostname} port=${to.port} user=${to.username} password=${to.password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = ${users}
pool_mode = transaction
default_pool_size = 6
`.replace("auth_type = trust", "auth_type = trust")
  )
  chmodSync(folder, 0o755)
  const asNobody = process.getuid?.() === 0 ? ["setpriv", "--reuid=nobody", "--clear-groups"] : []
  const [command, ...args] = [...asNobody, program, settings]
  yield* Effect.acquireRelease(
    Effect.sync(() => spawn(command!, args, { stdio: "ignore" })),
    (child) =>
      Effect.sync(() => {
        child.kill()
        rmSync(folder, { recursive: true, force: true })
      })
  )
  const connects = Effect.callback<void, Error>((resume) => {
    const socket = createConnection({ host: "127.0.0.1", port })
    socket.on("connect", () => (socket.destroy(), resume(Effect.void)))
    socket.on("error", (error) => resume(Effect.fail(error)))
  })
  yield* Effect.orDie(Effect.retry(connects, { schedule: Schedule.spaced("50 millis"), times: 100 }))
  to.hostname = "127.0.0.1"
  to.port = `${port}`
  return Redacted.make(to.href)
})
