export { ensureIndexes } from './ensure-indexes.ts'
export { openStore, connect, type Store } from './open.ts'
export { startEmbeddedStore, type EmbeddedStore, type EmbeddedStoreOptions } from './embedded/index.ts'
