/** What a newcomer has to know after `npm start` without credentials. */
export interface SandboxFacts {
  appUrl: string
  sandboxUrl: string
  dataDir: string
  /** Connection string of the store on this machine; undefined if the store is elsewhere: it may hold a password. */
  storeUri: string | undefined
}

/** The plain words printed once the sandbox runs. */
export function sandboxBanner({ appUrl, sandboxUrl, dataDir, storeUri }: SandboxFacts): string {
  const local = (url: string) => url.replace('127.0.0.1', 'localhost')
  const rows: [string, string][] = [
    ['Begin here', `${local(sandboxUrl)}  (a local stand-in for the CRM, with 25 customer accounts)`],
    ['Barometer', local(appUrl)],
    ['Data', `${dataDir}  (delete the folder to begin again)`],
    ...(storeUri === undefined ? [] : [['Database', storeUri] satisfies [string, string]]),
    ['Stop', 'Ctrl+C'],
  ]
  const lines = rows.map(([name, value]) => `  ${name.padEnd(12)}${value}`)
  return ['', 'Barometer runs in the sandbox: no credentials were given, and nothing leaves this machine.', '', ...lines, '', 'The story is in README.md.', '', ''].join('\n')
}
