import { ProjectionStoreContract, ViewStoreContract } from "@hexfold/testing/contracts"
import { apart, restricted } from "./backends.ts"

const name = "Postgres, as a role with few rights whose transactions default to repeatable read"

// The contracts of projections, reactors and processes use these stores as the owner of the schema.
ProjectionStoreContract.suite(name, apart({}, restricted))
ViewStoreContract.suite(name, apart({}, restricted))
