import nock from 'nock'

// The outside world is never reached from a test: loopback only.
nock.disableNetConnect()
nock.enableNetConnect(/^(127\.0\.0\.1|localhost|\[?::1\]?)(:\d+)?$/)
