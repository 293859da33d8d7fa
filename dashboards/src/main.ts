/** Writes every dashboard to `rendered/`; with --check it only compares and fails on drift. Runs in `dashboards/`. */
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { boards } from './boards.js'
import { stable } from './house/json.js'

const folder = 'rendered'
const check = process.argv.includes('--check')
const wanted = new Map(boards().map((board) => [`${board.name}.json`, stable(board.dashboard)]))

await mkdir(folder, { recursive: true })
const stale: string[] = []
for (const file of (await readdir(folder)).filter((name) => name.endsWith('.json') && !wanted.has(name))) {
  stale.push(`${folder}/${file} belongs to no dashboard`)
  if (!check) {
    await rm(join(folder, file))
  }
}
for (const [file, text] of wanted) {
  const present = await readFile(join(folder, file), 'utf8').catch(() => '')
  if (present !== text) {
    stale.push(`${folder}/${file} differs from its source`)
    if (!check) {
      await writeFile(join(folder, file), text)
    }
  }
}
for (const line of stale) {
  console.error(`dashboards: ${line}${check ? '; run `npm run gen` and commit the result' : ': renewed'}`)
}
process.exitCode = check && stale.length > 0 ? 1 : 0
