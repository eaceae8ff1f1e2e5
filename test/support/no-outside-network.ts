import nock from 'nock'

// The outside world is never reached from a test: loopback only. `hooks.example.com` exists nowhere: tests of webhooks lead it to this machine themselves.
nock.disableNetConnect()
nock.enableNetConnect(/^(127\.0\.0\.1|localhost|\[?::1\]?|hooks\.example\.com)(:\d+)?$/)
