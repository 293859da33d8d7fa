/** Journey J1 on the real Engine and collector: from the click to its trace, in one trace. */
import { type Page, expect } from '@playwright/test'
import { expectAccessible } from './axe'
import { type Running, test } from './rig'

async function signIn(page: Page, running: Running) {
  await page.goto(running.url)
  await page.getByLabel('Token').fill(running.token)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('heading', { name: 'Pellets', level: 1 })).toBeVisible()
  await expect(page.getByRole('status').filter({ hasText: /^live$/ })).toBeVisible()
}

async function compress(page: Page, path: string, name: string) {
  await page.getByLabel('Folder to pack').fill(path)
  await page.getByLabel('Name').fill(name)
  await page.getByRole('button', { name: 'Compress' }).click()
}

test('a token that is not the Engine’s is refused with the reason', async ({ page, running }) => {
  await page.goto(running.url)
  await expectAccessible(page, 'sign-in')
  const [head, , signature] = running.token.split('.')
  await page.getByLabel('Token').fill(`${head}.${btoa('{"sub":"mallory"}').replaceAll('=', '')}.${signature}`)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('alert')).toContainText('nestr token create')
})

test('compress a real tree, see progress, the Pellet, and its whole trace', async ({ page, running }) => {
  const frames: { type: string; data: Record<string, unknown> }[] = []
  page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => {
    if (socket.url().includes('/ws')) frames.push(JSON.parse(String(payload)))
  }))
  const addresses: string[] = []
  page.on('request', (request) => addresses.push(request.url()))

  await signIn(page, running)
  await expect(page.getByText('No Pellet yet')).toBeVisible()
  await expectAccessible(page, 'empty Pellets')

  await compress(page, running.tree, 'journey')
  const card = page.getByRole('article')
  await expect(card.getByRole('progressbar')).toBeVisible()
  await expect(card.getByText('Packed')).toBeVisible({ timeout: 60_000 })
  await expect(card.getByTestId('counts')).toContainText('100 %')
  expect(frames.filter(({ type }) => type === 'progress').length, 'progress frames over /ws').toBeGreaterThan(0)
  await expect.poll(() => frames.map(({ type }) => type)).toContain('pellet:compressed')

  const row = page.getByRole('row', { name: /journey/ })
  await expect(row).toBeVisible()
  await expectAccessible(page, 'Pellets')

  await row.getByRole('link', { name: 'journey', exact: true }).click()
  await expect(page.getByRole('heading', { name: 'journey' })).toBeVisible()
  await expect(page.getByText(running.tree)).toBeVisible()
  const entries = page.locator('dt', { hasText: 'Entries' }).locator('+ dd')
  // Files, and the folders they lie in.
  expect(Number((await entries.innerText()).replaceAll(/\D/g, ''))).toBeGreaterThanOrEqual(running.nFiles)
  await expectAccessible(page, 'one Pellet')

  await page.getByRole('link', { name: 'Open trace' }).click()
  const grid = page.getByRole('treegrid')
  for (const [name, level] of [
    ['ui.compress', 1],
    ['POST /api/pellets/compress', 2],
    ['pellet.compress', 3],
    ['pellet.walk', 4],
    ['pellet.pack', 4],
    ['pellet.seal', 4],
    ['pellet.record', 4],
  ] as const) {
    const span = grid.getByRole('row', { name: new RegExp(`^\\s*${name.replaceAll(/[./]/g, '\\$&')} ?nestr`) })
    await expect(span, name).toHaveAttribute('aria-level', String(level), { timeout: 30_000 })
  }
  await expect(page.getByText(/arriving|Waiting for the trace/)).toBeHidden({ timeout: 30_000 })
  await expect(page.getByText(/failed/)).toBeHidden()

  const lines = page.getByRole('region', { name: 'Log lines' })
  await expect(lines.getByRole('row').nth(1)).toBeVisible({ timeout: 30_000 })
  await lines.getByRole('button', { name: 'Show the span of this line' }).first().click()
  await expect(page.getByRole('region', { name: 'Selected span' })).toContainText('Attributes')
  await expectAccessible(page, 'the trace')
  await page.screenshot({ path: test.info().outputPath('trace.png'), fullPage: true })

  await page.getByRole('link', { name: 'Traces' }).click()
  await expect(page.getByRole('link', { name: 'ui.compress' })).toBeVisible({ timeout: 30_000 })
  await expectAccessible(page, 'trace search')

  expect(addresses.filter((address) => address.includes(running.token)), 'addresses that hold the token').toEqual([])
})

test('a path outside the roots is refused in the Engine’s words, with its trace', async ({ page, running }) => {
  await signIn(page, running)
  await compress(page, running.outside, 'no')
  const alert = page.getByRole('alert')
  await expect(alert).toContainText('path-outside-roots')
  await expect(alert).toContainText('--root')
  await alert.getByRole('link', { name: 'Open trace' }).click()
  const rows = page.getByRole('treegrid').getByRole('row')
  await expect(rows.filter({ hasText: 'ui.compress' })).toContainText('failed', { timeout: 30_000 })
  await expect(rows.filter({ hasText: 'POST /api/pellets/compress' })).toBeVisible({ timeout: 30_000 })
})

test('the Engine serves the built page itself, with deep links', async ({ page, running }) => {
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  await page.goto(`${running.engineUrl}/pellets`)
  await page.getByLabel('Token').fill(running.token)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('heading', { name: 'Pellets', level: 1 })).toBeVisible()
  expect(complaints).toEqual([])
})
