/** The real thing for a journey: `perch up` on free ports over a real tree, and the dev server on :5173 in front of it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test as base } from '@playwright/test'
import { createServer } from 'vite'

export interface Running {
  /** The page. */
  readonly url: string
  readonly engineUrl: string
  readonly token: string
  /** A tree beneath a root of the Engine. */
  readonly tree: string
  readonly nFiles: number
  /** A folder that is there and beneath no root. */
  readonly outside: string
}

const startMs = 60_000
const stopMs = 15_000

const nPackages = 60
const nFilesPerPackage = 12

/** A tree like `node_modules`: many small files, some large ones, folders, a link. Large enough that packing is seen. */
function plantTree(root: string): { tree: string; nFiles: number } {
  const tree = join(root, 'node_modules')
  for (let n = 0; n < nPackages; n += 1) {
    const lib = join(tree, `package-${n}`, 'lib')
    mkdirSync(lib, { recursive: true })
    for (let file = 0; file < nFilesPerPackage; file += 1) {
      const line = `export const value${n}_${file} = ${n * file} // ${'some text that compresses '.repeat(4)}\n`
      writeFileSync(join(lib, `file-${file}.js`), line.repeat(file === 0 ? 4000 : 40))
    }
  }
  return { tree, nFiles: nPackages * nFilesPerPackage }
}

interface Ready {
  engine: { url: string }
  token: string
}

/** The one line of JSON that says that all is up; fails with what was said on stderr instead. */
function ready(child: ChildProcess): Promise<Ready> {
  return new Promise((resolve, reject) => {
    let said = ''
    const fail = (why: string) => reject(new Error(`perch up ${why}\n${said.slice(-4000)}`))
    const timer = setTimeout(() => fail(`was not ready after ${startMs} ms`), startMs)
    child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    child.once('error', (error) => fail(`did not start: ${error.message}`))
    child.once('exit', (code) => fail(`ended with ${code}`))
    if (child.stdout === null) return
    createInterface({ input: child.stdout }).once('line', (line) => {
      clearTimeout(timer)
      resolve(JSON.parse(line) as Ready)
    })
  })
}

async function stop(child: ChildProcess) {
  if (child.exitCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), stopMs)
  await gone
  clearTimeout(timer)
}

const listeners = ['--engine-listen', '--engine-metrics-listen', '--otlp-grpc', '--otlp-http', '--api-listen']

function named(variable: string): string {
  const path = process.env[variable]
  if (path === undefined || path === '') throw new Error(`${variable} is not set; it names the built binary, such as $CARGO_TARGET_DIR/debug/perch`)
  return path
}

async function start(run: (running: Running) => Promise<void>) {
  const perch = named('PERCH_BIN')
  const home = mkdtempSync(join(tmpdir(), 'nestr-j1-'))
  const root = join(home, 'root')
  const outside = join(home, 'outside')
  mkdirSync(root)
  mkdirSync(outside)
  const { tree, nFiles } = plantTree(root)
  const child = spawn(
    perch,
    ['up', '--json', '--no-backends', '--root', root, '--state-dir', join(home, 'state'), ...listeners.flatMap((flag) => [flag, '127.0.0.1:0'])],
    // The current folder becomes a root, so it is the tree's.
    { cwd: root, env: { ...process.env, NESTR_BIN: named('NESTR_BIN') }, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  try {
    const { engine, token } = await ready(child)
    process.env['NESTR_URL'] = engine.url
    const web = await createServer({ logLevel: 'error' })
    await web.listen()
    try {
      await run({ url: 'http://127.0.0.1:5173', engineUrl: engine.url, token, tree, nFiles, outside })
    } finally {
      await web.close()
    }
  } finally {
    await stop(child)
    rmSync(home, { recursive: true, force: true })
  }
}

export const test = base.extend<object, { running: Running }>({
  running: [
    // oxlint-disable-next-line no-empty-pattern -- the shape Playwright asks for
    async ({}, use) => start(use),
    { scope: 'worker', timeout: startMs + stopMs + 30_000 },
  ],
})
