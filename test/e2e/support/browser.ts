import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import packagedChromium from '@sparticuz/chromium'
import { chromium, type Browser } from 'playwright-core'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

async function onPath(): Promise<string | null> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    for (const name of names) {
      const file = join(folder, name)
      if (await isThere(file)) return file
    }
  }
  return null
}

async function isThere(file: string): Promise<boolean> {
  try {
    await access(file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || (error as NodeJS.ErrnoException).code === 'ENOTDIR') return false
    throw error
  }
}

/** The system's Chromium if there is one, else the one that came with the npm packages. Its own arguments are not used: they switch the same-origin rules off. */
export async function launchBrowser(): Promise<Browser> {
  const executablePath = (await onPath()) ?? (await packagedChromium.executablePath())
  return chromium.launch({ executablePath, headless: true, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
}
