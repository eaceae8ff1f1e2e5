export { ensureIndexes } from './ensure-indexes.ts'
export { startEmbeddedStore, type EmbeddedStore, type EmbeddedStoreOptions } from './embedded/index.ts'
