/** The import rules of the house: one direction, one door per feature, no cycles. */
const infrastructure = ['kernel', 'store', 'inbox', 'events', 'effects', 'highlevel', 'http', 'commands']
const notFeature = infrastructure.join('|')

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'kernel-stands-alone', severity: 'error', from: { path: '^src/kernel/' }, to: { path: '^(src/(?!kernel/)|webhooks/|workflows/|custom-pages/|test/)' } },
    { name: 'store-on-kernel-only', severity: 'error', from: { path: '^src/store/' }, to: { path: '^(src/(?!kernel/|store/)|webhooks/|workflows/|custom-pages/|test/)' } },
    { name: 'inbox-and-events-on-store', severity: 'error', from: { path: '^src/(inbox|events)/' }, to: { path: '^(src/(?!kernel/|store/|$1/)|webhooks/|workflows/|custom-pages/|test/)' } },
    { name: 'effects-reach-the-gateway-only', severity: 'error', from: { path: '^src/effects/' }, to: { path: '^(src/(?!kernel/|store/|events/index|highlevel/index|effects/)|webhooks/|workflows/|custom-pages/|test/)' } },
    { name: 'gateway-on-store', severity: 'error', from: { path: '^src/highlevel/' }, to: { path: '^(src/(?!kernel/|store/|highlevel/)|webhooks/|workflows/|custom-pages/|test/)' } },
    {
      name: 'features-through-doors',
      comment: 'A feature may use the kernel, the store, the records between rooms, the HTTP contract and other features by their index.',
      severity: 'error',
      from: { path: `^src/(?!(?:${notFeature})/)([^/]+)/` },
      to: { path: '^(src/(?!kernel/|store/|events/index|effects/index|highlevel/index|http/contract/|$1/|[^/]+/index\\.ts)|webhooks/|workflows/|custom-pages/|test/)' },
    },
    { name: 'features-not-the-server', severity: 'error', from: { path: `^src/(?!(?:${notFeature})/)([^/]+)/` }, to: { path: '^src/(http/(?!contract/)|inbox/|app|main|services\\.)' } },
    { name: 'webhooks-through-doors', severity: 'error', from: { path: '^webhooks/' }, to: { path: '^(src/(?!kernel/|[^/]+/index\\.ts)|workflows/|custom-pages/|test/)' } },
    { name: 'workflows-through-doors', severity: 'error', from: { path: '^workflows/' }, to: { path: '^(src/(?!kernel/|http/contract/|[^/]+/index\\.ts)|webhooks/|custom-pages/|test/)' } },
    { name: 'pages-know-the-contract-only', severity: 'error', from: { path: '^custom-pages/' }, to: { path: '^(src/(?!http/contract/|kernel/levels)|webhooks/|workflows/|test/)' } },
    { name: 'contract-is-types-and-schemas', severity: 'error', from: { path: '^src/http/contract/' }, to: { path: '^(src/(?!kernel/levels|http/contract/)|webhooks/|workflows/|custom-pages/|test/)' } },
    { name: 'agenda-is-the-clock-in-one-file', severity: 'error', from: { pathNot: '^(workflows/agenda\\.ts|test/)' }, to: { path: 'node_modules/(agenda|@agendajs)/' } },
    { name: 'express-at-the-edge', severity: 'error', from: { path: '^(src|workflows|custom-pages)/', pathNot: '^src/http/' }, to: { path: 'node_modules/express/' } },
    { name: 'sdk-behind-the-seam', severity: 'error', from: { path: '^(src|webhooks|workflows)/', pathNot: '^src/highlevel/' }, to: { path: 'node_modules/@gohighlevel/' } },
    { name: 'embedded-store-by-its-door', severity: 'error', from: { path: '^src/', pathNot: '^src/store/embedded/' }, to: { path: '^src/store/embedded/(?!index\\.ts)' } },
    { name: 'product-does-not-need-tests', severity: 'error', from: { path: '^(src|webhooks|workflows|custom-pages)/', pathNot: '^src/main\\.ts' }, to: { path: '^test/' } },
    { name: 'declared-dependencies', severity: 'error', from: { path: '^(src|webhooks|workflows)/' }, to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'unknown', 'undetermined'] } },
  ],
  options: { doNotFollow: { path: 'node_modules' }, tsConfig: { fileName: 'tsconfig.json' }, tsPreCompilationDeps: true, enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] } },
}
