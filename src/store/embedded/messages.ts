/** What the store's worker is started with. */
export interface WorkerOptions { dataDir: string; ttlIntervalMs: number }

/** The only thing the door asks of the worker. */
export interface ToWorker { kind: 'stop' }
export type FromWorker =
  | { kind: 'ready'; uri: string }
  | { kind: 'failed'; code: string; message: string; details: Record<string, unknown> }
  | { kind: 'fault'; message: string; stack: string }
  | { kind: 'stopped' }
