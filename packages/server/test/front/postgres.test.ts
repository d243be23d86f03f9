import { suite } from "./FrontContract.ts"
import { storesAt } from "./postgres.ts"

// The server of the tests: Postgres 18, unless another one is named.
suite("Postgres", storesAt())
