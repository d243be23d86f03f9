import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import { defaultServerConditions } from "vite"
import { configDefaults, defineConfig } from "vitest/config"

// The programs that tests start import the same modules: these are compiled once.
process.env["NODE_COMPILE_CACHE"] ??= fileURLToPath(new URL("../.tmp/compiled", import.meta.url))

// A variant runs what another file tests once more, with other options. `npm run test:suites -- --variants` sets the variable,
// and nothing else runs the variants.
const withVariants = process.env["HEXFOLD_VARIANTS"] !== undefined
const exclude = withVariants ? configDefaults.exclude : [...configDefaults.exclude, "**/*.variant.test.ts"]

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
  test: { name, root: folder, include: ["test/**/*.test.ts"], exclude, ...patience, ...options }
})

export default defineConfig({
  test: {
    // More than there are cores, because many tests wait for a server or another process.
    maxWorkers: Math.ceil(1.5 * availableParallelism()),
    // The files of a worker share the modules that they import. With modules of their own the tests of the domain took 28 s
    // instead of 17. So a test must not leave state in a module.
    isolate: false,
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
