// Writes src/api/schema.gen.ts from the Engine's OpenAPI file; with --check it only compares and fails on drift.
import { readFile, writeFile } from 'node:fs/promises'
import openapiTS, { astToString } from 'openapi-typescript'

const source = new URL('../../engine/server/openapi.json', import.meta.url)
const target = new URL('../src/api/schema.gen.ts', import.meta.url)
const head = '// Generated from engine/server/openapi.json by `npm run gen`; edits are lost.\n\n'

const schema = JSON.parse(await readFile(source, 'utf8'))
const text = head + astToString(await openapiTS(schema, { alphabetize: true }))

if (process.argv.includes('--check')) {
  const present = await readFile(target, 'utf8').catch(() => '')
  if (present !== text) {
    console.error('src/api/schema.gen.ts differs from engine/server/openapi.json; run `npm run gen` and commit the result')
    process.exit(1)
  }
} else {
  await writeFile(target, text)
}
