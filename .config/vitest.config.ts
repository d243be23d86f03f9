import { availableParallelism } from "node:os"
import { defaultServerConditions } from "vite"
import { defineConfig } from "vitest/config"

const conditions = ["@hexfold/source", ...defaultServerConditions]

// The sources themselves, without a build.
// `__vitest__` is where Vitest loads the global setup.
const sources = {
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  environments: { __vitest__: { resolve: { conditions } } }
}

// Time enough on a machine that is busy with other things: the limits only end what hangs.
const patience = { testTimeout: 180_000, hookTimeout: 180_000 }

const project = (name: string, folder: string, options: { readonly globalSetup?: string } = {}) => ({
  ...sources,
  test: { name, root: folder, include: ["test/**/*.test.ts"], ...patience, ...options }
})

export default defineConfig({
  test: {
    // By default one core is left free, which on two cores means one file after the other.
    maxWorkers: Math.max(2, availableParallelism()),
    projects: [
      project("core", "packages/core"),
      project("testing", "packages/testing"),
      project("adapters-memory", "packages/adapters-memory"),
      project("adapters-pg", "packages/adapters-pg", { globalSetup: "test/support/server.ts" }),
      project("publishers", "packages/publishers"),
      project("server", "packages/server", { globalSetup: "../adapters-pg/test/support/server.ts" }),
      project("client", "packages/client"),
      project("benchmarks", "benchmarks"),
      project("banking", "examples/banking"),
      project("hotel", "examples/hotel"),
      project("orders", "examples/orders"),
      project("travel-expenses", "examples/travel-expenses")
    ]
  }
})
