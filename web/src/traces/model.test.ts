import { describe, expect, it } from 'vitest'
import { buildTrace } from './model'
import { aTrace } from './testing'

const drawn = (...spans: Parameters<typeof aTrace>) => {
  const model = buildTrace(aTrace(...spans))
  return model.spans.map((span, row) => `${'  '.repeat(model.depth[row] ?? 0)}${span.spanID} ${model.start[row]}+${model.duration[row]}`)
}

describe('buildTrace', () => {
  it('draws depth first, children by start, whatever order the spans come in', () => {
    expect(
      drawn(
        { id: 'seal', parent: 'op', start: 80, duration: 10 },
        { id: 'walk', parent: 'op', start: 20, duration: 10 },
        { id: 'rest', parent: 'ui', start: 5, duration: 20 },
        { id: 'pack', parent: 'op', start: 30, duration: 50 },
        { id: 'op', parent: 'rest', start: 10, duration: 90 },
        { id: 'ui', start: 0, duration: 30 },
      ),
    ).toEqual(['ui 0+30', '  rest 5+20', '    op 10+90', '      walk 20+10', '      pack 30+50', '      seal 80+10'])
  })

  it('knows where each subtree ends', () => {
    const model = buildTrace(aTrace({ id: 'a' }, { id: 'b', parent: 'a', start: 1 }, { id: 'c', parent: 'b', start: 2 }, { id: 'd', parent: 'a', start: 3 }))
    expect([...model.end]).toEqual([4, 3, 3, 4])
    expect([...model.parent]).toEqual([-1, 0, 1, 0])
  })

  it('puts a span whose parent is missing at the top and counts it', () => {
    const model = buildTrace(aTrace({ id: 'a' }, { id: 'late', parent: 'never', start: 5 }))
    expect(model.orphans).toEqual([1])
    expect(model.depth[1]).toBe(0)
  })

  it('cuts circles and keeps every span once', () => {
    expect(buildTrace(aTrace({ id: 'a', parent: 'b' }, { id: 'b', parent: 'a' }, { id: 'self', parent: 'self' })).n).toBe(3)
  })

  it('drops a span that came twice', () => {
    expect(buildTrace(aTrace({ id: 'a' }, { id: 'a' })).n).toBe(1)
  })

  it('stands a trace without spans', () => {
    const model = buildTrace(aTrace())
    expect(model).toMatchObject({ n: 0, total: 1, origin: 0 })
  })

  it('stands a chain of 100 000 spans', () => {
    const spans = Array.from({ length: 100_000 }, (_, at) => ({ id: `s${at}`, start: at, ...(at > 0 ? { parent: `s${at - 1}` } : {}) }))
    const model = buildTrace(aTrace(...spans))
    expect(model.end[0]).toBe(100_000)
    expect(model.depth[99_999]).toBe(65_535)
  })

  it('counts failures and names services in order of appearance', () => {
    const model = buildTrace(aTrace({ id: 'a', service: 'web' }, { id: 'b', parent: 'a', service: 'nestr', error: true }, { id: 'c', parent: 'a', service: 'web' }))
    expect(model.services).toEqual(['web', 'nestr'])
    expect(model.nFailed).toBe(1)
    expect([...model.failed]).toEqual(model.spans.map((span) => (span.spanID === 'b' ? 1 : 0)))
  })
})

describe('clock skew', () => {
  it('centres a child that began before its cause, and moves what hangs below it alike', () => {
    expect(
      drawn(
        { id: 'ui', start: 1000, duration: 100, service: 'web' },
        { id: 'rest', parent: 'ui', start: 500, duration: 60 },
        { id: 'op', parent: 'rest', start: 510, duration: 400 },
      ),
    ).toEqual(['ui 0+100', '  rest 20+60', '    op 30+400'])
  })

  it('starts a child that does not fit with its parent', () => {
    expect(drawn({ id: 'ui', start: 1000, duration: 10, service: 'web' }, { id: 'rest', parent: 'ui', start: 500, duration: 60 })).toEqual([
      'ui 0+10',
      '  rest 0+60',
    ])
  })

  it('leaves work that outlives its caller where it is', () => {
    expect(drawn({ id: 'ui', start: 0, duration: 10, service: 'web' }, { id: 'op', parent: 'ui', start: 5, duration: 900 })).toEqual(['ui 0+10', '  op 5+900'])
  })

  it('never moves spans of one process against each other', () => {
    expect(drawn({ id: 'a', start: 10, duration: 5 }, { id: 'b', parent: 'a', start: 8, duration: 2 })).toEqual(['a 2+5', '  b 0+2'])
  })
})
