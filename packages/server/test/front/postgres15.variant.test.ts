import { Effect, Exit, type Redacted, Scope } from "effect"
import { afterAll, beforeAll, describe } from "vitest"
import { installedServer, isInstalled } from "../../../adapters-pg/test/support/installedServer.ts"
import { suite } from "./FrontContract.ts"
import { storesAt } from "./postgres.ts"

const version = 15

if (!isInstalled(version)) {
  console.warn(`SKIPPED: Debian's package postgresql-${version} is not installed, so no front is tested on it`)
}

describe.skipIf(!isInstalled(version))("Debian's package", () => {
  const scope = Scope.makeUnsafe()
  let url: Redacted.Redacted
  beforeAll(async () => {
    url = await Effect.runPromise(Effect.provideService(installedServer(version), Scope.Scope, scope))
  })
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))
  suite(
    `Postgres ${version}`,
    storesAt(() => url)
  )
})
