import nock from 'nock'

// The outside world is never reached from a test: loopback only. `hooks.example.com` and `chat.test` exist nowhere: tests of webhooks and chats lead them to this machine themselves.
nock.disableNetConnect()
nock.enableNetConnect(/^(127\.0\.0\.1|localhost|\[?::1\]?|hooks\.example\.com|chat\.test)(:\d+)?$/)
