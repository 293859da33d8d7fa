import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

const engine = process.env['NESTR_URL'] ?? 'http://127.0.0.1:8080'

// changeOrigin: the Engine answers 421 to a Host header it does not know.
const toEngine = { target: engine, changeOrigin: true }

export default defineConfig({
  plugins: [react()],
  server: {
    host: '127.0.0.1',
    port: 5173,
    strictPort: true,
    proxy: {
      '/api': toEngine,
      '/healthz': toEngine,
      '/readyz': toEngine,
      '/version': toEngine,
      '/metrics': toEngine,
      '/ws': { ...toEngine, ws: true },
    },
  },
  build: {
    outDir: 'dist',
    // Files only, never data: addresses, so that the Engine's policy can stay at 'self'.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  test: {
    include: ['src/**/*.test.{ts,tsx}'],
    environment: 'node',
    restoreMocks: true,
    testTimeout: 60_000,
  },
})
