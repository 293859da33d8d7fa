/** Every page of the build, in both themes, under the Engine's own policy: nothing blocked, nothing inaccessible. */
import { execFileSync } from 'node:child_process'
import { type Page, type WebSocketRoute, test as base, expect } from '@playwright/test'
import { preview } from 'vite'
import { expectAccessible } from './axe'
import { digest, largeTrace, mockEngine, objectives, pellets, token, traceId } from './mock'

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const test = base.extend<object, { built: string }>({
  built: [
    // oxlint-disable-next-line no-empty-pattern -- the shape Playwright asks for
    async ({}, use) => {
      const server = await preview({
        logLevel: 'error',
        preview: { host: '127.0.0.1', port: 0, strictPort: true, headers: { 'content-security-policy': policy } },
      })
      await use(server.resolvedUrls?.local[0]?.replace(/\/$/, '') ?? '')
      await server.close()
    },
    { scope: 'worker' },
  ],
})

/** Opens a page signed in; returns what the browser complained of. */
async function open(page: Page, address: string) {
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  await page.goto(address)
  return complaints
}

const signIn = (page: Page, started: string[] = []) =>
  page.addInitScript(
    ([bearer, ids]) => {
      sessionStorage.setItem('nestr.token', bearer ?? '')
      sessionStorage.setItem('nestr.started', ids ?? '[]')
    },
    [token, JSON.stringify(started)],
  )

for (const colorScheme of ['light', 'dark'] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme })

    test('sign-in', async ({ page, built }, info) => {
      await mockEngine(page)
      const reply = await page.request.get(`${built}/pellets`)
      expect(reply.headers()['content-security-policy'], 'the policy is in force').toBe(policy)
      const complaints = await open(page, `${built}/pellets`)
      await page.getByLabel('Token').fill('cut')
      await page.getByRole('button', { name: 'Sign in' }).click()
      await expect(page.getByRole('alert')).toContainText('three parts')
      await page.screenshot({ path: info.outputPath('sign-in.png') })
      await expectAccessible(page, 'sign-in')
      expect(complaints).toEqual([])
    })

    test('empty Pellets', async ({ page, built }, info) => {
      await mockEngine(page, { pellets: [] })
      await signIn(page)
      const complaints = await open(page, `${built}/pellets`)
      await expect(page.getByText('No Pellet yet')).toBeVisible()
      await page.screenshot({ path: info.outputPath('empty.png') })
      await expectAccessible(page, 'empty Pellets')
      expect(complaints).toEqual([])
    })

    test('Pellets, running and failed', async ({ page, built }, info) => {
      await mockEngine(page)
      await signIn(page, ['op1', 'op2'])
      const complaints = await open(page, `${built}/pellets`)
      await expect(page.getByRole('link', { name: 'site-modules', exact: true })).toBeVisible()
      await expect(page.getByRole('progressbar').first()).toHaveAttribute('value', '63')
      await expect(page.getByText('A file vanished while it was packed')).toBeVisible()
      await page.screenshot({ path: info.outputPath('pellets.png') })
      await expectAccessible(page, 'Pellets')
      expect(complaints).toEqual([])
    })

    test('one Pellet', async ({ page, built }, info) => {
      await mockEngine(page)
      await signIn(page)
      const complaints = await open(page, `${built}/pellets/${digest}`)
      await expect(page.getByRole('heading', { name: 'site-modules' })).toBeVisible()
      await page.screenshot({ path: info.outputPath('pellet.png') })
      await expectAccessible(page, 'one Pellet')
      expect(complaints).toEqual([])
    })

    test('a trace', async ({ page, built }, info) => {
      await mockEngine(page)
      await signIn(page)
      const complaints = await open(page, `${built}/traces/${traceId}`)
      await expect(page.getByRole('row', { name: /pellet\.pack/ })).toBeVisible()
      await expect(page.getByText(/arriving/)).toBeHidden()
      await page.getByRole('treegrid').press('ArrowDown')
      await page.getByRole('treegrid').press('ArrowDown')
      await expect(page.getByRole('region', { name: 'Selected span' })).toContainText('nestr.pellet.bytes_in')
      await page.screenshot({ path: info.outputPath('trace.png'), fullPage: true })
      await expectAccessible(page, 'a trace')
      expect(complaints).toEqual([])
    })

    test('trace search', async ({ page, built }, info) => {
      await mockEngine(page)
      await signIn(page)
      const complaints = await open(page, `${built}/traces`)
      await expect(page.getByRole('link', { name: 'ui.compress' })).toBeVisible()
      await page.screenshot({ path: info.outputPath('traces.png') })
      await expectAccessible(page, 'trace search')
      expect(complaints).toEqual([])
    })

    test('objectives, and the traces that spent a budget', async ({ page, built }, info) => {
      await mockEngine(page)
      await signIn(page)
      const complaints = await open(page, `${built}/objectives`)
      const burning = page.getByRole('row').nth(1)
      await expect(burning, 'what burns comes first').toContainText(/compress-availability.*99\.5 %.*30 days.*8\.4 %.*frozen.*burning fast 15\.5 ×/)
      await expect(page.getByRole('row').nth(2)).toContainText(/compress-latency.*91\.0 %.*ok.*calm/)
      await page.screenshot({ path: info.outputPath('objectives.png') })
      await expectAccessible(page, 'objectives')
      await burning.getByRole('link').click()
      await expect(page.getByRole('heading', { name: 'nestr compress-availability' })).toBeVisible()
      await expect(page.getByRole('row', { name: /no-space/ })).toContainText('118')
      await page.screenshot({ path: info.outputPath('objective.png') })
      await expectAccessible(page, 'an objective')
      await page.getByRole('link', { name: traceId.slice(0, 12) }).click()
      await expect(page.getByRole('row', { name: /pellet\.pack/ })).toBeVisible()
      expect(complaints).toEqual([])
    })
  })
}

test('the event stream breaks and resumes after the last revision, and a new Pellet shows by itself', async ({ page, built }) => {
  const found: unknown[] = []
  await mockEngine(page, { pellets: found })
  const sockets: WebSocketRoute[] = []
  await page.routeWebSocket('**/ws*', (socket) => {
    sockets.push(socket)
  })
  await signIn(page)
  await page.goto(`${built}/pellets`)
  await expect(page.getByText('No Pellet yet')).toBeVisible()
  await expect.poll(() => sockets.length).toBe(1)
  found.push(pellets[0])
  sockets[0]?.send(JSON.stringify({ type: 'pellet:compressed', rev: 41, id: 'e', time: '', subject: 'pellets/x', actor: 'ada', data: {} }))
  await sockets[0]?.close({ code: 1001 })
  await expect(page.getByRole('link', { name: 'site-modules', exact: true })).toBeVisible()
  await expect.poll(() => sockets.map((socket) => new URL(socket.url()).search)).toEqual(['', '?since=41'])
  await expect(page.getByRole('status').filter({ hasText: /^live$/ })).toBeVisible()
})

test('a trace of 100 000 spans draws only what is on screen', async ({ page, built }) => {
  await mockEngine(page)
  await signIn(page)
  await page.route(`**/api/perch/traces/${traceId}`, (route) =>
    route.fulfill({ contentType: 'application/json', body: JSON.stringify({ data: [largeTrace(100_000)] }) }),
  )
  await page.goto(`${built}/traces/${traceId}`)
  const grid = page.getByRole('treegrid')
  await expect(grid).toHaveAttribute('aria-rowcount', '100001', { timeout: 60_000 })
  expect(await grid.getByRole('row').count()).toBeLessThan(80)
  await grid.press('End')
  await expect(grid.getByRole('row').last()).toHaveAttribute('aria-rowindex', '100001')
  await grid.press('Home')
  await grid.press('ArrowLeft')
  await expect(grid).toHaveAttribute('aria-rowcount', '2')
})

test('a narrow window keeps everything within reach', async ({ page, built }, info) => {
  await page.setViewportSize({ width: 400, height: 800 })
  await mockEngine(page)
  // The longest word for the stream's state is the one to make room for.
  await page.routeWebSocket('**/ws*', (socket) => socket.close({ code: 1011 }))
  await signIn(page, ['op1'])
  for (const path of ['/pellets', `/pellets/${digest}`, `/traces/${traceId}`, '/traces', '/objectives', `/objectives/${objectives[1]?.id}`]) {
    await page.goto(`${built}${path}`)
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
    await expect(page.getByText(/^Loading/)).toHaveCount(0)
    await expect(page.getByRole('status').filter({ hasText: /^reconnecting$/ })).toBeVisible()
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
    expect(overflow, path).toBeLessThanOrEqual(0)
    await page.screenshot({ path: info.outputPath(`narrow-${path.split('/')[1]}.png`) })
  }
})

test('the first page keeps its weight budget', () => {
  // Fails with the list of what was weighed.
  execFileSync(process.execPath, ['scripts/weight.mjs'], { encoding: 'utf8' })
})
