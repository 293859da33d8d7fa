import assert from 'node:assert/strict'
import { test } from 'node:test'
import { boards } from '../src/boards.js'
import { stable } from '../src/house/json.js'
import { rendered } from './lint/model.js'
import { faults } from './lint/rules.js'

const all = rendered().map(([, board]) => board)

for (const [file, board] of rendered()) {
  test(`${file} keeps every rule`, () => {
    assert.deepEqual(faults(board, all), [])
  })
}

test('dashboards and files are told apart by uid and name', () => {
  const uids = all.map(({ uid }) => uid)
  assert.equal(new Set(uids).size, uids.length)
  assert.ok(all.length > 0)
})

test('rendering twice gives the same bytes', () => {
  const once = boards().map(({ dashboard }) => stable(dashboard))
  const twice = boards().map(({ dashboard }) => stable(dashboard))
  assert.deepEqual(once, twice)
})

test('the order of keys does not change a byte', () => {
  assert.equal(stable({ b: [{ d: 1, c: undefined }], a: null }), stable({ a: null, b: [{ c: undefined, d: 1 }] }))
})
