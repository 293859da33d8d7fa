// Fails when what the first page loads (dist/index.html and all it names, following static imports) is heavier than the budget.
import { readFile } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'

const budget = 150 * 1024
const dist = new URL('../dist/', import.meta.url)
const read = (path) => readFile(new URL(path, dist))

const html = await read('index.html')
const queue = [...html.toString().matchAll(/(?:src|href)="\/([^"]+)"/g)].map((found) => found[1])
const sizes = new Map([['index.html', gzipSync(html).length]])
for (const path of queue) {
  if (sizes.has(path)) continue
  const body = await read(path)
  sizes.set(path, gzipSync(body).length)
  if (!path.endsWith('.js')) continue
  for (const found of body.toString().matchAll(/(?:^|[;}\s])(?:import|export)[^'"();]*?from\s*['"]\.\/([^'"]+)['"]|^import\s*['"]\.\/([^'"]+)['"]/g)) {
    queue.push(`assets/${found[1] ?? found[2]}`)
  }
}

const total = [...sizes.values()].reduce((sum, size) => sum + size, 0)
for (const [path, size] of sizes) console.log(`${(size / 1024).toFixed(1).padStart(7)} KiB  ${path}`)
console.log(`${(total / 1024).toFixed(1).padStart(7)} KiB  first page, gzip; budget ${budget / 1024} KiB`)
if (total > budget) {
  console.error('the first page is above its weight budget')
  process.exit(1)
}
