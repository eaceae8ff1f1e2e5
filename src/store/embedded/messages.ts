/** What the store's worker is started with. */
export interface WorkerOptions { dataDir: string; ttlIntervalMs: number }

export type ToWorker = { kind: 'stop' }
export type FromWorker =
  | { kind: 'ready'; uri: string }
  | { kind: 'failed'; code: string; message: string; details: Record<string, unknown> }
  | { kind: 'fault'; message: string; stack: string }
  | { kind: 'stopped' }
